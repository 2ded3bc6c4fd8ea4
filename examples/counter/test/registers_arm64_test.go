package test

import (
	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

const ntPrstatus = 1

// where is the program counter and the frame pointer of a stopped thread. The
// former is at the system call's instruction if the call will be begun anew.
func where(tid int, _ pair.Points) (pc, fp uint64, err error) {
	var r unix.PtraceRegsArm64
	err = unix.PtraceGetRegSetArm64(tid, ntPrstatus, &r)
	return r.Pc, r.Regs[29], err
}

// poisonRegisters puts a stopped thread to pc with these pointers and nothing else.
func poisonRegisters(tid int, pc, sp, fp uint64) error {
	var r unix.PtraceRegsArm64
	if err := unix.PtraceGetRegSetArm64(tid, ntPrstatus, &r); err != nil {
		return err
	}
	for i := range r.Regs {
		r.Regs[i] = poisonWord
	}
	r.Pc, r.Sp, r.Regs[29] = pc, sp, fp
	if err := unix.PtraceSetRegSetArm64(tid, ntPrstatus, &r); err != nil {
		return err
	}
	const size, vregs = 528, 32 * 16 // struct user_fpsimd_state
	return poisonRegset(tid, ntPrfpreg, size, 0, vregs)
}
