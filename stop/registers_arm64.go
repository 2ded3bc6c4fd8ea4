package stop

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

// Register sets (include/uapi/linux/elf.h).
const (
	ntPrstatus = 1
	ntArmTLS   = 0x401
)

func readRegisters(tid int) (pair.Registers, error) {
	var r unix.PtraceRegsArm64
	if err := unix.PtraceGetRegSetArm64(tid, ntPrstatus, &r); err != nil {
		return pair.Registers{}, err
	}
	var tls [8]byte
	iov := unix.Iovec{Base: &tls[0], Len: uint64(len(tls))}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETREGSET, uintptr(tid), ntArmTLS, uintptr(unsafe.Pointer(&iov)), 0, 0)
	if errno != 0 {
		return pair.Registers{}, errno
	}
	return pair.Registers{
		PC: r.Pc, SP: r.Sp, FP: r.Regs[29], LR: r.Regs[30], Result: r.Regs[0],
		TP: binary.LittleEndian.Uint64(tls[:]), Context: r.Regs[20],
	}, nil
}
