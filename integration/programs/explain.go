package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// explain says how many functions of a built program cannot be moved, those of
// tpcc's libraries left out, and which.
func explain(built string) (string, error) {
	pairs, err := findPairs(built)
	if err != nil {
		return "", err
	}
	var report strings.Builder
	seen := map[[32]byte]bool{} // there may be copies
	for _, p := range pairs {
		f := p.x86_64
		if seen[f.ID] {
			continue
		}
		seen[f.ID] = true
		all, byReason := 0, map[string][]string{}
		for _, fn := range f.Functions {
			if fn.Library {
				continue
			}
			all++
			if fn.Reason != "" {
				byReason[fn.Reason] = append(byReason[fn.Reason], fn.Name)
			}
		}
		fixed := 0
		for _, names := range byReason {
			fixed += len(names)
		}
		name, err := filepath.Rel(filepath.Dir(built), f.Path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&report, "%-40s %5d functions, %d cannot be moved (%.2f %%)\n", name, all, fixed, 100*float64(fixed)/float64(max(all, 1)))
		for _, reason := range slices.Sorted(maps.Keys(byReason)) {
			fmt.Fprintf(&report, "    %s: %s\n", reason, strings.Join(byReason[reason], ", "))
		}
	}
	return report.String(), nil
}
