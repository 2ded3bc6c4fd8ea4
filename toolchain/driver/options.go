package driver

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// A mode is how far the sources go.
type mode int

const (
	modeLink       mode = iota
	modeCompile         // -c
	modeIR              // -S
	modePreprocess      // -E, -M, -MM
	modeCheck           // -fsyntax-only
)

// An input is a file of the command line, or a library.
type input struct {
	path     string
	language string // as given by -x; empty: the name says it
	library  bool   // path is the name of a library, as in -l
	whole    bool   // after --whole-archive
}

// options are what a command line says.
type options struct {
	mode     mode
	output   string
	inputs   []input
	front    []string // for the front end, and for the assembler's preprocessor
	assemble []string // for the assembler alone
	level    byte     // of -O
	verbose  bool     // -v
	dry      bool     // -###: show the commands, do nothing
	noFrames bool     // -fno-portable-frames

	// Dependencies.
	deps      bool   // -MD or -MMD
	depsFile  string // of -MF
	depsNamed bool   // -MT or -MQ is given

	// The link.
	relocatable bool // -r: to an object
	libraryDirs []string
	noLibraries bool
	noStart     bool
	entry       string
	roots       []string // of -u
	wraps       []string // of --wrap
	linker      []string // more for ld.lld
	mapFile     string
	strip       func(section string) bool // what to take out at the end; may be nil

	// While the command line is read.
	language string
	whole    bool
	pending  []string // an option for the linker that waits for its argument
}

// An action does what an option says. Words are the option and its argument as
// they stand on the command line.
type action func(o *options, words []string, arg string) error

// pass gives the option to the front end.
func pass(o *options, words []string, arg string) error {
	o.front = append(o.front, words...)
	return nil
}

// drop leaves the option out: it asks for what a pair cannot have or always
// has, and the program is right without it.
func drop(o *options, words []string, arg string) error { return nil }

// refuse stops: without the option, the program would not be what was asked
// for.
func refuse(why string) action {
	return func(o *options, words []string, arg string) error { return errors.New(why) }
}

// in makes an action of an assignment.
func in(assign func(o *options, arg string)) action {
	return func(o *options, words []string, arg string) error { assign(o, arg); return nil }
}

// to gives the option to the linker's part of the driver.
func to(o *options, words []string, arg string) error { return o.parseLinker(words) }

// An argument says how an option's argument comes.
type argument int

const (
	none   argument = iota
	joined          // in the same word; may be empty
	next            // in the next word
	either          // in the same word, or else in the next one
)

type option struct {
	name string
	argument
	action
}

// Why an option is refused.
const (
	whyISA     = "the code of a pair is for every machine of its ISAs, so it cannot be made for some only"
	whyABI     = "all programs of tpcc's have one ABI"
	whyTarget  = "tpcc compiles for all ISAs at once"
	whyLibc    = "tpcc has a C library of its own"
	whyRuntime = "tpcc has no runtime for it"
	whyRelies  = "it could change what tpcc's code generator relies on"
)

// frontOptions are the options of the compiler that are not simply the front
// end's. The first that fits counts. An option with an argument in the next
// word must be here, lest the argument be taken for a file.
var frontOptions = []option{
	{"-c", none, in(func(o *options, arg string) { o.mode = modeCompile })},
	{"-S", none, in(func(o *options, arg string) { o.mode = modeIR })},
	{"-E", none, in(func(o *options, arg string) { o.mode = modePreprocess })},
	{"-fsyntax-only", none, in(func(o *options, arg string) { o.mode = modeCheck })},
	{"-o", either, in(func(o *options, arg string) { o.output = arg })},
	{"-x", either, setLanguage},
	{"-v", none, in(func(o *options, arg string) { o.verbose = true })},
	{"--verbose", none, in(func(o *options, arg string) { o.verbose = true })},
	{"-###", none, in(func(o *options, arg string) { o.dry = true })},
	{"-fno-portable-frames", none, in(func(o *options, arg string) { o.noFrames = true })},
	{"-fportable-frames", none, in(func(o *options, arg string) { o.noFrames = false })},
	{"-pipe", none, drop},
	{"-save-temps", joined, drop},

	{"-M", none, setDependencies},
	{"-MM", none, setDependencies},
	{"-MD", none, setDependencies},
	{"-MMD", none, setDependencies},
	{"-MF", either, in(func(o *options, arg string) { o.depsFile = arg })},
	{"-MT", either, setDependencies},
	{"-MQ", either, setDependencies},

	{"-include", next, pass},
	{"-imacros", next, pass},
	{"-isystem", either, pass},
	{"-iquote", either, pass},
	{"-idirafter", either, pass},
	{"-iprefix", either, pass},
	{"-iwithprefixbefore", either, pass},
	{"-iwithprefix", either, pass},
	{"-isysroot", either, refuse(whyLibc)},
	{"-I", either, pass},
	{"-D", either, pass},
	{"-U", either, pass},
	{"-Xpreprocessor", next, pass},
	{"-Xassembler", next, in(func(o *options, arg string) { o.assemble = append(o.assemble, "-Xassembler", arg) })},
	{"-Wa,", joined, in(func(o *options, arg string) { o.assemble = append(o.assemble, "-Wa,"+arg) })},
	{"-Xclang", next, refuse(whyRelies)},
	{"-mllvm", next, refuse(whyRelies)},
	{"--param", either, drop},

	{"-Wl,", joined, func(o *options, words []string, arg string) error { return o.parseLinker(strings.Split(arg, ",")) }},
	{"-Xlinker", next, func(o *options, words []string, arg string) error { return o.parseLinker([]string{arg}) }},
	{"-l", either, to},
	{"-L", either, to},
	{"-T", either, to},
	{"-u", next, to},
	{"-e", next, to},
	{"-z", either, to},
	{"-s", none, to},
	{"-r", none, to},
	{"-shared", none, to},
	{"-static", none, drop},
	{"-static-pie", none, drop},
	{"-static-libgcc", none, drop},
	{"-shared-libgcc", none, drop},
	{"-pie", none, drop},
	{"-no-pie", none, drop},
	{"-nopie", none, drop},
	{"-rdynamic", none, drop},
	{"-symbolic", none, drop},
	{"-fuse-ld=", joined, drop},
	{"-rtlib=", joined, drop},
	{"-unwindlib=", joined, drop},
	{"-nostdlib", none, in(func(o *options, arg string) { o.noLibraries, o.noStart = true, true })},
	{"-nodefaultlibs", none, in(func(o *options, arg string) { o.noLibraries = true })},
	{"-nolibc", none, in(func(o *options, arg string) { o.noLibraries = true })},
	{"-nostartfiles", none, in(func(o *options, arg string) { o.noStart = true })},
	{"-pthread", none, in(func(o *options, arg string) { o.front = append(o.front, "-D_REENTRANT") })},
	{"-B", either, drop},
	{"--gcc-toolchain=", joined, drop},
	{"--sysroot", either, refuse(whyLibc)},
	{"--target", either, refuse(whyTarget)},
	{"-target", next, refuse(whyTarget)},
	{"-arch", next, refuse(whyTarget)},

	{"-O", joined, setLevel},
	{"-fPIC", none, drop},
	{"-fpic", none, drop},
	{"-fPIE", none, drop},
	{"-fpie", none, drop},
	{"-fno-PIC", none, drop},
	{"-fno-pic", none, drop},
	{"-fno-PIE", none, drop},
	{"-fno-pie", none, drop},
	{"-fplt", none, drop},
	{"-fno-plt", none, drop},
	{"-fsemantic-interposition", none, drop},
	{"-fno-semantic-interposition", none, drop},
	{"-fstack-protector", joined, drop},
	{"-fno-stack-protector", joined, drop},
	{"-fstack-clash-protection", none, drop},
	{"-fno-stack-clash-protection", none, drop},
	{"-fcf-protection", joined, drop},
	{"-fomit-frame-pointer", none, drop},
	{"-fno-omit-frame-pointer", none, drop},
	{"-fasynchronous-unwind-tables", none, drop},
	{"-fno-asynchronous-unwind-tables", none, drop},
	{"-funwind-tables", none, drop},
	{"-fno-unwind-tables", none, drop},
	{"-fexceptions", none, drop},
	{"-fno-exceptions", none, drop},
	{"-ffunction-sections", none, drop},
	{"-fno-function-sections", none, drop},
	{"-fdata-sections", none, drop},
	{"-fno-data-sections", none, drop},
	{"-ffp-contract=", joined, drop},
	{"-ftls-model=", joined, drop},
	{"-flto", joined, drop},
	{"-fno-lto", none, drop},
	{"-ffat-lto-objects", none, drop},
	{"-fno-fat-lto-objects", none, drop},
	{"-fuse-linker-plugin", none, drop},
	{"-fno-use-linker-plugin", none, drop},
	{"-fno-sanitize", joined, drop},
	{"-fsanitize", joined, refuse(whyRuntime)},
	{"-fprofile-", joined, refuse(whyRuntime)},
	{"-fcoverage-mapping", none, refuse(whyRuntime)},
	{"-ftest-coverage", none, refuse(whyRuntime)},
	{"--coverage", none, refuse(whyRuntime)},
	{"-coverage", none, refuse(whyRuntime)},
	{"-p", none, refuse(whyRuntime)},
	{"-pg", none, refuse(whyRuntime)},
	{"-fno-openmp", joined, drop},
	{"-fopenmp", joined, refuse(whyRuntime)},
	{"-fblocks", none, refuse(whyRuntime)},
	{"-fsplit-stack", none, refuse(whyRuntime)},
	{"-finstrument-functions", joined, refuse(whyRuntime)},
	{"-fpatchable-function-entry=", joined, refuse("the code of a pair cannot be patched")},
	{"-fstack-usage", none, refuse("the frames of a pair are not on one stack alone")},
	{"-gsplit-dwarf", joined, refuse("debug information has to be in the object")},
	{"-gz", joined, drop},

	{"-m64", none, drop},
	{"-march=", joined, drop},
	{"-mtune=", joined, drop},
	{"-mcpu=", joined, drop},
	{"-mcmodel=", joined, drop},
	{"-mbranch-protection=", joined, drop},
	{"-mred-zone", none, drop},
	{"-momit-leaf-frame-pointer", none, drop},
	{"-mstackrealign", none, drop},
	{"-mno-", joined, drop},
	{"-m32", none, refuse(whyABI)},
	{"-mx32", none, refuse(whyABI)},
	{"-mabi=", joined, refuse(whyABI)},
	{"-mlong-double-", joined, refuse(whyABI)},
	{"-m", joined, refuse(whyISA)},
}

// find matches a word with a table. Words are the option with its argument, nil
// if the table does not have it.
func find(table []option, args []string) (found option, words []string, arg string, err error) {
	for _, opt := range table {
		rest, ok := strings.CutPrefix(args[0], opt.name)
		if !ok {
			continue
		}
		switch {
		case opt.argument == joined, opt.argument == either && rest != "":
			return opt, args[:1], strings.TrimPrefix(rest, "="), nil
		case rest != "":
			continue
		case opt.argument == none:
			return opt, args[:1], "", nil
		case len(args) == 1:
			return opt, nil, "", fmt.Errorf("%s: its argument is missing", args[0])
		}
		return opt, args[:2], args[1], nil
	}
	return option{}, nil, "", nil
}

// parse reads a command line, without the name of the program.
func parse(args []string) (*options, error) {
	args, err := expand(args, 0)
	if err != nil {
		return nil, err
	}
	o := &options{level: '0'}
	for len(args) > 0 {
		if args[0] == "-" || !strings.HasPrefix(args[0], "-") {
			o.addInput(args[0])
			args = args[1:]
			continue
		}
		opt, words, arg, err := find(frontOptions, args)
		if err != nil {
			return nil, err
		}
		if words == nil {
			// The front end knows it, or says that it does not.
			opt, words = option{action: pass}, args[:1]
		}
		if err := opt.action(o, words, arg); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(words, " "), err)
		}
		args = args[len(words):]
	}
	if o.pending != nil {
		return nil, fmt.Errorf("%s: its argument is missing", o.pending[0])
	}
	return o, nil
}

func (o *options) addInput(path string) {
	o.inputs = append(o.inputs, input{path: path, language: o.language, whole: o.whole})
}

func setLanguage(o *options, words []string, arg string) error {
	switch arg {
	case "none":
		o.language = ""
	case "c", "cpp-output", "assembler", "assembler-with-cpp", "ir":
		o.language = arg
	default:
		return errors.New("tpcc compiles C and assembly only")
	}
	return nil
}

func setDependencies(o *options, words []string, arg string) error {
	switch words[0] {
	case "-M", "-MM":
		o.mode = modePreprocess
	case "-MD", "-MMD":
		o.deps = true
	default: // -MT, -MQ
		o.depsNamed = true
	}
	return pass(o, words, arg)
}

func setLevel(o *options, words []string, arg string) error {
	switch arg {
	case "", "g":
		o.level = '1'
	case "0", "1", "2", "3", "s", "z":
		o.level = arg[0]
	case "4", "5", "6", "7", "8", "9":
		o.level = '3'
	case "fast":
		o.level = '3'
		o.front = append(o.front, "-ffast-math")
	default:
		return errors.New("use -O0, -O1, -O2, -O3, -Os, -Oz, -Og or -Ofast")
	}
	return nil
}

// maxResponse bounds how deep response files may be within each other.
const maxResponse = 8

// expand puts the words of response files (@file) in their place.
func expand(args []string, depth int) ([]string, error) {
	var out []string
	for _, word := range args {
		path, ok := strings.CutPrefix(word, "@")
		if !ok {
			out = append(out, word)
			continue
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			out = append(out, word) // as gcc does: a file of that name
			continue
		}
		if err != nil {
			return nil, err
		}
		if depth == maxResponse {
			return nil, fmt.Errorf("%s: response files are more than %d deep", word, maxResponse)
		}
		words, err := expand(splitWords(string(text)), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, words...)
	}
	return out, nil
}

// splitWords separates words as GNU tools do in response files: by space, with
// quotes of both kinds, and a backslash before any character.
func splitWords(text string) []string {
	var words []string
	var word strings.Builder
	inWord, quote, escaped := false, rune(0), false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped, inWord = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case strings.ContainsRune(" \t\r\n\f\v", r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
