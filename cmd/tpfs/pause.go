package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tpfs/tpfs/stop"
)

var pauseCommand = command{
	name:  "pause",
	args:  "PID",
	short: "stop a process where it can be moved, to be dumped by criu",
	long: `
All threads of the process park at their next poll, or are asleep in the
kernel already. One that cannot be moved from there, as below a function of
which 'tpcc --explain' tells so, is let go and stopped again until it can. If
one does not get there in time the process runs on.
After 'tpfs pause' dump the process with 'criu dump'. What 'criu restore'
makes of the mounted dump runs on by itself; a process that was not dumped,
or was restored without tpfs, is let go by 'tpfs resume'.`,
	setup: func(flags *pflag.FlagSet) runFunc {
		timeout := flags.Duration("timeout", 10*time.Second, "wait for the threads no longer than `TIME`")
		return func(args []string, stdout, stderr io.Writer) error {
			pid, err := pidArg(args)
			if err != nil {
				return err
			}
			threads, err := stop.Pause(context.Background(), pid, *timeout)
			if err != nil {
				return err
			}
			for _, t := range threads {
				fmt.Fprintf(stdout, "thread %d %v in %s\n", t.TID, t.Point, strings.Join(t.Stack, " < "))
			}
			return nil
		}
	},
}

var resumeCommand = command{
	name:  "resume",
	args:  "PID",
	short: "let a paused process run on",
	setup: func(flags *pflag.FlagSet) runFunc {
		return func(args []string, stdout, stderr io.Writer) error {
			pid, err := pidArg(args)
			if err != nil {
				return err
			}
			return stop.Resume(pid)
		}
	},
}

func pidArg(args []string) (int, error) {
	pid, err := strconv.Atoi(args[0])
	if err != nil || pid <= 0 {
		return 0, usageErrorf("%q is no process id", args[0])
	}
	return pid, nil
}
