package stop

import (
	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

func readRegisters(tid int) (pair.Registers, error) {
	var r unix.PtraceRegsAmd64
	err := unix.PtraceGetRegsAmd64(tid, &r)
	return pair.Registers{PC: r.Rip, SP: r.Rsp, FP: r.Rbp, Result: r.Rax, TP: r.Fs_base, Context: r.R13}, err
}
