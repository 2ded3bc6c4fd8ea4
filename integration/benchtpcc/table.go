package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// A pair is one quantity, for clang and for tpcc.
type pair struct {
	Clang, TPCC float64
}

func (p pair) ratio() float64 { return p.TPCC / p.Clang }

// A result of a benchmark.
type result struct {
	Name         string
	Seconds      *pair           `json:",omitempty"` // of the processor, on this machine
	Instructions map[string]pair `json:",omitempty"` // by ISA
}

// A size of a program: of its code and of the time to build it.
type size struct {
	Name    string
	Text    map[string]pair // by ISA
	Seconds pair            // that clang takes for both ISAs, and tpcc
}

// summary of ratios.
type summary struct {
	product, worst float64
	n              int
}

func (s *summary) add(ratio float64) {
	if s.n == 0 {
		s.product = 0
	}
	s.product += math.Log(ratio)
	s.worst = max(s.worst, ratio)
	s.n++
}

func (s *summary) mean() float64 { return math.Exp(s.product / float64(s.n)) }

// writeResults writes the table of benchmarks.
func writeResults(w io.Writer, results []result) error {
	fmt.Fprint(w, "seconds of the processor and millions of instructions by clang -O2, and those by tpcc to them:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "benchmark\tx86-64 s\tratio\tx86-64 M\tratio\taarch64 M\tratio\t")
	var sums [3]summary
	for _, r := range results {
		fmt.Fprintf(t, "%s\t", r.Name)
		cell := func(i int, p *pair, unit float64, format string) {
			if p == nil {
				fmt.Fprint(t, "-\t-\t")
				return
			}
			sums[i].add(p.ratio())
			fmt.Fprintf(t, format+"\t%.3f\t", p.Clang/unit, p.ratio())
		}
		cell(0, r.Seconds, 1, "%.3f")
		for i, isa := range isas {
			var p *pair
			if v, ok := r.Instructions[isa]; ok {
				p = &v
			}
			cell(1+i, p, 1e6, "%.1f")
		}
		fmt.Fprintln(t)
	}
	row := func(name string, value func(*summary) float64) {
		fmt.Fprintf(t, "%s\t", name)
		for i := range sums {
			if sums[i].n == 0 {
				fmt.Fprint(t, "\t-\t")
				continue
			}
			fmt.Fprintf(t, "\t%.3f\t", value(&sums[i]))
		}
		fmt.Fprintln(t)
	}
	row("geometric mean", (*summary).mean)
	row("worst", func(s *summary) float64 { return s.worst })
	return t.Flush()
}

// writeSizes writes the table of programs. A pair has all text at equal addresses, so it cannot be
// smaller than the larger of two ISAs' functions one by one.
func writeSizes(w io.Writer, sizes []size) error {
	fmt.Fprint(w, "\nbytes of text, and seconds of the processor to build for both ISAs, by clang -O2 and by tpcc:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "program\tx86-64 text\taarch64 text\tpair's text\tto the larger\tbuild s\tratio\t")
	var text, seconds summary
	for _, s := range sizes {
		x, a := s.Text[x8664], s.Text[arm64]
		larger := max(x.Clang, a.Clang)
		pairText := max(x.TPCC, a.TPCC)
		text.add(pairText / larger)
		seconds.add(s.Seconds.ratio())
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.3f\t%.2f\t%.3f\t\n", s.Name, x.Clang, a.Clang, pairText, pairText/larger, s.Seconds.Clang, s.Seconds.ratio())
	}
	fmt.Fprintf(t, "geometric mean\t\t\t\t%.3f\t\t%.3f\t\n", text.mean(), seconds.mean())
	return t.Flush()
}
