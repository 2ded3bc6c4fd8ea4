package translate

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa/amd64"
	"github.com/tpfs/tpfs/translate/isa/arm64"
)

func TestAuxv(t *testing.T) {
	for _, tt := range []struct {
		name string
		auxv []uint64
		want []uint64
		err  string
	}{
		{
			"as a kernel makes it",
			[]uint64{33, 0x7ff000, 51, 0xd30, 16, 0xbfeb, 6, 4096, 17, 100, 3, 0x400040, 9, 0x401000, 31, 0x7000, 15, 0x7100, 0, 0, 0, 0},
			[]uint64{6, 4096, 17, 100, 3, 0x400040, 9, 0x402000, 31, 0x7000, 0, 0}, "",
		},
		{"its end cut off", []uint64{6, 4096, 17, 100}, []uint64{6, 4096, 17, 100, 0, 0}, ""},
		{"its last pair cut in two", []uint64{6, 4096, 17}, []uint64{6, 4096, 0, 0}, ""},
		{"large pages", []uint64{6, 65536, 0, 0}, nil, "65536"},
		{"no page size", []uint64{17, 100, 0, 0}, nil, "page size"},
		{"empty", nil, nil, "page size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := translateAuxv(tt.auxv, 0x402000)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestMappings(t *testing.T) {
	const exe = 3
	v := func(start, end uint64, prot, flags, status uint32, file uint64) *vma.VmaEntry {
		return &vma.VmaEntry{
			Start: proto.Uint64(start), End: proto.Uint64(end), Prot: proto.Uint32(prot),
			Flags: proto.Uint32(flags), Status: proto.Uint32(status), Shmid: proto.Uint64(file),
		}
	}
	m := func(vmas ...*vma.VmaEntry) *mm.MmEntry {
		return &mm.MmEntry{Vmas: vmas, MmSavedAuxv: []uint64{6, 4096, 0, 0}}
	}
	text := v(0x400000, 0x401000, 5, 2, 1|vmaFilePrivate, exe)
	data := v(0x410000, 0x411000, 3, 0x62, 1|vmaAnonPrivate, 0)
	for _, tt := range []struct {
		name    string
		mm      *mm.MmEntry
		kept    []uint64 // by their starts
		dropped []span
		err     string
	}{
		{"a program", m(text, data), []uint64{0x400000, 0x410000}, []span{{0x400000, 0x401000}}, ""},
		{
			"what the kernel put there",
			m(data, v(0x7f0000000000, 0x7f0000002000, 1, 2, 1|vmaVvar, 0), v(0x7f0000002000, 0x7f0000004000, 5, 2, 1|vmaVDSO, 0),
				v(0xffffffffff600000, 0xffffffffff601000, 4, 2, vmaVsyscall, 0)),
			[]uint64{0x410000},
			[]span{{0x7f0000000000, 0x7f0000002000}, {0x7f0000002000, 0x7f0000004000}, {0xffffffffff600000, 0xffffffffff601000}}, "",
		},
		{"a JIT's code", m(v(0x10000, 0x11000, 7, 0x22, 1|vmaAnonPrivate, 0)), nil, nil, "0x10000-0x11000 is code"},
		{"a library's code", m(v(0x10000, 0x11000, 5, 2, 1|vmaFilePrivate, 9)), nil, nil, "is code"},
		{"code that can be written", m(v(0x400000, 0x401000, 7, 2, 1|vmaFilePrivate, exe)), nil, nil, "is writable"},
		{"a plugin's", m(v(0x10000, 0x11000, 3, 2, vmaPlugin, 0)), nil, nil, "plugin"},
		{"too high", m(v(1<<40, 1<<40+0x1000, 3, 2, 1|vmaAnonPrivate, 0)), nil, nil, "low layout"},
		{"no pages", m(v(0x1001, 0x3000, 3, 2, 1, 0)), nil, nil, "no range of pages"},
		{"the wrong way round", m(v(0x3000, 0x1000, 3, 2, 1, 0)), nil, nil, "no range of pages"},
		{"a bound too high", &mm.MmEntry{MmStartStack: proto.Uint64(1 << 40), MmSavedAuxv: []uint64{6, 4096}}, nil, nil, "bound of the stack"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := proto.Clone(tt.mm).(*mm.MmEntry)
			dropped, err := translateMM(m, amd64.ISA, arm64.ISA, 1<<39, 0x400000, map[uint32]bool{exe: true})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			var kept []uint64
			for _, v := range m.Vmas {
				kept = append(kept, v.GetStart())
				if v.GetFlags()&0x40 != 0 {
					t.Errorf("%#x kept MAP_32BIT, which aarch64 does not have", v.GetStart())
				}
			}
			if err != nil || !slices.Equal(kept, tt.kept) || !reflect.DeepEqual(dropped, tt.dropped) {
				t.Errorf("kept %#x, dropped %#x, %v; want %#x and %#x", kept, dropped, err, tt.kept, tt.dropped)
			}
		})
	}
}
