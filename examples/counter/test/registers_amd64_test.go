package test

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

// Results by which the kernel asks itself to begin a call anew (linux/errno.h).
var restarts = []int64{-512, -513, -514, -516}

// where is the program counter and the frame pointer of a stopped thread. The
// former is at the system call's instruction if the call will be begun anew;
// it is set back only when the thread goes on.
func where(tid int, points pair.Points) (pc, fp uint64, err error) {
	var r unix.PtraceRegsAmd64
	err = unix.PtraceGetRegsAmd64(tid, &r)
	pc = r.Rip
	if pc == points.SysInsn+2 && int64(r.Orig_rax) >= 0 && slices.Contains(restarts, int64(r.Rax)) {
		pc = points.SysInsn
	}
	return pc, r.Rbp, err
}

// poisonRegisters puts a stopped thread to pc with these pointers and nothing else.
func poisonRegisters(tid int, pc, sp, fp uint64) error {
	var r unix.PtraceRegsAmd64
	if err := unix.PtraceGetRegsAmd64(tid, &r); err != nil {
		return err
	}
	for _, p := range []*uint64{
		&r.Rax, &r.Rbx, &r.Rcx, &r.Rdx, &r.Rsi, &r.Rdi, &r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15,
	} {
		*p = poisonWord
	}
	r.Rip, r.Rsp, r.Rbp = pc, sp, fp
	r.Orig_rax = ^uint64(0) // in no system call: nothing to begin anew
	if err := unix.PtraceSetRegsAmd64(tid, &r); err != nil {
		return err
	}
	const size, xmm0 = 512, 160 // of FXSAVE's format
	return poisonRegset(tid, ntPrfpreg, size, xmm0, xmm0+16*16)
}
