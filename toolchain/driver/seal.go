package driver

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// seal proves that the files of a program agree, and makes them a pair. A
// program without the runtime only loses what is to be stripped: it runs, but
// cannot be moved, and the error is errNoRuntime.
func (d *driver) seal(p *program, strip func(section string) bool) (functions []layout.Placed, err error) {
	if _, err := layout.Compare(p.files[0], p.files[1]); err != nil {
		return nil, fmt.Errorf("the program's addresses are not the same on each ISA, a fault of tpcc's own: %w", err)
	}
	if functions, err = layout.Functions(p.files[layout.X86_64]); err != nil {
		return nil, err
	}
	if err := layout.UniqueIDs(p.files, functions); err != nil {
		return nil, err
	}
	for isa := range p.files {
		if p.files[isa], err = layout.Strip(p.files[isa], layout.Tables); err != nil {
			return nil, err
		}
	}
	functions = one(functions)
	if err := p.distrust(functions); err != nil {
		return nil, err
	}
	desc, err := p.describe()
	sealed := err == nil
	if !sealed && !errors.Is(err, errNoRuntime) {
		return nil, err
	}
	if sealed {
		if err := d.verify(p, functions); err != nil {
			return nil, err
		}
	}
	for isa := range p.files {
		if strip != nil {
			if p.files[isa], err = layout.Strip(p.files[isa], strip); err != nil {
				return nil, err
			}
		}
	}
	if !sealed {
		return functions, errNoRuntime
	}
	for _, f := range functions {
		fn := pair.Function{Name: f.Name, Addr: f.Addr, Size: f.Size, PortableFrame: f.Frame, Reason: f.Reason, Indirect: f.Indirect}
		for _, s := range f.Sites {
			fn.Sites = append(fn.Sites, pair.CallSite{ID: uint64(s.ID), Callee: s.Callee})
		}
		for _, j := range f.Jumps {
			fn.Jumps = append(fn.Jumps, pair.JumpSlot{Offset: j.Slot, Site: uint64(j.Site)})
		}
		desc.Functions = append(desc.Functions, fn)
	}
	p.files[0], p.files[1], err = pair.Seal(p.files[0], p.files[1], desc)
	return functions, err
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

// one keeps the functions that the linked files have, one for each address.
func one(functions []layout.Placed) []layout.Placed {
	functions = slices.DeleteFunc(functions, func(f layout.Placed) bool { return f.Addr == 0 || f.Size == 0 })
	slices.SortStableFunc(functions, func(a, b layout.Placed) int { return cmp.Compare(a.Addr, b.Addr) })
	return slices.CompactFunc(functions, func(a, b layout.Placed) bool { return a.Addr == b.Addr })
}

// fix marks a function as one that cannot be moved.
func fix(f *layout.Placed, reason string) {
	if f.Reason == "" {
		f.Reason = reason
	}
	f.Sites, f.Jumps = nil, nil
}

// distrust marks the functions whose sites are not what the tables say: one
// ISA's code generator has left a call out, or made two of one.
func (p *program) distrust(functions []layout.Placed) error {
	for _, isa := range layout.ISAs {
		records, err := layout.SiteRecords(p.files[isa])
		if err != nil {
			return fmt.Errorf("%v: %w", isa, err)
		}
		for i := range functions {
			f := &functions[i]
			if f.Reason != "" {
				fix(f, "")
			}
			for _, s := range f.Sites {
				if n := records[s.ID]; n != 1 {
					fix(f, fmt.Sprintf("the code for %v has the call of %s %d times", isa, cmp.Or(s.Callee, "a pointer"), n))
					break
				}
			}
		}
	}
	return nil
}

// A violation is a line of tpcc-verify --json.
type violation struct {
	File     string `json:"file"`
	Function string `json:"function"`
	Site     string `json:"site"` // the return address, in hexadecimal
	Kind     string `json:"kind"`
	Why      string `json:"why"`
}

// verify has the code of both ISAs proved, and marks the functions for which
// there is no proof.
func (d *driver) verify(p *program, functions []layout.Placed) error {
	if !slices.ContainsFunc(functions, func(f layout.Placed) bool { return len(f.Sites) > 0 }) {
		return nil
	}
	args := []string{"--json"}
	for _, isa := range layout.ISAs {
		path, err := d.temp(isa.String())
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, p.files[isa], 0o777); err != nil {
			return err
		}
		args = append(args, path)
	}
	cmd, err := d.command(verifier, args...)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, d.stderr
	// With violations, it says no.
	if err := d.finish(cmd); err != nil && said.Len() == 0 {
		return err
	}
	lines := json.NewDecoder(&said)
	for lines.More() {
		var v violation
		if err := lines.Decode(&v); err != nil {
			return fmt.Errorf("%s: %w", verifier.name, err)
		}
		at, err := strconv.ParseUint(strings.TrimPrefix(v.Site, "0x"), 16, 64)
		if err != nil {
			return fmt.Errorf("%s: site %q", verifier.name, v.Site)
		}
		// The call may be the last of its function.
		n, found := slices.BinarySearchFunc(functions, at-1, func(f layout.Placed, at uint64) int { return cmp.Compare(f.Addr, at) })
		if !found {
			n--
		}
		if n >= 0 && at-1-functions[n].Addr < functions[n].Size {
			fix(&functions[n], fmt.Sprintf("not proved: %s: %s", v.Kind, v.Why))
		}
	}
	return nil
}

// summary says how many of the program's own functions cannot be moved; those
// of the libraries that come with tpcc are not counted.
func (d *driver) summary(p *program, functions []layout.Placed, output string) {
	own := filepath.Join(d.prefix, libraryFolder) + "/"
	all, fixed := 0, 0
	for _, f := range functions {
		if f.Nth < len(p.objects) && strings.HasPrefix(p.objects[f.Nth].File.Path, own) {
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
