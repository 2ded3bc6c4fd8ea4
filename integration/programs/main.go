// Command programs runs the test suites of the programs that nobody wrote for
// us, on both architectures, as they are and in the poison mode, and says which
// of their functions cannot be moved.
//
//	programs [-all] DIR [PROGRAM...]
//
// DIR is where `make every` has built them. Without -all, suites that take
// minutes are left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	all := flag.Bool("all", false, "run suites that take minutes, too")
	flag.Parse()
	if flag.NArg() < 1 {
		log.Fatal("usage: programs [-all] DIR [PROGRAM...]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runAll(ctx, flag.Arg(0), flag.Args()[1:], *all); err != nil {
		log.Fatal("programs: ", err)
	}
}

// runAll runs the suites of the named programs, or all, as many at a time as
// there are processors, and prints a line for each run.
func runAll(ctx context.Context, dir string, names []string, all bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	type job struct {
		suite suite
		kind  kind
	}
	var jobs []job
	for _, s := range suites {
		if len(names) > 0 && !slices.Contains(names, s.program) || s.slow && !all {
			continue
		}
		report, err := explain(filepath.Join(dir, s.program))
		if err != nil {
			return err
		}
		fmt.Print(report)
		for _, k := range kinds {
			jobs = append(jobs, job{s, k})
		}
	}

	slots := make(chan struct{}, runtime.NumCPU())
	var group sync.WaitGroup
	var lock sync.Mutex // of what follows, and of standard output
	failed := 0
	for _, j := range jobs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			start := time.Now()
			result, err := run(ctx, dir, j.suite, j.kind)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failed++
				result = fmt.Sprintf("FAILED: %v", err)
			}
			fmt.Printf("%-10s %-16s %5.0fs  %s\n", j.suite.program, j.kind, time.Since(start).Seconds(), result)
		})
	}
	group.Wait()
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed", failed, len(jobs))
	}
	return nil
}
