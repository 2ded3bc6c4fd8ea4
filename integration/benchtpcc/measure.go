package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// socket is that of the server that is measured.
const socket = "/tmp/benchtpcc.socket"

// An invocation is a run of one binary.
type invocation struct {
	path     string
	args     []string
	stdin    string // a file; empty: none
	client   string // see run
	programs string // a directory
}

func (b *bench) invocation(p *program, r *run) (v invocation, err error) {
	v = invocation{args: r.args, client: r.client}
	switch {
	case r.input.text:
		v.stdin, err = b.text()
	case r.input.output != "":
		v.stdin = b.outputFile(p.name + "/" + r.input.output)
	}
	return v, err
}

// run runs an invocation, with words before it, and returns what it writes and the seconds of the
// processor that it took.
func (v invocation) run(before ...string) ([]byte, float64, error) {
	words := append(append(before, v.path), v.args...)
	cmd := exec.Command(words[0], words[1:]...)
	if v.client != "" {
		return v.serve(cmd)
	}
	if v.stdin != "" {
		f, err := os.Open(v.stdin)
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		cmd.Stdin = f
	}
	out, err := output(cmd)
	if err != nil {
		return nil, 0, err
	}
	return out, processorTime(cmd).Seconds(), nil
}

// serve runs a server until the client has had enough of it.
func (v invocation) serve(server *exec.Cmd) ([]byte, float64, error) {
	stdout, err := server.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	if err := server.Start(); err != nil {
		return nil, 0, err
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.Contains(lines.Text(), "ready to accept connections") {
	}
	client := exec.Command("sh", "-ec", v.client)
	client.Env = append(os.Environ(), "SOCKET="+socket, "PROGRAMS="+v.programs)
	_, clientErr := output(client)
	killErr := server.Process.Signal(syscall.SIGTERM)
	_, readErr := io.Copy(io.Discard, stdout)
	if err := errors.Join(clientErr, killErr, readErr, server.Wait()); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", server, err)
	}
	return nil, processorTime(server).Seconds(), nil
}

// compare runs what clang and tpcc made in turns, and returns the least seconds of each. In what they write,
// that which same matches must be the same.
func (b *bench) compare(title string, same *regexp.Regexp, of [2]invocation) (pair, error) {
	var want []byte
	var best [2]float64
	for i := range b.times {
		for j, v := range of {
			out, seconds, err := v.run()
			if err != nil {
				return pair{}, err
			}
			if same != nil {
				out = same.Find(out)
			}
			if i == 0 && j == 0 {
				want = out
			}
			if !bytes.Equal(out, want) {
				return pair{}, fmt.Errorf("%s: %s does not write what %s writes", title, v.path, of[0].path)
			}
			if i == 0 || seconds < best[j] {
				best[j] = seconds
			}
		}
	}
	return pair{best[0], best[1]}, os.WriteFile(b.outputFile(title), want, 0o644)
}

// outputFile has what a run wrote.
func (b *bench) outputFile(title string) string {
	return filepath.Join(b.work, "output", strings.ReplaceAll(title, "/", "-"))
}

// text is a file of some megabytes: the source of Lua and its manual, again and again.
func (b *bench) text() (string, error) {
	path := b.outputFile("text")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	dir, err := b.fetch(source{program: "lua"})
	if err != nil {
		return "", err
	}
	var all []byte
	for _, pattern := range []string{"src/*.c", "src/*.h", "doc/*.html"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				return "", err
			}
			all = append(all, content...)
		}
	}
	const times = 3
	return path, os.WriteFile(path, bytes.Repeat(all, times), 0o644)
}
