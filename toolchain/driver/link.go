package driver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tpfs/tpfs/toolchain/layout"
)

// Of the library folder: what is linked first, and last.
const startFile = "crt1.o"

var libraries = []string{"libc.a", "librt.a", "libbuiltins.a"}

// inLibc are libraries whose functions are in tpcc's C library.
var inLibc = []string{"c", "m", "pthread", "rt", "dl", "util", "crypt", "resolv", "xnet", "gcc", "gcc_eh", "gcc_s"}

// A program is one that is linked for each ISA, and not sealed yet.
type program struct {
	inputs  []*layout.File
	objects []*layout.Object // in the order of the link

	// Of the last link:
	files     [len(layout.ISAs)][]byte
	functions []layout.Placed
}

// choose finds what a program is made of. Compiled has the objects of inputs
// that were sources, by their numbers.
func (d *driver) choose(o *options, compiled map[int][]byte) (*program, error) {
	inputs, err := d.linkFiles(o, compiled)
	if err != nil {
		return nil, err
	}
	objects, err := layout.Select(inputs, append([]string{o.start()}, o.roots...), o.rename)
	if err != nil {
		return nil, err
	}
	return &program{inputs: inputs, objects: objects}, nil
}

// start is the symbol where the program begins.
func (o *options) start() string { return cmp.Or(o.entry, "_start") }

// link links the program's objects as they are now.
func (d *driver) link(o *options, p *program) error {
	script, err := layout.NewScript(p.objects)
	if err != nil {
		return err
	}
	scriptPath, err := d.temp("script.ld")
	if err != nil {
		return err
	}
	if err := os.WriteFile(scriptPath, script, 0o666); err != nil {
		return err
	}

	if err := d.linkISAs(o, p, append(layout.LinkerFlags(), "-T", scriptPath, "-e", o.start())); err != nil {
		return err
	}
	return p.tabulate()
}

// combine links the inputs to one object, as -r has it.
func (d *driver) combine(o *options, compiled map[int][]byte, output string) error {
	o.noStart, o.noLibraries = true, true
	p, err := d.choose(o, compiled)
	if err != nil {
		return err
	}
	if err := d.linkISAs(o, p, []string{"-r"}); err != nil {
		return err
	}
	object, err := layout.Combine(output, p.files)
	if err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	return writeOutput(output, object, 0o666)
}

// linkISAs has ld.lld link the objects for each ISA.
func (d *driver) linkISAs(o *options, p *program, flags []string) error {
	var jobs [len(layout.ISAs)]*linkJob
	for _, isa := range layout.ISAs {
		args := slices.Concat(flags, []string{"--whole-archive"}, o.linker)
		if o.mapFile != "" {
			args = append(args, "-Map="+isaFile(o.mapFile, isa))
		}
		var err error
		if jobs[isa], err = d.newLinkJob(isa, p, args); err != nil {
			return err
		}
	}
	var wait sync.WaitGroup
	for _, job := range jobs {
		wait.Go(func() { job.err = d.finish(job.cmd) })
	}
	wait.Wait()
	// What both linkers have to say is said once.
	for i, job := range jobs {
		if text := job.said(); i == 0 || jobs[0].err == nil && text != jobs[0].said() {
			fmt.Fprint(d.stderr, text)
		}
	}
	for isa, job := range jobs {
		if job.err != nil {
			return job.err
		}
		var err error
		if p.files[isa], err = os.ReadFile(job.out); err != nil {
			return err
		}
	}
	return nil
}

// tabulate proves that the linked files agree, and takes their tables out.
func (p *program) tabulate() error {
	if _, err := layout.Compare(p.files[0], p.files[1]); err != nil {
		return fmt.Errorf("the program's addresses are not the same on each ISA, a fault of tpcc's own: %w", err)
	}
	var err error
	if p.functions, err = layout.Functions(p.files[layout.X86_64]); err != nil {
		return err
	}
	if err := layout.UniqueIDs(p.files, p.functions); err != nil {
		return err
	}
	for isa := range p.files {
		if p.files[isa], err = layout.Strip(p.files[isa], layout.Tables); err != nil {
			return err
		}
	}
	p.functions = one(p.functions)
	for _, f := range p.functions {
		if f.Nth >= len(p.objects) {
			return fmt.Errorf("%s of %s: an object of several units; link with tpcc, not with ld -r", f.Name, f.Unit)
		}
	}
	return nil
}

// one keeps the functions that the linked files have, one for each address.
func one(functions []layout.Placed) []layout.Placed {
	functions = slices.DeleteFunc(functions, func(f layout.Placed) bool { return f.Addr == 0 || f.Size == 0 })
	slices.SortStableFunc(functions, func(a, b layout.Placed) int { return cmp.Compare(a.Addr, b.Addr) })
	return slices.CompactFunc(functions, func(a, b layout.Placed) bool { return a.Addr == b.Addr })
}

// isaFile is the name of an ISA's own file beside the first one's.
func isaFile(path string, isa layout.ISA) string {
	if isa == layout.ISAs[0] {
		return path
	}
	return path + "." + isa.String()
}

// linkFiles reads all that the link may take from.
func (d *driver) linkFiles(o *options, compiled map[int][]byte) ([]*layout.File, error) {
	var files []*layout.File
	add := func(path string, whole bool) error {
		f, err := layout.Read(path)
		if err == nil {
			f.Whole = whole
			files = append(files, f)
		}
		return err
	}
	own := func(name string) error {
		err := add(filepath.Join(d.prefix, libraryFolder, name), false)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%w: make toolchain, or link with -nostdlib", err)
		}
		return err
	}
	if !o.noStart {
		if err := own(startFile); err != nil {
			return nil, err
		}
	}
	for i, in := range o.inputs {
		var err error
		if object, ok := compiled[i]; ok {
			var f *layout.File
			f, err = layout.Parse(in.path, object)
			files = append(files, f)
		} else if !in.library {
			if err = refuseShared(in.path); err == nil {
				err = add(in.path, in.whole)
			}
		} else if !slices.Contains(inLibc, in.path) {
			var path string
			if path, err = findLibrary(o.libraryDirs, in.path); err == nil {
				err = add(path, in.whole)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if !o.noLibraries {
		for _, name := range libraries {
			if err := own(name); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// findLibrary is -l.
func findLibrary(dirs []string, name string) (string, error) {
	file := "lib" + name + ".a"
	if exact, ok := strings.CutPrefix(name, ":"); ok {
		file = exact
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, file)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	where := "no -L is given"
	if len(dirs) > 0 {
		where = "not in " + strings.Join(dirs, ", ")
	}
	return "", fmt.Errorf("-l%s: no %s (%s); the library must be static and built with tpcc", name, file, where)
}

func refuseShared(path string) error {
	if base := filepath.Base(path); strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") {
		return fmt.Errorf("%s: a shared library; %s", path, whyStatic)
	}
	return nil
}

// rename is what a reference stands for, as --wrap has it.
func (o *options) rename(name string) string {
	if real, ok := strings.CutPrefix(name, "__real_"); ok && slices.Contains(o.wraps, real) {
		return real
	}
	if slices.Contains(o.wraps, name) {
		return "__wrap_" + name
	}
	return name
}

// A linkJob is the link of one ISA.
type linkJob struct {
	cmd    *exec.Cmd
	out    string
	names  *strings.Replacer // of the temporary files
	output bytes.Buffer
	err    error
}

// said is what the linker said, with the names that the user knows.
func (j *linkJob) said() string { return j.names.Replace(j.output.String()) }

// newLinkJob writes the ISA's parts of the objects, one file or archive for
// each that they come from, which the linker shall take as a whole.
func (d *driver) newLinkJob(isa layout.ISA, p *program, args []string) (*linkJob, error) {
	j := &linkJob{}
	var err error
	if j.out, err = d.temp(isa.String()); err != nil {
		return nil, err
	}
	args = append(args, "-o", j.out)
	names := []string{j.out, isa.String()}
	members := map[*layout.File][]layout.Member{}
	for _, o := range p.objects {
		members[o.File] = append(members[o.File], layout.Member{Name: o.Member, Data: o.Parts[isa]})
	}
	for i, f := range p.inputs {
		list := members[f]
		if len(list) == 0 {
			continue
		}
		data := list[0].Data
		if f.Archive {
			data = layout.WriteArchive(list)
		}
		path := filepath.Join(filepath.Dir(j.out), fmt.Sprintf("%d.%s", i, filepath.Base(f.Path)))
		if err := os.WriteFile(path, data, 0o666); err != nil {
			return nil, err
		}
		args = append(args, path)
		names = append(names, path, f.Path)
	}
	j.names = strings.NewReplacer(names...)
	if j.cmd, err = d.command(lld, args...); err != nil {
		return nil, err
	}
	j.cmd.Stdout, j.cmd.Stderr = &j.output, &j.output
	return j, nil
}
