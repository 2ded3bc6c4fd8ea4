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
	Seconds      pair            // of the processor, on x86-64
	Instructions map[string]pair `json:",omitempty"` // by ISA
}

// A size of a program: of its code and of the time to build it.
type size struct {
	Name string
	Text map[string]pair // by ISA
	// BuildSeconds of the processor by compiler.
	BuildSeconds map[string]float64
}

// summary of ratios.
type summary struct {
	logs, worst float64
	n           int
}

func (s *summary) add(ratio float64) {
	s.logs += math.Log(ratio)
	s.worst = max(s.worst, ratio)
	s.n++
}

func (s *summary) max() float64 { return s.worst }

func (s *summary) mean() float64 { return math.Exp(s.logs / float64(s.n)) }

// A table of results is written row by row.
type table struct {
	w    io.Writer
	sums [3]summary
}

func (t *table) head() {
	fmt.Fprint(t.w, "seconds of the processor and millions of instructions by clang -O2, and those by tpcc to them:\n\n")
	fmt.Fprintf(t.w, "%-22s%10s%8s%12s%8s%12s%8s\n", "benchmark", "x86-64 s", "ratio", "x86-64 M", "ratio", "aarch64 M", "ratio")
}

func (t *table) row(r result) {
	fmt.Fprintf(t.w, "%-22s", r.Name)
	t.cell(0, r.Seconds, 1, "%10.3f%8.3f")
	for i, isa := range isas {
		t.cell(1+i, r.Instructions[isa], 1e6, "%12.1f%8.3f")
	}
	fmt.Fprintln(t.w)
}

func (t *table) cell(column int, p pair, unit float64, format string) {
	if p.Clang == 0 {
		return // not measured
	}
	t.sums[column].add(p.ratio())
	fmt.Fprintf(t.w, format, p.Clang/unit, p.ratio())
}

func (t *table) foot() {
	for _, f := range []struct {
		name  string
		value func(*summary) float64
	}{{"geometric mean", (*summary).mean}, {"worst", (*summary).max}} {
		fmt.Fprintf(t.w, "%-22s", f.name)
		for i, width := range []int{18, 20, 20} {
			if t.sums[i].n > 0 {
				fmt.Fprintf(t.w, "%*.3f", width, f.value(&t.sums[i]))
			}
		}
		fmt.Fprintln(t.w)
	}
}

// writeSizes writes the table of programs. Each function of a pair has the same address in both files, so
// there it takes what it takes on the ISA where it is larger.
func writeSizes(w io.Writer, sizes []size) error {
	fmt.Fprint(w, "\nbytes of text by clang -O2 and of the pair, and the latter to the larger of the former;\n"+
		"seconds of the processor to build by clang -O2 for each ISA, and those by tpcc to one and to the sum of both:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "program\tx86-64 text\taarch64 text\tpair's text\tratio\tx86-64 s\taarch64 s\tto one\tto both\t")
	var text, one, both summary
	for _, s := range sizes {
		x, a := s.Text[x8664], s.Text[arm64]
		t1, t2, tp := s.BuildSeconds["clang-"+x8664], s.BuildSeconds["clang-"+arm64], s.BuildSeconds["tpcc"]
		of := pair{max(x.Clang, a.Clang), max(x.TPCC, a.TPCC)}
		text.add(of.ratio())
		one.add(tp / t1)
		both.add(tp / (t1 + t2))
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.3f\t%.2f\t%.2f\t%.2f\t%.2f\t\n",
			s.Name, x.Clang, a.Clang, of.TPCC, of.ratio(), t1, t2, tp/t1, tp/(t1+t2))
	}
	fmt.Fprintf(t, "geometric mean\t\t\t\t%.3f\t\t\t%.2f\t%.2f\t\n", text.mean(), one.mean(), both.mean())
	fmt.Fprintf(t, "worst\t\t\t\t%.3f\t\t\t%.2f\t%.2f\t\n", text.worst, one.worst, both.worst)
	return t.Flush()
}
