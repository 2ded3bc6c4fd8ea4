package translate

import (
	"errors"
	"fmt"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa"
)

// Status bits of a mapping (criu/include/image.h; the last two since CRIU 4.2).
const (
	vmaVsyscall    = 1 << 2
	vmaVDSO        = 1 << 3
	vmaFilePrivate = 1 << 6
	vmaFileShared  = 1 << 7
	vmaAnonPrivate = 1 << 9
	vmaVvar        = 1 << 12
	vmaShadowStack = 1 << 15
	vmaUprobes     = 1 << 17
	vmaPlugin      = 1 << 27

	// kernelVMAs are put into a process by its kernel or for its CPU. None
	// goes over: CRIU restores a process without a vDSO, and the runtime of
	// a pair reaches the vDSO only through words that are reset (pair.Pair.Reset).
	kernelVMAs = vmaVsyscall | vmaVDSO | vmaVvar | vmaShadowStack | vmaUprobes
)

const (
	protWrite = 2 // PROT_WRITE
	protExec  = 4 // PROT_EXEC
)

// Entries of the auxiliary vector (include/uapi/linux/auxvec.h) with a meaning here.
const (
	atNull   = 0
	atPagesz = 6
	atEntry  = 9
)

// auxvDropped are the entries that speak of the CPU and the kernel the process
// was started on. A program that asks for them gets what an old kernel would
// give: nothing.
var auxvDropped = map[uint64]bool{
	15: true, 16: true, // PLATFORM, HWCAP
	24: true, 26: true, 29: true, 30: true, // BASE_PLATFORM, HWCAP2, HWCAP3, HWCAP4
	27: true, 28: true, // RSEQ_FEATURE_SIZE, RSEQ_ALIGN
	32: true, 33: true, // SYSINFO, SYSINFO_EHDR
	34: true, 35: true, 36: true, 37: true, // L1I..L3 cache shape
	40: true, 41: true, 42: true, 43: true, 44: true, 45: true, 46: true, 47: true,
	51: true, // MINSIGSTKSZ
}

// translateMM rewrites a memory image, and gives the ranges of memory that do
// not go over: the kernel's own mappings, and the executable's code, whose
// pages are in a dump only where CRIU or a debugger wrote to them.
func translateMM(m *mm.MmEntry, from, to isa.ISA, limit, entry uint64, exeFiles map[uint32]bool) ([]span, error) {
	var dropped []span
	var vmas []*vma.VmaEntry
	for _, v := range m.GetVmas() {
		s := span{v.GetStart(), v.GetEnd()}
		if s.start >= s.end || s.start%pageSize != 0 || s.end%pageSize != 0 {
			return nil, fmt.Errorf("the mapping %#x-%#x is no range of pages", s.start, s.end)
		}
		status := v.GetStatus()
		if status&kernelVMAs != 0 {
			dropped = append(dropped, s)
			continue
		}
		if status&vmaPlugin != 0 {
			return nil, fmt.Errorf("the mapping %#x-%#x belongs to a CRIU plugin: the state of such a device cannot be translated", s.start, s.end)
		}
		if v.GetProt()&protExec != 0 {
			if status&vmaFilePrivate == 0 || !exeFiles[uint32(v.GetShmid())] {
				return nil, fmt.Errorf("the mapping %#x-%#x is code for %s that is not of the program's own file (a just-in-time compiler's, or a shared library's)",
					s.start, s.end, from.Name())
			}
			if v.GetProt()&protWrite != 0 {
				return nil, fmt.Errorf("the program's code at %#x-%#x is writable, so that it may not be that of its file", s.start, s.end)
			}
			dropped = append(dropped, s)
		}
		if s.end > limit {
			return nil, fmt.Errorf("the mapping %#x-%#x lies beyond the address space of the destination, which ends at %#x: the program must have been started in a low layout",
				s.start, s.end, limit)
		}
		v.Flags = proto.Uint32(from.CommonMapFlags(v.GetFlags()))
		if v.Fdflags != nil {
			v.Fdflags = proto.Uint32(to.OwnOpenFlags(from.CommonOpenFlags(v.GetFdflags())))
		}
		vmas = append(vmas, v)
	}
	m.Vmas = vmas

	// The kernel refuses bounds outside of the address space
	// (validate_prctl_map_addr, kernel/sys.c), mapped or not.
	for name, bound := range map[string]uint64{
		"code": m.GetMmEndCode(), "data": m.GetMmEndData(), "heap": m.GetMmBrk(),
		"stack": m.GetMmStartStack(), "arguments": m.GetMmArgEnd(), "environment": m.GetMmEnvEnd(),
	} {
		if bound > limit {
			return nil, fmt.Errorf("the bound of the %s, %#x, lies beyond the address space of the destination, which ends at %#x: the program must have been started in a low layout",
				name, bound, limit)
		}
	}
	var err error
	m.MmSavedAuxv, err = translateAuxv(m.GetMmSavedAuxv(), entry)
	return dropped, err
}

// translateAuxv rewrites an auxiliary vector. CRIU saves as many words as it
// knows a kernel to have; of a newer kernel's, the end may be missing.
func translateAuxv(auxv []uint64, entry uint64) ([]uint64, error) {
	var out []uint64
	paged := false
	for i := 0; i+1 < len(auxv) && auxv[i] != atNull; i += 2 {
		key, value := auxv[i], auxv[i+1]
		switch {
		case auxvDropped[key]:
			continue
		case key == atPagesz && value != pageSize:
			return nil, fmt.Errorf("the process has pages of %d bytes; only %d can be translated", value, pageSize)
		case key == atPagesz:
			paged = true
		case key == atEntry:
			value = entry
		}
		out = append(out, key, value)
	}
	if !paged {
		return nil, errors.New("the auxiliary vector does not tell the page size")
	}
	return append(out, atNull, 0), nil
}
