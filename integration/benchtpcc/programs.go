package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A program is built by one command: a compiler, flags and source files.
type program struct {
	name    string
	source  source
	flags   []string
	files   []string // patterns, in the source's directory
	without []string // names of files that the patterns should not have matched
	runs    []run
}

// A source is upstream's tarball of one of Debian's source packages, or a
// directory beside this file.
type source struct {
	dir                  string
	pkg, tarball, sha256 string
}

// A run of a program is what is measured.
type run struct {
	name    string // empty: as the program
	args    []string
	scripts []string // arguments before args that are files beside this one
	input   input
}

// An input is a file for a program to read as its standard input.
type input struct {
	text   bool   // the source of Lua
	output string // what the run of this name has written
}

var lua = source{"lua-5.4.4", "lua5.4", "lua5.4_5.4.4.orig.tar.gz",
	"164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61"}

var programs = []program{
	{
		name:    "lua",
		source:  lua,
		flags:   []string{"-std=gnu99", "-DLUA_USE_POSIX"},
		files:   []string{"src/*.c"},
		without: []string{"luac.c"},
		runs: []run{
			{name: "fib", scripts: []string{"lua/fib.lua"}},
			{name: "matrix", scripts: []string{"lua/matrix.lua"}},
			{name: "strings", scripts: []string{"lua/strings.lua"}},
			{name: "gc", scripts: []string{"lua/gc.lua"}},
		},
	},
	{
		name: "bzip2",
		source: source{"bzip2-1.0.8", "bzip2", "bzip2_1.0.8.orig.tar.gz",
			"ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269"},
		flags:   []string{"-D_FILE_OFFSET_BITS=64"},
		files:   []string{"*.c"},
		without: []string{"bzip2recover.c", "dlltest.c", "mk251.c", "spewG.c", "unzcrash.c"},
		runs: []run{
			{name: "compress", args: []string{"-c"}, input: input{text: true}},
			{name: "decompress", args: []string{"-dc"}, input: input{output: "compress"}},
		},
	},
	kernel("matmul"), kernel("nbody"), kernel("spectral"), kernel("mandelbrot"), kernel("fft"), kernel("sort"),
	kernel("sieve"),
}

// kernel is a program in one file of ours.
func kernel(name string) program {
	return program{name: "kernels/" + name, source: source{dir: "kernels"}, files: []string{name + ".c"}, runs: []run{{}}}
}

// title is the name of a run among all.
func (p *program) title(r *run) string {
	if r.name == "" {
		return p.name
	}
	return p.name + "/" + r.name
}

// selected tells whether names mean a title: they have it, or a folder that it
// is in, or there are none.
func selected(title string, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n string) bool {
		return title == n || strings.HasPrefix(title, n+"/")
	})
}

// paths of a program's source files.
func (p *program) paths(dir string) ([]string, error) {
	var paths []string
	for _, pattern := range p.files {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no file %s in %s", p.name, pattern, dir)
		}
		paths = append(paths, found...)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return slices.Contains(p.without, filepath.Base(path)) }), nil
}
