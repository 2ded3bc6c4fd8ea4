package driver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpfs/tpfs/toolchain/layout"
)

// frontTarget is the front end that serves all ISAs: its data layout and its
// C ABI are plain ones. Nothing of it is to be seen by a program, so its
// macros are undefined.
var frontTarget = append([]string{
	"--target=riscv64-linux-musl", "-mabi=lp64", "-fsigned-char", "-D__tp__=1", "-Wno-builtin-macro-redefined",
}, undefine(
	"", "_a", "_arch_test", "_atomic", "_c", "_cmodel_medlow", "_compressed", "_d", "_div", "_f", "_fdiv", "_flen", "_float_abi_soft",
	"_fsqrt", "_i", "_m", "_misaligned_avoid", "_mul", "_muldiv", "_xlen", "_zicsr", "_zmmul",
)...)

func undefine(names ...string) []string {
	var flags []string
	for _, n := range names {
		flags = append(flags, "-U__riscv"+n)
	}
	return flags
}

// frontCode are the flags for modules that tpcc-cg takes: not yet optimised,
// with nothing in them that one ISA could understand in another way.
var frontCode = []string{
	"-fno-pic", "-ffp-contract=off", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
	"-Xclang", "-disable-llvm-passes", "-Xclang", "-disable-O0-optnone", "-emit-llvm",
}

// assemblyTargets are those of assembly, which is one ISA's own.
var assemblyTargets = [...]string{layout.X86_64: "x86_64-linux-musl", layout.AArch64: "aarch64-linux-musl"}

// Reasons why functions without portable frames cannot be moved.
const (
	reasonAssembly = "assembly"
	reasonNoFrames = "compiled without portable frames"
)

// languages by the ends of names.
var languages = map[string]string{
	".c": "c", ".h": "c", ".i": "cpp-output", ".s": "assembler", ".S": "assembler-with-cpp", ".sx": "assembler-with-cpp", ".ll": "ir", ".bc": "ir",
}

// foreign are names of languages that tpcc does not compile.
var foreign = map[string]string{
	".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".C": "C++", ".c++": "C++", ".cp": "C++", ".ii": "C++",
	".m": "Objective-C", ".mm": "Objective-C++", ".f": "Fortran", ".F": "Fortran", ".f90": "Fortran", ".go": "Go", ".rs": "Rust",
}

// source finds the language of an input; it is empty for what is for the linker.
func (o *options) source(in input) (string, error) {
	switch {
	case in.library:
		return "", nil
	case in.language != "":
		return in.language, nil
	case in.path == "-" && o.mode == modePreprocess:
		return "c", nil
	case in.path == "-":
		return "", errors.New("-: say what standard input is with -x, or only preprocess it with -E")
	}
	ext := filepath.Ext(in.path)
	if name := foreign[ext]; name != "" {
		return "", fmt.Errorf("%s: tpcc does not compile %s, only C and assembly", in.path, name)
	}
	language := languages[ext]
	if language == "assembler" && isIR(in.path) {
		language = "ir" // what -S writes
	}
	return language, nil
}

// isIR tells whether a file is a module in LLVM's language.
func isIR(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 32)
	n, _ := io.ReadFull(f, head)
	return bytes.HasPrefix(head[:n], []byte("; ModuleID = ")) || bytes.HasPrefix(head[:n], []byte("source_filename = "))
}

// preprocessing are the arguments for the front end that do not depend on what
// is made of the source.
func (d *driver) preprocessing(o *options, target []string, in input, language string) []string {
	args := append(append([]string{}, target...), "-O"+string(o.level))
	args = append(args, o.front...)
	if o.verbose {
		args = append(args, "-v") // build systems look for the folders of headers
	}
	// After the program's own, before the compiler's. With -nostdinc, the
	// front end leaves both out.
	args = append(args, "-nostdlibinc")
	if !slices.Contains(o.front, "-nostdinc") {
		args = append(args, "-isystem", filepath.Join(d.prefix, includeFolder))
	}
	if language == "cpp-output" {
		args = append(args, "-Qunused-arguments") // those of the preprocessor
	}
	return append(args, "-x", language, in.path)
}

// dependencies are the arguments that write a file of dependencies beside an
// output: the front end must not take the temporary file's name.
func (o *options) dependencies(output string) []string {
	var args []string
	if o.deps {
		file := o.depsFile
		if file == "" {
			file = strings.TrimSuffix(output, filepath.Ext(output)) + ".d"
		}
		args = append(args, "-MF", file)
		if !o.depsNamed {
			args = append(args, "-MT", output)
		}
	}
	return args
}

// preprocess is -E, -M and -fsyntax-only.
func (d *driver) preprocess(o *options, in input, language string) error {
	target := frontTarget
	if strings.HasPrefix(language, "assembler") {
		target = []string{"--target=" + assemblyTargets[0], "-D__tp__=1", "-Qunused-arguments"}
	}
	args := d.preprocessing(o, target, in, language)
	switch {
	case o.mode == modeCheck:
		args = append(args, "-fsyntax-only")
	default:
		args = append(args, "-E")
		if o.output != "" {
			args = append(args, "-o", o.output)
		}
	}
	if o.depsFile != "" {
		args = append(args, "-MF", o.depsFile)
	}
	return d.run(clang, args...)
}

// emitIR is -S: the module before the code generator, which is what a pair
// has in place of one ISA's assembly.
func (d *driver) emitIR(o *options, in input, language, output string) error {
	if strings.HasPrefix(language, "assembler") || language == "ir" {
		return fmt.Errorf("%s: -S is for C", in.path)
	}
	args := append(d.preprocessing(o, frontTarget, in, language), frontCode...)
	args = append(args, o.dependencies(output)...)
	return d.run(clang, append(args, "-S", "-o", output)...)
}

// compile makes an object of a source. The output's name is for the file of
// dependencies.
func (d *driver) compile(o *options, in input, language, output string) ([]byte, error) {
	if strings.HasPrefix(language, "assembler") {
		return d.assemble(o, in, language, output)
	}
	module := in.path
	if language != "ir" {
		var err error
		if module, err = d.temp("module.bc"); err != nil {
			return nil, err
		}
		args := append(d.preprocessing(o, frontTarget, in, language), frontCode...)
		args = append(args, o.dependencies(output)...)
		if err := d.run(clang, append(args, "-c", "-o", module)...); err != nil {
			return nil, err
		}
	}
	options := []string{"-O" + string(o.level)}
	if o.noFrames {
		options = append(options, withoutFrames)
	}
	return d.generate(module, in.path, options, nil)
}

// withoutFrames is tpcc-cg's option for functions that cannot be moved.
const withoutFrames = "--no-frames"

// generate makes an object of the module in a file: for some of its functions,
// with careful settings. An object of functions that can be moved carries the
// module, so that a link can come back to it.
func (d *driver) generate(path, unit string, options, careful []string) ([]byte, error) {
	tables, err := d.temp("tables")
	if err != nil {
		return nil, err
	}
	args := append(slices.Clone(options), "--unit="+unit, "--tables="+tables)
	for _, name := range careful {
		args = append(args, "--careful="+name)
	}
	var paths [len(layout.ISAs)]string
	for _, isa := range layout.ISAs {
		paths[isa] = filepath.Join(filepath.Dir(tables), isa.String()+".o")
		args = append(args, fmt.Sprintf("--object=%v=%s", isa, paths[isa]))
	}
	if err := d.run(codegen, append(args, path)...); err != nil || d.dry {
		return nil, err
	}
	lines, err := os.ReadFile(tables)
	if err != nil {
		return nil, err
	}
	units, err := layout.ParseUnits(lines)
	if err != nil {
		return nil, fmt.Errorf("%s: tables of %s: %w", unit, codegen.name, err)
	}
	tabled := layout.Unit{}
	if len(units) > 0 {
		tabled = units[0]
	}
	tabled.Name = unit
	if slices.ContainsFunc(tabled.Functions, func(f layout.Function) bool { return len(f.Sites) > 0 }) {
		module := &layout.Module{Options: options}
		if module.IR, err = os.ReadFile(path); err != nil {
			return nil, err
		}
		tabled.Module = module
	}
	reason := reasonAssembly
	if slices.Contains(options, withoutFrames) {
		reason = reasonNoFrames
	}
	return join(unit, paths, tabled, reason)
}

func (d *driver) assemble(o *options, in input, language, output string) ([]byte, error) {
	var stdin []byte
	if in.path == "-" {
		var err error
		if stdin, err = io.ReadAll(d.stdin); err != nil {
			return nil, err
		}
	}
	var paths [len(layout.ISAs)]string
	for _, isa := range layout.ISAs {
		var err error
		if paths[isa], err = d.temp(isa.String() + ".o"); err != nil {
			return nil, err
		}
		args := d.preprocessing(o, []string{"--target=" + assemblyTargets[isa], "-D__tp__=1", "-Qunused-arguments"}, in, language)
		args = append(args, o.assemble...)
		if isa == layout.ISAs[0] {
			args = append(args, o.dependencies(output)...)
		}
		cmd, err := d.command(clang, append(args, "-c", "-o", paths[isa])...)
		if err != nil {
			return nil, err
		}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), d.stdout, d.stderr
		if err := d.finish(cmd); err != nil {
			return nil, err
		}
	}
	if d.dry {
		return nil, nil
	}
	return join(in.path, paths, layout.Unit{Name: in.path}, reasonAssembly)
}

// join makes one object of those of the ISAs.
func join(source string, paths [len(layout.ISAs)]string, unit layout.Unit, reason string) ([]byte, error) {
	var objects [len(layout.ISAs)][]byte
	for isa, path := range paths {
		var err error
		if objects[isa], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	var err error
	if objects[0], objects[1], err = layout.Equalise(objects[0], objects[1]); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	object, err := layout.Join(objects[0], objects[1], unit, reason)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return object, nil
}
