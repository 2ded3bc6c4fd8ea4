// Command benchtpcc measures what a pair costs: programs that tpcc has built beside
// the same programs built by clang -O2 with a native musl. It compares time on x86-64, executed
// instructions on both ISAs, the size of the code, and the time to build.
//
//	benchtpcc [flags] [name]...
//
// A name is one of a benchmark (lua/fib) or of many (lua, kernels); without names all are run. TOOLCHAIN
// is the toolchain's install tree (build/toolchain). What was built and counted is kept in build/benchtpcc.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

// A bench has what all measurements share.
type bench struct {
	work    string // a directory
	plugin  string
	clang   []*compiler // by ISA
	tpcc    *compiler
	times   int    // how often each run is timed
	counts  bool   // count instructions
	profile bool   // say in which functions
	inside  string // the function whose instructions are of interest
	log     func(format string, args ...any)
}

func main() {
	log.SetFlags(0)
	if err := benchmarks(); err != nil {
		log.Fatal("benchtpcc: ", err)
	}
}

func benchmarks() error {
	times := flag.Int("times", 5, "how often each `run` is timed")
	counts := flag.Bool("count", true, "count instructions")
	profiles := flag.Bool("profile", false, "say in which functions the instructions are")
	inside := flag.String("annotate", "", "show the instructions of a `function` that run often")
	jsonFile := flag.String("json", "", "write the results to `file` too")
	flag.Parse()

	b, err := newBench()
	if err != nil {
		return err
	}
	b.times, b.counts, b.profile, b.inside = *times, *counts, *profiles, *inside
	t := &table{w: os.Stdout}
	t.head()
	results, sizes, err := b.measure(flag.Args(), t.row)
	if err != nil {
		return err
	}
	t.foot()
	if err := writeSizes(os.Stdout, sizes); err != nil {
		return err
	}
	if *jsonFile == "" {
		return nil
	}
	j, err := json.MarshalIndent(map[string]any{"benchmarks": results, "programs": sizes}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonFile, append(j, '\n'), 0o644)
}

func newBench() (*bench, error) {
	toolchain := os.Getenv("TOOLCHAIN")
	if toolchain == "" {
		toolchain = "build/toolchain"
	}
	toolchain, err := filepath.Abs(toolchain)
	if err != nil {
		return nil, err
	}
	work, err := filepath.Abs("build/benchtpcc")
	if err != nil {
		return nil, err
	}
	b := &bench{work: work, log: log.Printf}
	if err := os.MkdirAll(filepath.Join(work, "output"), 0o755); err != nil {
		return nil, err
	}
	native := filepath.Join(work, "native")
	fetch := exec.Command(filepath.Join(here, "fetch.sh"), native)
	fetch.Stderr = os.Stderr
	if err := fetch.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", fetch, err)
	}
	b.clang, b.tpcc = compilers(native, toolchain)
	b.plugin, err = buildPlugin(work)
	return b, err
}

// measure measures all that names mean, and tells of each when it is done.
func (b *bench) measure(names []string, done func(result)) (results []result, sizes []size, err error) {
	for i := range programs {
		p := &programs[i]
		var runs []*run
		for j := range p.runs {
			if r := &p.runs[j]; selected(p.title(r), names) {
				runs = append(runs, r)
			}
		}
		if len(runs) == 0 {
			continue
		}
		clang, tpcc, size, err := b.buildAll(p)
		if err != nil {
			return nil, nil, err
		}
		sizes = append(sizes, size)
		for _, r := range runs {
			res, err := b.measureRun(p, r, clang, tpcc)
			if err != nil {
				return nil, nil, err
			}
			done(res)
			results = append(results, res)
		}
	}
	if len(results) == 0 {
		return nil, nil, fmt.Errorf("no benchmark is called %q", names)
	}
	return results, sizes, nil
}

// buildAll builds a program for both ISAs by each compiler.
func (b *bench) buildAll(p *program) (clang map[string]*binary, tpcc *binary, s size, err error) {
	s = size{Name: p.name, Text: map[string]pair{}, BuildSeconds: map[string]float64{}}
	if tpcc, err = b.build(b.tpcc, p); err != nil {
		return nil, nil, s, err
	}
	s.BuildSeconds[b.tpcc.name] = tpcc.Seconds
	clang = map[string]*binary{}
	for i, c := range b.clang {
		isa := isas[i]
		if clang[isa], err = b.build(c, p); err != nil {
			return nil, nil, s, err
		}
		s.BuildSeconds[c.name] = clang[isa].Seconds
		s.Text[isa] = pair{float64(clang[isa].Text[isa]), float64(tpcc.Text[isa])}
	}
	return clang, tpcc, s, nil
}

// measureRun measures one run.
func (b *bench) measureRun(p *program, r *run, clang map[string]*binary, tpcc *binary) (result, error) {
	title := p.title(r)
	res := result{Name: title, Instructions: map[string]pair{}}
	of := map[string][2]invocation{}
	for _, isa := range isas {
		v, err := b.invocation(p, r)
		if err != nil {
			return res, err
		}
		v.programs = clang[x8664].dir
		theirs, ours := v, v
		theirs.path, ours.path = clang[isa].path[isa], tpcc.path[isa]
		of[isa] = [2]invocation{theirs, ours}
	}
	b.log("timing %s", title)
	var err error
	if res.Seconds, err = b.compare(title, r.same, of[x8664]); err != nil {
		return res, err
	}
	if !b.counts || r.timeOnly {
		return res, nil
	}
	for _, isa := range isas {
		if res.Instructions[isa], err = b.compareCounts(title, isa, of[isa]); err != nil {
			return res, err
		}
	}
	return res, nil
}

// compareCounts counts the instructions of what clang and tpcc made.
func (b *bench) compareCounts(title, isa string, of [2]invocation) (pair, error) {
	var totals [2]float64
	var sums [2]map[string]uint64
	for i, v := range of {
		blocks, err := b.count(isa, title, v)
		if err != nil {
			return pair{}, err
		}
		totals[i] = float64(total(blocks))
		if sums[i], err = functions(v.path, blocks); err != nil {
			return pair{}, err
		}
		if b.inside != "" {
			if err := annotate(os.Stdout, v.path, b.inside, blocks); err != nil {
				return pair{}, err
			}
		}
	}
	if b.profile {
		writeProfile(os.Stdout, title+" on "+isa, sums[0], sums[1])
	}
	return pair{totals[0], totals[1]}, nil
}
