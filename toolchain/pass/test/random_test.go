package test

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

var (
	firstSeed = flag.Int("seed", 1, "the first seed for random programs")
	seedCount = flag.Int("seeds", 10, "how many of them")
)

// A random program that takes longer is not tested.
const randomLimit = 2 * time.Second

// TestRandom does what TestRun does with random programs: csmith's for even
// seeds, and the generator's. `make fuzz-tpcc` lets it run for long.
func TestRandom(t *testing.T) {
	runtimes := map[string][]string{}
	for _, i := range isas {
		runtimes[i.name] = buildRuntime(t, i)
	}
	var tested atomic.Int64
	t.Run("seed", func(t *testing.T) {
		for seed := *firstSeed; seed < *firstSeed+*seedCount; seed++ {
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				source := filepath.Join(t.TempDir(), "random.c")
				if seed%2 == 0 {
					writeRandom(t, seed, source)
				} else {
					writeGenerated(t, seed, source)
				}
				if checkRandom(t, source, runtimes) {
					tested.Add(1)
				}
			})
		}
	})
	t.Logf("%d of %d programs could be tested", tested.Load(), *seedCount)
	if tested.Load() < int64(*seedCount)/2 {
		t.Error("these are too few")
	}
}

// writeRandom has csmith write a program. It writes a file platform.info, too.
func writeRandom(t *testing.T, seed int, source string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "csmith", "--seed", strconv.Itoa(seed), "--no-argc", "--no-hash-value-printf",
		"--inline-function", "--float", "--strict-float", "--max-funcs", "6", "--output", source)
	c.Dir = filepath.Dir(source)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c, err, out)
	}
}

// checkRandom compares a program by tpcc-cg with one by clang. It returns false
// if that runs too long, or has nothing that parks.
func checkRandom(t *testing.T, source string, runtimes map[string][]string) bool {
	t.Helper()
	reference := filepath.Join(filepath.Dir(source), "native")
	compileNative(t, source, reference, runtimes[isas[0].name])
	want, ended := executeShortly(t, isas[0], reference, "0", "0")
	if !ended {
		return false
	}
	for _, level := range levels {
		unit := compile(t, source, level)
		if len(siteIDs(unit.tables)) == 0 {
			return false
		}
		unit.checkReasons(t, nil)
		for _, i := range isas {
			t.Run(level+"/"+i.name, func(t *testing.T) {
				program := filepath.Join(t.TempDir(), "program")
				link(t, i, program, append(runtimes[i.name], unit.objects[i.name])...)
				unit.checkRecords(t, program)
				checkProof(t, program, nil)
				checkRuns(t, i, program, want, false)
			})
		}
	}
	return true
}

// executeShortly runs a program that may take for ever. One of csmith's that does
// may also be compiled to nothing, and crash.
func executeShortly(t *testing.T, i isa, program string, args ...string) (stdout string, ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), randomLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	return string(out), err == nil
}
