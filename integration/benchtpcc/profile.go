package main

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// functions adds up the instructions that were executed in each function of a file.
func functions(path string, blocks []block) (map[string]uint64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	symbols := slices.DeleteFunc(all, func(s elf.Symbol) bool { return !isCode(f, s) })
	slices.SortStableFunc(symbols, func(a, b elf.Symbol) int { return cmp.Compare(a.Value, b.Value) })
	sum := map[string]uint64{}
	for _, k := range blocks {
		i, found := slices.BinarySearchFunc(symbols, k.address, func(s elf.Symbol, a uint64) int { return cmp.Compare(s.Value, a) })
		if !found {
			i--
		}
		if i >= 0 {
			sum[symbols[i].Name] += k.instructions * k.runs
		}
	}
	return sum, nil
}

// isCode tells whether a symbol is a function's; those of assembly may have no type.
func isCode(f *elf.File, s elf.Symbol) bool {
	if t := elf.ST_TYPE(s.Info); t != elf.STT_FUNC && t != elf.STT_NOTYPE || strings.HasPrefix(s.Name, "$") {
		return false
	}
	return int(s.Section) < len(f.Sections) && f.Sections[s.Section].Flags&elf.SHF_EXECINSTR != 0
}

// writeProfile writes in which functions two files have executed how many millions of instructions, those
// first in which the second has most in excess, and without those that make no difference.
func writeProfile(w io.Writer, title string, clang, tpcc map[string]uint64) {
	excess := func(n string) int64 { return int64(tpcc[n] - clang[n]) }
	var all uint64
	names := slices.Collect(maps.Keys(tpcc))
	for n, c := range clang {
		all += c
		if _, both := tpcc[n]; !both {
			names = append(names, n)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return 200*max(excess(n), -excess(n)) < int64(all) })
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(excess(b), excess(a)), cmp.Compare(a, b)) })
	fmt.Fprintf(w, "\n%-36s %12s %12s %12s\n", title, "clang M", "tpcc M", "excess M")
	for _, n := range names {
		fmt.Fprintf(w, "  %-34s %12.2f %12.2f %+12.2f\n", n, float64(clang[n])/1e6, float64(tpcc[n])/1e6, float64(excess(n))/1e6)
	}
}

// A line of a disassembly with an instruction.
var instructionLine = regexp.MustCompile(`(?m)^ *([0-9a-f]+): +(.*)$`)

// annotate writes the instructions of a function that run often, each with how many million times it was run.
func annotate(w io.Writer, path, function string, blocks []block) error {
	out, err := output(exec.Command("llvm-objdump-19", "-d", "--no-show-raw-insn", "--disassemble-symbols="+function, path))
	if err != nil {
		return err
	}
	lines := instructionLine.FindAllStringSubmatch(string(out), -1)
	at := map[uint64]int{}
	for i, l := range lines {
		address, err := strconv.ParseUint(l[1], 16, 64)
		if err != nil {
			return err
		}
		at[address] = i
	}
	runs := make([]uint64, len(lines))
	for _, k := range blocks {
		if i, here := at[k.address]; here {
			for j := i; j < min(i+int(k.instructions), len(lines)); j++ {
				runs[j] += k.runs
			}
		}
	}
	if len(lines) == 0 {
		return nil // not in this program: inlined, perhaps
	}
	fmt.Fprintf(w, "\n%s of %s:\n", function, path)
	const often = 16 // to the one that runs most
	most := slices.Max(runs)
	for i, l := range lines {
		if runs[i] > 0 && runs[i] >= most/often {
			fmt.Fprintf(w, "%10.2f  %s  %s\n", float64(runs[i])/1e6, l[1], strings.ReplaceAll(l[2], "\t", " "))
		}
	}
	return nil
}
