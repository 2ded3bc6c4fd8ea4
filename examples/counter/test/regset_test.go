package test

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const ntPrfpreg = 2 // linux/elf.h

// poisonRegset overwrites [from, to) of a register set of that many bytes.
func poisonRegset(tid, set, size, from, to int) error {
	b := make([]byte, size)
	iov := unix.Iovec{Base: &b[0], Len: uint64(size)}
	call := func(request int) error {
		_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), uintptr(set), uintptr(unsafe.Pointer(&iov)), 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	}
	if err := call(unix.PTRACE_GETREGSET); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		b[i] = poisonByte
	}
	return call(unix.PTRACE_SETREGSET)
}
