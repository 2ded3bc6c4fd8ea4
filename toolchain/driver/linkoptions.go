package driver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tpfs/tpfs/toolchain/layout"
)

const (
	whyStatic = "a pair is static; build a static library with ar"
	whyScript = "tpcc links with a script of its own, so that all addresses are the same on each ISA"
)

// forLinker gives the option to ld.lld.
func forLinker(o *options, words []string, arg string) error {
	o.linker = append(o.linker, words...)
	return nil
}

// linkerOptions are those of -Wl. Two dashes stand for one: see parseLinker.
// They are what programs' build systems use; one that is not here is refused,
// as nobody knows whether it keeps the layout the same on each ISA.
var linkerOptions = []option{
	{"-library-path=", joined, addLibraryDir},
	{"-library-path", next, addLibraryDir},
	{"-L", either, addLibraryDir},
	{"-l", either, in(func(o *options, arg string) {
		o.inputs = append(o.inputs, input{path: arg, library: true, whole: o.whole})
	})},
	{"-whole-archive", none, in(func(o *options, arg string) { o.whole = true })},
	{"-no-whole-archive", none, in(func(o *options, arg string) { o.whole = false })},
	{"-u", next, addRoot},
	{"-undefined=", joined, addRoot},
	{"-undefined", next, addRoot},
	{"-require-defined=", joined, addRoot},
	{"-e", next, in(func(o *options, arg string) { o.entry = arg })},
	{"-entry=", joined, in(func(o *options, arg string) { o.entry = arg })},
	{"-entry", next, in(func(o *options, arg string) { o.entry = arg })},
	{"-wrap=", joined, addWrap},
	{"-wrap", next, addWrap},
	{"-defsym=", joined, defineSymbol},
	{"-defsym", next, defineSymbol},
	{"-Map=", joined, in(func(o *options, arg string) { o.mapFile = arg })},
	{"-Map", next, in(func(o *options, arg string) { o.mapFile = arg })},
	{"-strip-all", none, in(func(o *options, arg string) { o.strip = layout.Symbols })},
	{"-s", none, in(func(o *options, arg string) { o.strip = layout.Symbols })},
	{"-strip-debug", none, stripDebug},
	{"-S", none, stripDebug},

	{"-r", none, in(func(o *options, arg string) { o.relocatable = true })},
	{"-relocatable", none, in(func(o *options, arg string) { o.relocatable = true })},
	{"-allow-multiple-definition", none, forLinker},
	{"-unresolved-symbols=", joined, forLinker},
	{"-warn-unresolved-symbols", none, forLinker},
	{"-noinhibit-exec", none, forLinker},
	{"-fatal-warnings", none, forLinker},
	{"-no-fatal-warnings", none, forLinker},
	{"-warn-common", none, forLinker},
	{"-verbose", none, forLinker},
	{"-trace-symbol=", joined, forLinker},
	{"-y", next, forLinker},
	{"-color-diagnostics", joined, forLinker},
	{"-error-limit=", joined, forLinker},

	{"-start-group", none, drop}, // the order of archives does not matter
	{"-end-group", none, drop},
	{"-(", none, drop},
	{"-)", none, drop},
	{"-as-needed", none, drop},
	{"-no-as-needed", none, drop},
	{"-push-state", none, drop},
	{"-pop-state", none, drop},
	{"-gc-sections", none, drop}, // the ISAs would drop different ones
	{"-no-gc-sections", none, drop},
	{"-print-gc-sections", none, drop},
	{"-icf=", joined, drop},
	{"-O", joined, drop},
	{"-export-dynamic", joined, drop},
	{"-E", none, drop},
	{"-no-export-dynamic", none, drop},
	{"-no-undefined", none, drop},
	{"-allow-shlib-undefined", none, drop},
	{"-no-allow-shlib-undefined", none, drop},
	{"-enable-new-dtags", none, drop},
	{"-disable-new-dtags", none, drop},
	{"-Bstatic", none, drop},
	{"-Bdynamic", none, drop},
	{"-Bsymbolic", joined, drop},
	{"-static", none, drop},
	{"-non_shared", none, drop},
	{"-pie", none, drop},
	{"-no-pie", none, drop},
	{"-sort-common", joined, drop},
	{"-sort-section", either, drop},
	{"-relax", none, drop},
	{"-no-relax", none, drop},
	{"-hash-style", either, drop},
	{"-build-id", joined, drop},
	{"-eh-frame-hdr", none, drop},
	{"-no-eh-frame-hdr", none, drop},
	{"-rpath-link", either, drop},
	{"-rpath", either, drop},
	{"-R", either, drop},
	{"-dynamic-linker", either, drop},
	{"-no-dynamic-linker", none, drop},
	{"-soname", either, drop},
	{"-h", either, drop},
	{"-version-script", either, drop},
	{"-dynamic-list", either, drop},
	{"-exclude-libs", either, drop},
	{"-plugin-opt", either, drop},
	{"-plugin", either, drop},
	{"-copy-dt-needed-entries", none, drop},
	{"-no-copy-dt-needed-entries", none, drop},
	{"-no-warn-", joined, drop},
	{"-no-keep-memory", none, drop},
	{"-reduce-memory-overheads", none, drop},
	{"-threads", joined, drop},
	{"-compress-debug-sections", either, drop},
	{"-x", none, drop},
	{"-X", none, drop},
	{"-discard-all", none, drop},
	{"-discard-locals", none, drop},
	{"-m", either, drop},

	{"-z", either, zOption},
	{"-shared", none, refuse(whyStatic)},
	{"-Bshareable", none, refuse(whyStatic)},
	{"-script", either, refuse(whyScript)},
	{"-T", either, refuse(whyScript)},
	{"-section-start", either, refuse(whyScript)},
	{"-image-base", either, refuse(whyScript)},
	{"-N", none, refuse(whyScript)},
	{"-omagic", none, refuse(whyScript)},
}

// parseLinker reads words for the linker. The last one's argument may be in the
// next -Wl or -Xlinker.
func (o *options) parseLinker(args []string) error {
	args, o.pending = append(o.pending, args...), nil
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") {
			if args[0] != "" {
				o.addInput(args[0])
			}
			args = args[1:]
			continue
		}
		// Long options have one dash or two.
		one := append([]string{"-" + strings.TrimLeft(args[0], "-")}, args[1:]...)
		opt, words, arg, err := find(linkerOptions, one)
		if err != nil {
			o.pending = args
			return nil
		}
		if words == nil {
			return fmt.Errorf("%s: an option of the linker that tpcc does not know; leave it out", args[0])
		}
		if err := opt.action(o, words, arg); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(args[:len(words)], " "), err)
		}
		args = args[len(words):]
	}
	return nil
}

func addLibraryDir(o *options, words []string, arg string) error {
	o.libraryDirs = append(o.libraryDirs, arg)
	return nil
}

func addRoot(o *options, words []string, arg string) error {
	o.roots = append(o.roots, arg)
	return nil
}

func addWrap(o *options, words []string, arg string) error {
	o.wraps = append(o.wraps, arg)
	o.linker = append(o.linker, "--wrap="+arg)
	return nil
}

// defineSymbol is --defsym NAME=VALUE. The value may be a symbol.
func defineSymbol(o *options, words []string, arg string) error {
	_, value, ok := strings.Cut(arg, "=")
	if !ok {
		return errors.New("want NAME=VALUE")
	}
	o.roots = append(o.roots, value)
	o.linker = append(o.linker, "--defsym="+arg)
	return nil
}

func stripDebug(o *options, words []string, arg string) error {
	if o.strip == nil {
		o.strip = layout.Debug
	}
	return nil
}

// zOption is -z. All but one are about dynamic linking, or are so for every
// pair.
func zOption(o *options, words []string, arg string) error {
	if strings.HasPrefix(arg, "stack-size=") {
		o.linker = append(o.linker, "-z", arg)
	}
	return nil
}
