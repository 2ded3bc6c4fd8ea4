package driver

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/toolchain/layout"
)

func words(line string) []string { return strings.Fields(line) }

func TestParse(t *testing.T) {
	for _, test := range []struct {
		line string
		want options
	}{
		{"a.c", options{inputs: []input{{path: "a.c"}}}},
		{"-c -o b.o a.c", options{mode: modeCompile, output: "b.o", inputs: []input{{path: "a.c"}}}},
		{"-ob.o -S", options{mode: modeIR, output: "b.o"}},
		{"-E -", options{mode: modePreprocess, inputs: []input{{path: "-"}}}},
		{"-M -MF x.d a.c", options{mode: modePreprocess, depsFile: "x.d", front: words("-M"), inputs: []input{{path: "a.c"}}}},
		{"-MMD -MP -MT x -MQy", options{deps: true, depsNamed: true, front: words("-MMD -MP -MT x -MQy")}},
		{"-Iinc -I inc2 -DX=1 -D Y -UZ -include h -isystem s -iquote q -idirafter d",
			options{front: words("-Iinc -I inc2 -DX=1 -D Y -UZ -include h -isystem s -iquote q -idirafter d")}},
		{"-Wall -Werror=x -std=c99 -pedantic -g -ggdb3 -fno-builtin -funsigned-char -fvisibility=hidden -nostdinc -w",
			options{front: words("-Wall -Werror=x -std=c99 -pedantic -g -ggdb3 -fno-builtin -funsigned-char -fvisibility=hidden -nostdinc -w")}},
		{"-O", options{level: '1'}},
		{"-O3 -Os", options{level: 's'}},
		{"-O9", options{level: '3'}},
		{"-Og", options{level: '1'}},
		{"-Ofast", options{level: '3', front: words("-ffast-math")}},
		{"-fPIC -fPIE -pie -static -m64 -march=native -mtune=generic -mno-avx -fstack-protector-strong -fomit-frame-pointer -flto=4 -pipe --param x=1 -fuse-ld=gold -rdynamic",
			options{}},
		{"-pthread", options{front: words("-D_REENTRANT")}},
		{"-xc a.h -x assembler-with-cpp b -x none c.o", options{language: "", inputs: []input{
			{path: "a.h", language: "c"}, {path: "b", language: "assembler-with-cpp"}, {path: "c.o"}}}},
		{"a.o -lz -L dir -Ldir2 -l y", options{libraryDirs: words("dir dir2"), inputs: []input{
			{path: "a.o"}, {path: "z", library: true}, {path: "y", library: true}}}},
		{"-nostdlib", options{noStart: true, noLibraries: true}},
		{"-nostartfiles -nodefaultlibs", options{noStart: true, noLibraries: true}},
		{"-u sym -e start -Wl,-u,sym2,--undefined=sym3,--entry=begin", options{roots: words("sym sym2 sym3"), entry: "begin"}},
		{"-Wl,--whole-archive a.a -Wl,--no-whole-archive b.a -Wl,c.a", options{inputs: []input{
			{path: "a.a", whole: true}, {path: "b.a"}, {path: "c.a"}}}},
		{"-Wl,--start-group,-lz,--end-group,-rpath,/x,-rpath=/y,-O1,--as-needed,--gc-sections,-z,now,-zrelro,--allow-shlib-undefined,--hash-style=gnu,--build-id,-export-dynamic",
			options{inputs: []input{{path: "z", library: true}}}},
		{"-Wl,--wrap=f -Wl,--wrap,g", options{wraps: words("f g"), linker: words("--wrap=f --wrap=g")}},
		{"-Wl,--defsym=a=b -Wl,-z,stack-size=65536 -Wl,--allow-multiple-definition", options{
			roots: words("b"), linker: words("--defsym=a=b -z stack-size=65536 -allow-multiple-definition")}},
		{"-Wl,--as-needed,-rpath -Wl,/x -Wl,-Map -Xlinker x.map", options{mapFile: "x.map"}},
		{"-Xlinker -Map -Xlinker x.map -Xlinker --as-needed -Xlinker -rpath -Xlinker /x", options{mapFile: "x.map"}},
		{"-Wa,--noexecstack -Xassembler -g", options{assemble: words("-Wa,--noexecstack -Xassembler -g")}},
		{"-v -### -fno-portable-frames", options{verbose: true, dry: true, noFrames: true}},
		{"-fno-portable-frames -fportable-frames", options{}},
	} {
		t.Run(test.line, func(t *testing.T) {
			got, err := parse(words(test.line))
			if err != nil {
				t.Fatal(err)
			}
			if test.want.level == 0 {
				test.want.level = '0'
			}
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("%+v\nwant %+v", *got, test.want)
			}
		})
	}
}

func TestParseStrip(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "-s": ".symtab .debug_info", "-Wl,-s": ".symtab .debug_info", "-Wl,--strip-all": ".symtab .debug_info", "-Wl,-S": ".debug_info", "-s -Wl,-S": ".symtab .debug_info",
	} {
		o, err := parse(words(line))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{".text", ".symtab", ".debug_info", ".tpfs.pair"} {
			if o.strip != nil && o.strip(name) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q strips %q, want %q", line, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"-o":                      "-o: its argument is missing",
		"a.c -include":            "-include: its argument is missing",
		"-shared a.o":             "-shared: a pair is static; build a static library with ar",
		"-Wl,-shared":             "a pair is static",
		"-T x.ld":                 "-T x.ld: tpcc links with a script of its own",
		"-Wl,-Ttext=0":            "tpcc links with a script of its own",
		"-m32":                    "-m32: all programs of tpcc's have one ABI",
		"-mavx2":                  "-mavx2: the code of a pair is for every machine of its ISAs",
		"-msse4.2":                "-msse4.2: the code of a pair",
		"-mabi=ilp32":             "one ABI",
		"--target=arm64":          "--target=arm64: tpcc compiles for all ISAs at once",
		"-target arm64":           "-target arm64: tpcc compiles for all ISAs at once",
		"--sysroot=/x":            "tpcc has a C library of its own",
		"-fsanitize=address":      "-fsanitize=address: tpcc has no runtime for it",
		"-fopenmp":                "no runtime",
		"-pg":                     "no runtime",
		"-fprofile-generate":      "no runtime",
		"--coverage":              "no runtime",
		"-Xclang -load":           "-Xclang -load: it could change what tpcc's code generator relies on",
		"-x c++ a":                "-x c++: tpcc compiles C and assembly only",
		"-Osmall":                 "-Osmall: use -O0",
		"-Wl,--frobnicate":        "-Wl,--frobnicate: --frobnicate: an option of the linker that tpcc does not know; leave it out",
		"-Wl,--wrap":              "--wrap: its argument is missing",
		"-Xlinker -Map":           "-Map: its argument is missing",
		"-Xlinker -T -Xlinker x":  "tpcc links with a script of its own",
		"-Wl,--defsym,x":          "want NAME=VALUE",
		"-Wl,--section-start=x=1": "tpcc links with a script of its own",
	} {
		_, err := parse(words(line))
		wantError(t, err, want)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Fatalf("error %q, want %q in it", err, want)
	}
}

func TestResponseFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inner := write("inner", "-DX='a b' \"c\\\"d\"\n")
	outer := write("outer", "-O2\n\t@"+inner+" e\\ f ''")
	got, err := expand([]string{"a.c", "@" + outer, "@absent"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.c", "-O2", "-DX=a b", `c"d`, "e f", "", "@absent"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	loop := filepath.Join(dir, "loop")
	write("loop", "@"+loop)
	_, err = expand([]string{"@" + loop}, 0)
	wantError(t, err, "response files are more than 8 deep")
}

func TestRename(t *testing.T) {
	o := &options{wraps: []string{"f"}}
	for name, want := range map[string]string{"f": "__wrap_f", "__real_f": "f", "g": "g", "__real_g": "__real_g"} {
		if got := o.rename(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestFindLibrary(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "libx.a")
	if err := os.WriteFile(path, layout.WriteArchive(nil), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x", ":libx.a"} {
		if got, err := findLibrary([]string{"/nowhere", dir}, name); err != nil || got != path {
			t.Errorf("-l%s: %s, %v", name, got, err)
		}
	}
	_, err := findLibrary([]string{dir}, "y")
	wantError(t, err, "-ly: no liby.a (not in "+dir+"); the library must be static and built with tpcc")
	_, err = findLibrary(nil, "y")
	wantError(t, err, "-ly: no liby.a (no -L is given)")
}
