// Package driver is tpcc: it takes the command line of a C compiler, runs the
// front end, the code generator and the linker, and makes a pair. See
// docs/toolchain.md.
package driver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tpfs/tpfs/toolchain/layout"
)

// Run runs tpcc: program is its own path, in the install tree, and args are
// what follows its name. It returns the exit status: 0, or 1 after an error,
// which it has said on stderr. A signal that ends the process does so after the
// temporary files are gone.
func Run(program string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	d := &driver{stdin: stdin, stdout: stdout, stderr: stderr}
	defer d.clean()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	go func() {
		s := <-signals
		d.clean()
		os.Exit(128 + int(s.(syscall.Signal)))
	}()
	err := d.main(program, args)
	if err == nil {
		return 0
	}
	if f := (failure{}); !errors.As(err, &f) { // it has said why
		fmt.Fprintf(stderr, "tpcc: error: %v\n", err)
	}
	return 1
}

func (d *driver) main(program string, args []string) error {
	var err error
	if d.prefix, err = prefixOf(program); err != nil {
		return err
	}
	if done, err := d.question(args); done || err != nil {
		return err
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	d.verbose, d.dry = o.verbose, o.dry
	if len(o.inputs) == 0 {
		return errors.New("no input files")
	}

	sources := map[int]string{} // languages, by number of the input
	for i, in := range o.inputs {
		language, err := o.source(in)
		if err != nil {
			return err
		}
		if language != "" {
			sources[i] = language
		}
	}
	if o.output != "" && o.mode != modeLink && len(sources) > 1 {
		return errors.New("-o names one file, but there is more than one to write; leave it out")
	}
	compiled := map[int][]byte{}
	for i, in := range o.inputs {
		language, ok := sources[i]
		if !ok {
			continue
		}
		if err := d.translate(o, i, in, language, compiled); err != nil {
			if crash := (crashed{}); errors.As(err, &crash) {
				err = fmt.Errorf("%s: %w", in.path, err)
			}
			return err
		}
	}
	if o.mode != modeLink || d.dry {
		return nil
	}
	output := o.output
	if output == "" {
		output = "a.out"
	}
	if o.relocatable {
		return d.combine(o, compiled, output)
	}
	return d.linkPair(o, compiled, output)
}

// translate takes a source as far as the mode says. An object for the link
// goes to compiled.
func (d *driver) translate(o *options, i int, in input, language string, compiled map[int][]byte) error {
	base := strings.TrimSuffix(filepath.Base(in.path), filepath.Ext(in.path))
	switch o.mode {
	case modePreprocess, modeCheck:
		return d.preprocess(o, in, language)
	case modeIR:
		output := o.output
		if output == "" {
			output = base + ".s"
		}
		return d.emitIR(o, in, language, output)
	}
	output := o.output
	if output == "" || o.mode == modeLink {
		output = base + ".o"
	}
	object, err := d.compile(o, in, language, output)
	if err != nil || d.dry {
		return err
	}
	if o.mode == modeCompile {
		return writeOutput(output, object, 0o666)
	}
	compiled[i] = object
	return nil
}

// linkPair links the inputs to a pair, and writes it.
func (d *driver) linkPair(o *options, compiled map[int][]byte, output string) error {
	p, err := d.choose(o, compiled)
	if err != nil {
		return err
	}
	if err := d.linkProved(o, p); err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	err = d.seal(p, o.strip)
	switch {
	case errors.Is(err, errNoRuntime):
		if d.verbose {
			fmt.Fprintf(d.stderr, "tpcc: %s cannot be moved: %v\n", output, err)
		}
	case err != nil:
		return fmt.Errorf("%s: %w", output, err)
	default:
		d.summary(p, output)
	}
	for isa, file := range p.files {
		// What is no file, as /dev/null, has no other beside it.
		path := isaFile(output, layout.ISA(isa))
		if isa > 0 && !isRegular(output) {
			continue
		}
		if err := writeOutput(path, file, 0o777); err != nil {
			return err
		}
	}
	return nil
}
