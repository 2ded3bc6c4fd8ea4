package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A program is what each compiler builds.
type program struct {
	name   string
	source source
	// build are commands for a shell in the source's directory, where CC is the compiler with -O2, and DIR
	// the directory in which the program is to be made under its own name.
	build string
	runs  []run
}

// A source is a folder beside this file or a program of integration/programs.
type source struct {
	folder  string
	program string
	prepare string // commands for a shell that make it ready
}

// A run of a program is what is measured.
type run struct {
	name  string // empty: as the program
	args  []string
	input input
	// same is what must be the same in the output of all compilers' programs; nil: all of it.
	same *regexp.Regexp
	// timeOnly: what it does under emulation is not what it does on a machine.
	timeOnly bool
	// client is a command for a shell that makes a server work. PROGRAMS has programs of the same
	// source, and SOCKET is the server's.
	client string
}

// An input is a file for a program to read as its standard input.
type input struct {
	text   bool   // the source of Lua
	output string // what the run of this name has written
}

var programs = append([]program{
	{
		name:   "lua",
		source: source{program: "lua"},
		build:  "$CC -std=gnu99 -DLUA_USE_POSIX $(ls src/*.c | grep -v luac.c) -lm -o $DIR/lua",
		runs: []run{
			{name: "fib", args: []string{here + "/lua/fib.lua"}},
			{name: "matrix", args: []string{here + "/lua/matrix.lua"}},
			{name: "strings", args: []string{here + "/lua/strings.lua"}},
			{name: "gc", args: []string{here + "/lua/gc.lua"}},
		},
	},
	{
		name:   "bzip2",
		source: source{program: "bzip2"},
		build: "$CC -D_FILE_OFFSET_BITS=64 bzip2.c blocksort.c huffman.c crctable.c randtable.c compress.c decompress.c bzlib.c " +
			"-o $DIR/bzip2",
		runs: []run{
			{name: "compress", args: []string{"-c"}, input: input{text: true}},
			{name: "decompress", args: []string{"-dc"}, input: input{output: "compress"}},
		},
	},
	{
		name:   "zlib",
		source: source{program: "zlib"},
		build:  "$CC -D_LARGEFILE64_SOURCE=1 -DHAVE_UNISTD_H -I. *.c test/minigzip.c -o $DIR/zlib",
		runs: []run{
			{name: "compress", input: input{text: true}},
			{name: "decompress", args: []string{"-d"}, input: input{output: "compress"}},
		},
	},
	{
		name:   "sqlite",
		source: source{program: "sqlite3", prepare: "./configure && make sqlite3.c"},
		build:  "$CC -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -I. sqlite3.c test/speedtest1.c -lm -o $DIR/sqlite",
		runs: []run{{
			args: []string{"--memdb", "--size", "5", "--verify"},
			same: regexp.MustCompile("Verification Hash: .*"),
		}},
	},
	{
		name:   "redis",
		source: source{program: "redis"},
		build: `cp -r . $DIR/tree
make -C $DIR/tree/src CC="$CC" MALLOC=libc USE_SYSTEMD=no OPTIMIZATION=-O2 redis-server redis-benchmark
mv $DIR/tree/src/redis-server $DIR/redis
! [ -e $DIR/tree/src/redis-server.aarch64 ] || mv $DIR/tree/src/redis-server.aarch64 $DIR/redis.aarch64
mv $DIR/tree/src/redis-benchmark $DIR
rm -r $DIR/tree`,
		runs: []run{{
			args:   []string{"--port", "0", "--unixsocket", socket, "--save", ""},
			same:   regexp.MustCompile("^$"),
			client: "$PROGRAMS/redis-benchmark -s $SOCKET -q -n 5000 -r 10000 -P 16 -t set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset",
		}},
	},
}, append(kernels("matmul", "nbody", "spectral", "mandelbrot", "fft", "sort", "sieve"), libc)...)

// kernels are programs of one file each, of ours.
func kernels(names ...string) (all []program) {
	for _, n := range names {
		all = append(all, program{
			name: "kernels/" + n, source: source{folder: "kernels"}, build: fmt.Sprintf("$CC %s.c -lm -o $DIR/%[1]s", n), runs: []run{{}},
		})
	}
	return all
}

// libc has the library's routines one by one.
var libc = program{
	name: "libc", source: source{folder: "libc"}, build: "$CC libc.c -o $DIR/libc",
	runs: routines("memcpy", "memcpy-large", "memmove", "memmove-large", "memset", "memset-large", "strlen", "strlen-large",
		"memchr", "memchr-large", "memcmp", "memcmp-large", "strcmp", "strcmp-large", "strchr", "strchr-large", "strstr",
		"malloc", "realloc", "printf-g", "printf-f", "printf-d", "strtod", "strtol", "qsort", "clock_gettime", "getc", "fgets"),
}

func routines(names ...string) (all []run) {
	for _, n := range names {
		all = append(all, run{name: n, args: []string{n}, timeOnly: n == "clock_gettime"}) // there is no vDSO in qemu-user
	}
	return all
}

// title is the name of a run among all.
func (p *program) title(r *run) string {
	if r.name == "" {
		return p.name
	}
	return p.name + "/" + r.name
}

// file is the name of the program's file.
func (p *program) file() string { return filepath.Base(p.name) }

// selected tells whether names mean a title: they have it, or a folder that it is in, or there are none.
func selected(title string, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n string) bool {
		return title == n || strings.HasPrefix(title, n+"/")
	})
}

// description is where it is written what a source is: if that changes, the source may have changed.
func (s source) description() string {
	if s.folder != "" {
		return filepath.Join(here, s.folder)
	}
	return filepath.Join("integration/programs", s.program+".mk")
}

// tarball reads the description of a program of integration/programs.
func (s source) tarball() (path, sha256 string, err error) {
	text, err := os.ReadFile(s.description())
	if err != nil {
		return "", "", err
	}
	value := func(name string) string {
		_, rest, _ := strings.Cut("\n"+string(text), "\n"+s.program+"_"+name+" = ")
		v, _, _ := strings.Cut(rest, "\n")
		return v
	}
	path, sha256 = value("tarball"), value("sha256")
	if path == "" || sha256 == "" {
		return "", "", fmt.Errorf("%s: no %s_tarball and %[2]s_sha256", s.description(), s.program)
	}
	return path, sha256, nil
}
