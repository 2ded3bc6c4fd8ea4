package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func do(t *testing.T, method, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestExec(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()

	for _, c := range []struct {
		name, script, timeout string
		out, exit, err        string
	}{
		{"both outputs, in order", "echo a; echo b >&2; echo c", "1m", "a\nb\nc\n", "0", ""},
		{"exit status", "echo x; exit 42", "1m", "x\n", "42", ""},
		{"killed by a signal", "kill -9 $$", "1m", "", "137", ""},
		{"background child holds the pipe", "sleep 100 & echo $! > pid; echo done", "1m", "done\n", "0", ""},
		{"timeout", "echo begun; sleep 100", "300ms", "begun\n", "137", "killed after 300ms"},
		{"timeout with a child", "echo begun; sleep 100 & wait", "300ms", "begun\n", "137", "killed after 300ms"},
		{"more than a pipe holds", "head -c 1000000 /dev/zero | tr '\\0' x", "1m", strings.Repeat("x", 1000000), "0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			begun := time.Now()
			resp, out := do(t, "POST", srv.URL+"/exec?timeout="+c.timeout, strings.NewReader("cd "+dir+";"+c.script))
			if d := time.Since(begun); d > 30*time.Second {
				t.Errorf("took %v", d)
			}
			if out != c.out {
				t.Errorf("output %.100q, want %.100q", out, c.out)
			}
			if got := resp.Trailer.Get(trailerExit); got != c.exit {
				t.Errorf("exit %q, want %q", got, c.exit)
			}
			if got := resp.Trailer.Get(trailerError); got != c.err {
				t.Errorf("error %q, want %q", got, c.err)
			}
			if pid, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil {
				// The child lives on, and writing must not kill it either.
				if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); err != nil {
					t.Errorf("background child is gone: %v", err)
				}
				do(t, "POST", srv.URL+"/exec?timeout=1m", strings.NewReader("kill "+string(pid)))
			}
		})
	}
}

// A script's output must come while it still runs.
func TestExecStreams(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	fifo := filepath.Join(t.TempDir(), "go-on")
	resp, err := http.Post(srv.URL+"/exec?timeout=1m", "", strings.NewReader(
		fmt.Sprintf("mkfifo %s; echo first; read x < %s; echo $x", fifo, fifo)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, len("first\n"))
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first\n" {
		t.Fatalf("%q, %v", first, err)
	}
	if err := os.WriteFile(fifo, []byte("second\n"), 0); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "second\n" {
		t.Fatalf("%q, %v", rest, err)
	}
}

// When the host gives up, the script must not go on in the guest.
func TestExecEndsWithRequest(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", srv.URL+"/exec?timeout=1m", strings.NewReader("echo $$; exec sleep 100"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 32)
	n, err := resp.Body.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(string(buf[:n]))
	cancel()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %s still runs 10 s after its request was given up", pid)
		}
	}
}

func TestFiles(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	path := filepath.Join(t.TempDir(), "new", "index.html") // a name that http.ServeFile would redirect
	at := srv.URL + "/file?path=" + url.QueryEscape(path)

	if resp, text := do(t, "GET", at, nil); resp.StatusCode != 500 || !strings.Contains(text, path) {
		t.Errorf("GET of a file that does not exist: %s %q", resp.Status, text)
	}
	for _, c := range []struct {
		content string
		mode    os.FileMode
	}{{"first", 0o755}, {"", 0o600}} {
		if resp, text := do(t, "PUT", fmt.Sprintf("%s&mode=%o", at, c.mode), strings.NewReader(c.content)); resp.StatusCode != 200 {
			t.Fatalf("PUT: %s %s", resp.Status, text)
		}
		if resp, text := do(t, "GET", at, nil); resp.StatusCode != 200 || text != c.content {
			t.Errorf("GET: %s %q, want %q", resp.Status, text, c.content)
		}
		if fi, err := os.Stat(path); err != nil || fi.Mode() != c.mode {
			t.Errorf("%v, %v, want mode %v", fi.Mode(), err, c.mode)
		}
	}
	if _, text := do(t, "GET", srv.URL+"/file?path=/proc/self/stat", nil); text == "" {
		t.Error("GET of a file in /proc is empty")
	}
	if resp, _ := do(t, "PUT", at+"&mode=rwx", strings.NewReader("")); resp.StatusCode != 500 {
		t.Errorf("PUT with a bad mode: %s", resp.Status)
	}
}

func TestUntar(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	dir := filepath.Join(t.TempDir(), "d")
	pack := func(hs ...*tar.Header) io.Reader {
		var buf bytes.Buffer
		tw := tar.NewWriter(&buf)
		for _, h := range hs {
			content := h.Linkname
			if h.Typeflag == tar.TypeReg {
				h.Size, h.Linkname = int64(len(content)), ""
			}
			if err := tw.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if h.Typeflag == tar.TypeReg {
				io.WriteString(tw, content)
			}
		}
		tw.Close()
		return &buf
	}
	when := time.Unix(1700000000, 0)
	body := pack(
		&tar.Header{Typeflag: tar.TypeDir, Name: "a/", Mode: 0o700},
		&tar.Header{Typeflag: tar.TypeReg, Name: "a/x", Mode: 0o755, ModTime: when, Linkname: "content"},
		&tar.Header{Typeflag: tar.TypeReg, Name: "b/deep/y", Mode: 0o640, Linkname: ""},
		&tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "a/x"},
	)
	if resp, text := do(t, "POST", srv.URL+"/untar?dir="+dir, body); resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, text)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "link")); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "a/x")); err != nil || fi.Mode() != 0o755 || !fi.ModTime().Equal(when) {
		t.Errorf("%v %v %v", fi.Mode(), fi.ModTime(), err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "b/deep/y")); err != nil || fi.Mode() != 0o640 {
		t.Errorf("%v %v", fi, err)
	}
	for _, bad := range []*tar.Header{
		{Typeflag: tar.TypeReg, Name: "../out", Mode: 0o644},
		{Typeflag: tar.TypeChar, Name: "dev"},
	} {
		if resp, _ := do(t, "POST", srv.URL+"/untar?dir="+dir, pack(bad)); resp.StatusCode != 500 {
			t.Errorf("%s: %s", bad.Name, resp.Status)
		}
	}
}

// The agent must come back when the host hangs up on it, and must serve
// several requests at a time.
func TestCallHome(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go http.Serve(callHome{l.Addr().String()}, handler())

	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	first.Close()

	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return l.Accept() },
	}}
	fifo := filepath.Join(t.TempDir(), "fifo")
	waiting, err := client.Post("http://agent/exec?timeout=1m", "", strings.NewReader("mkfifo "+fifo+"; echo ready; cat "+fifo))
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Body.Close()
	if _, err := io.ReadFull(waiting.Body, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	second, err := client.Post("http://agent/exec?timeout=1m", "", strings.NewReader("echo hello > "+fifo))
	if err != nil {
		t.Fatal(err)
	}
	second.Body.Close()
	if out, err := io.ReadAll(waiting.Body); err != nil || string(out) != "hello\n" {
		t.Errorf("%q, %v", out, err)
	}
}
