package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Trailers of the answer to /exec. Exit is the script's exit status as a
// shell would give it (128+N if signal N killed it); Error says why there is
// none, or why it was killed.
const (
	trailerExit  = "Exit"
	trailerError = "Error"
)

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /exec", execScript)
	mux.HandleFunc("GET /file", failing(getFile))
	mux.HandleFunc("PUT /file", failing(putFile))
	mux.HandleFunc("POST /untar", failing(untar))
	return mux
}

// failing makes an error of f the answer. An error that comes after the first
// byte of the body can no longer be told, so the connection is broken off.
func failing(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent := &sentWriter{ResponseWriter: w}
		if err := f(sent, r); err != nil {
			if sent.any {
				panic(http.ErrAbortHandler)
			}
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

type sentWriter struct {
	http.ResponseWriter
	any bool
}

func (w *sentWriter) Write(p []byte) (int, error) {
	w.any = true
	return w.ResponseWriter.Write(p)
}

func execScript(w http.ResponseWriter, r *http.Request) {
	script, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil {
		http.Error(w, "timeout: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()

	w.Header().Set("Trailer", trailerExit+", "+trailerError)
	w.WriteHeader(http.StatusOK)
	exit, err := run(ctx, string(script), flusher{w})
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		err = fmt.Errorf("killed after %v", timeout)
	}
	if err != nil {
		w.Header().Set(trailerError, err.Error())
	}
	w.Header().Set(trailerExit, strconv.Itoa(exit))
}

// run runs a script with sh, in a process group of its own that is killed when
// ctx ends. All it wrote, to either output, until its shell ended goes to out.
// What is left running in the background keeps its output, but it is thrown
// away from then on: waiting for the end of the pipe would mean to wait for
// every daemon that a script starts.
func run(ctx context.Context, script string, out io.Writer) (exit int, err error) {
	pr, pw, err := os.Pipe()
	if err != nil {
		return -1, err
	}
	c := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	c.Stdout, c.Stderr = pw, pw
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	err = c.Start()
	pw.Close()
	if err != nil {
		pr.Close()
		return -1, err
	}

	copied := make(chan struct{})
	go func() {
		io.Copy(out, pr) // ends at the end of the pipe or at the deadline set below
		close(copied)
	}()
	err = c.Wait()
	pr.SetReadDeadline(time.Unix(1, 0))
	<-copied
	pr.SetReadDeadline(time.Time{})
	drain(out, pr)
	go func() {
		io.Copy(io.Discard, pr)
		pr.Close()
	}()

	if exited := (*exec.ExitError)(nil); errors.As(err, &exited) {
		err = nil
	}
	status := c.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), err
	}
	return status.ExitStatus(), err
}

// drain copies what is in the pipe now, without waiting for more.
func drain(out io.Writer, pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 64<<10) // as much as a pipe holds
	raw.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.Read(int(fd), buf)
			if err == syscall.EINTR {
				continue
			}
			if err != nil || n == 0 {
				return true
			}
			out.Write(buf[:n])
		}
	})
}

// flusher sends each write at once.
type flusher struct{ w http.ResponseWriter }

func (f flusher) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	http.NewResponseController(f.w).Flush()
	return n, err
}

// getFile does not use http.ServeFile, which has its own ideas about index.html
// and about files of size 0, as all in /proc are.
func getFile(w http.ResponseWriter, r *http.Request) error {
	f, err := os.Open(r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, err = io.Copy(w, f)
	return err
}

func putFile(w http.ResponseWriter, r *http.Request) error {
	mode, err := strconv.ParseUint(r.URL.Query().Get("mode"), 8, 12)
	if err != nil {
		return fmt.Errorf("mode: %w", err)
	}
	path := r.URL.Query().Get("path")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Beside the old file and renamed, since a program that runs cannot be
	// written to, and a reader is not to see half a file.
	tmp := path + ".put"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := fill(f, r.Body, os.FileMode(mode)); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, path)
}

func untar(w http.ResponseWriter, r *http.Request) error {
	dir := r.URL.Query().Get("dir")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for tr := tar.NewReader(r.Body); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := extract(root, h, tr); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func extract(root *os.Root, h *tar.Header, data io.Reader) error {
	name, mode := filepath.Clean(h.Name), os.FileMode(h.Mode).Perm()
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
		return root.Chmod(name, mode)
	case tar.TypeReg:
		if err := root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := fill(f, data, mode); err != nil {
			return err
		}
		return root.Chtimes(name, h.ModTime, h.ModTime)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	}
	return fmt.Errorf("tar entry of type %q: only directories, regular files and symbolic links are known", h.Typeflag)
}

// fill writes a new file, gives it its mode and closes it.
func fill(f *os.File, data io.Reader, mode os.FileMode) error {
	_, err := io.Copy(f, data)
	if err == nil {
		err = f.Chmod(mode)
	}
	return errors.Join(err, f.Close())
}
