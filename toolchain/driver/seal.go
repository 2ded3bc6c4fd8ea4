package driver

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/toolchain/layout"
)

// threadWords are THREAD_NATIVE_LOW and THREAD_NATIVE_HIGH of the runtime
// (toolchain/rt/offsets.h).
var threadWords = pair.ThreadWords{NativeLow: 48, NativeHigh: 56}

// What the linked files tell of the runtime, by symbols.
var points = []struct {
	symbol string
	field  func(*pair.Points) *uint64
}{
	{"__tp_park_wait", func(p *pair.Points) *uint64 { return &p.ParkWait }},
	{"__tp_park_end", func(p *pair.Points) *uint64 { return &p.ParkEnd }},
	{"__tp_sys_resume", func(p *pair.Points) *uint64 { return &p.SysResume }},
	{"__tp_sys_insn", func(p *pair.Points) *uint64 { return &p.SysInsn }},
	{"__tp_sys_end", func(p *pair.Points) *uint64 { return &p.SysEnd }},
	{"__tp_sys_frame", func(p *pair.Points) *uint64 { return &p.SysFrame }},
	{"__tp_restorer", func(p *pair.Points) *uint64 { return &p.Restorer }},
	{"__tp_pause", func(p *pair.Points) *uint64 { return &p.PauseWord }},
}

// roots are return addresses that end a chain of frames: of the start code,
// and of that of a thread. The runtime may lack the second.
var roots = []string{"__tp_root", "__tp_root_thread"}

// symbols are the addresses of a linked file's global symbols.
func symbols(file []byte) (map[string]uint64, error) {
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	list, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	m := map[string]uint64{}
	for _, s := range list {
		if elf.ST_BIND(s.Info) != elf.STB_LOCAL && s.Section != elf.SHN_UNDEF {
			m[s.Name] = s.Value
		}
	}
	return m, nil
}

// seal makes the files of a program a pair. A program without the runtime only
// loses what is to be stripped: it runs, but cannot be moved, and the error is
// errNoRuntime.
func (d *driver) seal(p *program, strip func(section string) bool) error {
	desc, err := p.describe()
	sealed := err == nil
	if !sealed && !errors.Is(err, errNoRuntime) {
		return err
	}
	for isa := range p.files {
		if strip != nil {
			if p.files[isa], err = layout.Strip(p.files[isa], strip); err != nil {
				return err
			}
		}
	}
	if !sealed {
		return errNoRuntime
	}
	for _, f := range p.functions {
		fn := pair.Function{Name: f.Name, Addr: f.Addr, Size: f.Size, PortableFrame: f.Frame, Reason: f.Reason,
			Indirect: f.Indirect, Library: d.isLibrary(p, f)}
		for _, s := range f.Sites {
			fn.Sites = append(fn.Sites, pair.CallSite{ID: uint64(s.ID), Callee: s.Callee})
		}
		for _, j := range f.Jumps {
			fn.Jumps = append(fn.Jumps, pair.JumpSlot{Offset: j.Slot, Site: uint64(j.Site)})
		}
		desc.Functions = append(desc.Functions, fn)
	}
	p.files[0], p.files[1], err = pair.Seal(p.files[0], p.files[1], desc)
	return err
}

// describe says what the symbols of the linked files tell of the runtime.
func (p *program) describe() (pair.Description, error) {
	desc := pair.Description{Thread: threadWords, Binaries: map[elf.Machine]pair.BinaryDescription{}}
	for _, isa := range layout.ISAs {
		syms, err := symbols(p.files[isa])
		if err != nil {
			return desc, err
		}
		var b pair.BinaryDescription
		if _, ok := syms[points[0].symbol]; !ok {
			return desc, errNoRuntime
		}
		for _, point := range points {
			value, ok := syms[point.symbol]
			if !ok {
				return desc, fmt.Errorf("the runtime has no %s on %v", point.symbol, isa)
			}
			*point.field(&b.Points) = value
		}
		for _, name := range roots {
			if value, ok := syms[name]; ok {
				b.Points.Roots = append(b.Points.Roots, value)
			}
		}
		desc.Binaries[isa.Machine()] = b
		if start, end := syms["__start_tpreset"], syms["__stop_tpreset"]; end > start {
			desc.Reset = []pair.Range{{Addr: start, Size: end - start}}
		}
	}
	return desc, nil
}

// errNoRuntime is the error of seal for a program without the runtime.
var errNoRuntime = errors.New("it is linked without tpcc's runtime")

// isLibrary is true for a function of the libraries that come with tpcc.
func (d *driver) isLibrary(p *program, f layout.Placed) bool {
	return strings.HasPrefix(p.objects[f.Nth].File.Path, filepath.Join(d.prefix, libraryFolder)+"/")
}

// summary says how many of the program's own functions cannot be moved; those
// of the libraries that come with tpcc are not counted.
func (d *driver) summary(p *program, output string) {
	all, fixed := 0, 0
	for _, f := range p.functions {
		if d.isLibrary(p, f) {
			continue
		}
		all++
		if f.Reason != "" {
			fixed++
		}
	}
	if fixed > 0 || d.verbose {
		fmt.Fprintf(d.stderr, "tpcc: %s: %d of %d functions cannot be moved (tpcc --explain %s)\n", output, fixed, all, output)
	}
}
