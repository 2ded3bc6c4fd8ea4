package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSuites runs those suites that take seconds; `make test-programs` runs all.
func TestSuites(t *testing.T) {
	dir, err := filepath.Abs("../../build/programs")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suites {
		if s.slow {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, s.program)); err != nil {
			t.Fatalf("%v: make programs", err)
		}
		for _, k := range kinds {
			t.Run(s.program+" "+k.String(), func(t *testing.T) {
				t.Parallel()
				said, err := run(t.Context(), dir, s, k)
				if err != nil {
					t.Fatal(err)
				}
				t.Log(said)
			})
		}
	}
}
