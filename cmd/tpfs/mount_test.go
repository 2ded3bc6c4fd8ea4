package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/fs"
	"github.com/tpfs/tpfs/fs/fusetest"
)

// dumpAndMountpoint makes a source with these files, and a place to mount it,
// which is free again when the test ends.
func dumpAndMountpoint(t *testing.T, files ...string) (src, dst string) {
	t.Helper()
	fusetest.Require(t)
	src, dst = t.TempDir(), t.TempDir()
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(src, name), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { unix.Unmount(dst, unix.MNT_DETACH) })
	return src, dst
}

func isMounted(t *testing.T, dir string) bool {
	t.Helper()
	_, err := fs.MountAt(dir)
	if err != nil && !errors.Is(err, iofs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// eventually waits for something that happens in another process.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func serverPID(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, fs.PidFile))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// runs tells whether a process does anything yet. One without a parent to ask
// for its exit code may stay a zombie where the tests run without an init.
func runs(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(b, []byte(") "))
	return state[0] != 'Z' && state[0] != 'X'
}

func TestMountInTheBackground(t *testing.T) {
	src, dst := dumpAndMountpoint(t, "core-1.img")
	logFile := filepath.Join(t.TempDir(), "log")
	cmd := tpfs("mount", "--log", logFile, filepath.Base(src), "../"+filepath.Base(filepath.Dir(dst))+"/"+filepath.Base(dst))
	cmd.Dir = filepath.Dir(src) // relative paths
	if code, stdout, stderr := result(t, cmd); code != 0 || stdout+stderr != "" {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	// It answers at once.
	if b, err := os.ReadFile(filepath.Join(dst, "core-1.img")); string(b) != "content" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	if info, err := fs.MountAt(dst); err != nil || info.Source != src || info.Type != "fuse.tpfs" {
		t.Errorf("%+v, %v", info, err)
	}
	pid := serverPID(t, dst)
	proc := func(name string) string {
		s, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if proc("cwd") != "/" || proc("fd/0") != "/dev/null" || proc("fd/1") != logFile || proc("fd/2") != logFile {
		t.Errorf("cwd %s, stdio %s, %s, %s", proc("cwd"), proc("fd/0"), proc("fd/1"), proc("fd/2"))
	}
	if sid, err := unix.Getsid(pid); err != nil || sid != pid {
		t.Errorf("session %d, %v; want %d", sid, err, pid)
	}

	// Once more is refused, with the reason.
	if code, _, stderr := result(t, tpfs("mount", src, dst)); code != exitMount || !strings.Contains(stderr, "is mounted already, from "+src) {
		t.Errorf("mounted twice: exit code %d\n%s", code, stderr)
	}

	if code, stdout, stderr := result(t, tpfs("umount", dst)); code != 0 || stdout+stderr != "" {
		t.Errorf("umount: exit code %d\n%s%s", code, stdout, stderr)
	}
	if runs(pid) {
		t.Error("the server still runs after tpfs umount")
	}
	if isMounted(t, dst) {
		t.Error("still mounted")
	}
	text, err := os.ReadFile(logFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{src + " is shown for " + hostArch() + " on " + dst, dst + " is unmounted"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
}

func TestLogOfProblems(t *testing.T) {
	src, dst := dumpAndMountpoint(t, "broken-1.img")
	logFile := filepath.Join(t.TempDir(), "log")
	if code, _, stderr := result(t, tpfs("mount", "-o", "ro,log="+logFile, src, dst)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for range 2 {
		if _, err := os.ReadFile(filepath.Join(dst, "broken-1.img")); !errors.Is(err, unix.EIO) {
			t.Errorf("broken: %v", err)
		}
	}
	if code, _, stderr := result(t, tpfs("umount", dst)); code != 0 {
		t.Fatalf("umount: exit code %d\n%s", code, stderr)
	}
	text, err := os.ReadFile(logFile)
	if err != nil || strings.Count(string(text), "broken-1.img: content\n") != 1 {
		t.Errorf("%v:\n%s", err, text)
	}
}

func TestMountRefused(t *testing.T) {
	src, dst := dumpAndMountpoint(t, "core-1.img")
	if err := os.Mkdir(filepath.Join(src, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(src, "core-1.img")
	untranslatable, _ := dumpAndMountpoint(t, "untranslatable")
	damaged, _ := dumpAndMountpoint(t, "damaged")
	crash, _ := dumpAndMountpoint(t, "crash")
	older, _ := dumpAndMountpoint(t)
	newer, _ := dumpAndMountpoint(t)
	if err := os.Symlink(older, filepath.Join(newer, "parent")); err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(t.TempDir(), "bin/app")
	if err := os.MkdirAll(app, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		args   []string
		code   int
		stderr string
	}{
		{"usage", []string{src}, exitUsage, "needs SRC DST"},
		{"architecture", []string{"--arch", "vax", src, dst}, exitUsage, "unknown architecture"},
		{"option", []string{"-o", "frobnicate", src, dst}, exitUsage, "unknown mount option"},
		{"no source", []string{"/nonexistent", dst}, exitImage, "tpfs: /nonexistent: there is no such directory"},
		{"source is a file", []string{file, dst}, exitImage, file + ": cannot be opened as a directory"},
		{"no mountpoint", []string{src, "/nonexistent"}, exitMount, "/nonexistent does not exist; make the directory first"},
		{"mountpoint is a file", []string{src, file}, exitMount, "is not a directory"},
		{"source itself", []string{src, src}, exitMount, "would hide its own source"},
		{"above the source", []string{src, filepath.Dir(src)}, exitMount, "would hide its own source"},
		{"in the source", []string{src, src + "/sub"}, exitMount, "lies inside the source"},
		{"the source's parent", []string{newer, older}, exitMount, "would hide " + older},
		{"a binary", []string{"--bin", "/app=" + app, src, filepath.Dir(app)}, exitMount, "would hide " + app},
		{"the sysroot", []string{"--sysroot", app, src, app}, exitMount, "would hide " + app},
		{"untranslatable", []string{untranslatable, dst}, exitUntranslated, "thread 8 is between points; pause it"},
		{"damaged", []string{damaged, dst}, exitImage, "core-7.img: byte 12: ends within an entry"},
		{"log", []string{"--log", "/nonexistent/log", src, dst}, exitError, "the log: open /nonexistent/log"},
		{"crash", []string{crash, dst}, exitUsage, "panic: the server crashes"},
	} {
		for _, mode := range []string{"background", "foreground"} {
			args := append([]string{"mount"}, c.args...)
			if mode == "foreground" {
				args = append(args, "-f")
			}
			code, stdout, stderr := result(t, tpfs(args...))
			if code != c.code || !strings.Contains(stderr, c.stderr) || stdout != "" {
				t.Errorf("%s, %s: exit code %d\n%s%s", c.what, mode, code, stdout, stderr)
			}
			if strings.Count(stderr, "tpfs: ") > 1 {
				t.Errorf("%s, %s: says more than one thing:\n%s", c.what, mode, stderr)
			}
			if isMounted(t, dst) {
				t.Fatalf("%s, %s: it is mounted", c.what, mode)
			}
		}
	}
}

// gate makes the server wait for the returned function while it starts.
func gate(t *testing.T, src string) (open func()) {
	t.Helper()
	path := filepath.Join(src, "gate")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.WriteFile(path, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// startedServer waits until a "tpfs mount" has started its server, and returns
// that one's number. Go's os package has short-lived children of its own.
func startedServer(t *testing.T, pid int) int {
	t.Helper()
	var server int
	eventually(t, "a server", func() bool {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range tasks {
			children, _ := os.ReadFile(name)
			for _, child := range strings.Fields(string(children)) {
				env, _ := os.ReadFile("/proc/" + child + "/environ")
				if bytes.Contains(env, []byte("\x00"+starterEnv+"=")) {
					server, err = strconv.Atoi(child)
					return err == nil
				}
			}
		}
		return false
	})
	return server
}

// Nobody waits for a mount in vain: if the server is killed, whoever started it
// says so.
func TestServerKilledAtStart(t *testing.T) {
	src, dst := dumpAndMountpoint(t)
	gate(t, src)
	cmd := tpfs("mount", src, dst)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(startedServer(t, cmd.Process.Pid), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(stderr.String(), "ended: signal: killed") {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
}

// And a server that nobody waits for any longer does not mount.
func TestStarterKilled(t *testing.T) {
	src, dst := dumpAndMountpoint(t)
	open := gate(t, src)
	cmd := tpfs("mount", src, dst)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	server := startedServer(t, cmd.Process.Pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	open()
	eventually(t, "the end of the server", func() bool { return !runs(server) })
	if isMounted(t, dst) {
		t.Error("it is mounted")
	}
}

// What a caller has open besides its stdio does not stay open in the server.
func TestInheritedDescriptors(t *testing.T) {
	src, dst := dumpAndMountpoint(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := tpfs("mount", src, dst)
	cmd.ExtraFiles = []*os.File{w, w, w}
	code, _, stderr := result(t, cmd)
	w.Close()
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	if err := r.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the pipe is still open: %v", err)
	}
}

// Without root, fusermount3 mounts, for that user alone.
func TestMountAsAUser(t *testing.T) {
	src, dst := dumpAndMountpoint(t, "core-1.img")
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "tpfs")
	if err := os.WriteFile(bin, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	const uid = 65534
	scratch := t.TempDir()
	for _, path := range []string{src, dst, scratch, filepath.Join(src, "core-1.img")} {
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(src), 0o755); err != nil {
		t.Fatal(err)
	}
	as := func(cmd *exec.Cmd) *exec.Cmd {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return cmd
	}
	user := func(args ...string) *exec.Cmd {
		cmd := as(tpfs(args...))
		cmd.Path = bin
		cmd.Env = append(cmd.Env, "TMPDIR="+scratch)
		return cmd
	}
	code, _, stderr := result(t, user("mount", src, dst))
	if st, err := os.Stat("/dev/fuse"); err != nil {
		t.Fatal(err)
	} else if st.Mode()&0o006 == 0 {
		// A machine without udev, which would let everybody use the device.
		if code != exitMount || !strings.Contains(stderr, "open /dev/fuse: permission denied") {
			t.Errorf("without the device: exit code %d\n%s", code, stderr)
		}
		return
	}
	if code != 0 {
		t.Fatalf("mount: exit code %d\n%s", code, stderr)
	}
	if _, stdout, stderr := result(t, as(exec.Command("cat", dst+"/core-1.img", dst+"/.tpfs/errors.json"))); stdout != "content[]\n" {
		t.Errorf("read %q\n%s", stdout, stderr)
	}
	if _, _, stderr := result(t, as(exec.Command("sh", "-c", "echo x > "+dst+"/restore.log"))); stderr != "" {
		t.Errorf("scratch: %s", stderr)
	}
	if _, err := os.ReadFile(dst + "/core-1.img"); !errors.Is(err, iofs.ErrPermission) {
		t.Errorf("root reads a user's mount: %v", err)
	}
	busy := as(exec.Command("sh", "-c", "exec 3< "+dst+"/core-1.img; echo open; read x"))
	in, err := busy.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := busy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := result(t, user("umount", dst)); code != exitMount || !strings.Contains(stderr, "is in use") {
		t.Errorf("busy: exit code %d\n%s", code, stderr)
	}
	in.Close()
	busy.Wait()
	if code, _, stderr := result(t, user("umount", dst)); code != 0 || stderr != "" {
		t.Errorf("umount: exit code %d\n%s", code, stderr)
	}
	if isMounted(t, dst) {
		t.Error("still mounted")
	}
}

// foreground is a running "tpfs mount -f".
type foreground struct {
	*exec.Cmd
	dst    string
	mu     sync.Mutex
	out    bytes.Buffer
	exited chan error
}

func (f *foreground) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Write(p)
}

func (f *foreground) said(text string) func() bool {
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return strings.Contains(f.out.String(), text)
	}
}

func startForeground(t *testing.T) *foreground {
	t.Helper()
	src, dst := dumpAndMountpoint(t, "core-1.img", "generated-1.img")
	f := &foreground{Cmd: tpfs("mount", "-f", "--arch", "arm64", src, dst), dst: dst, exited: make(chan error, 1)}
	f.Stdout, f.Stderr = f, f
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { f.exited <- f.Wait() }()
	t.Cleanup(func() { f.Process.Kill() })
	lines := fmt.Sprintf("%s is shown for aarch64\non %s\nuntil Ctrl-C, or: tpfs umount %s\n", src, dst, dst)
	eventually(t, "three lines", f.said(lines))
	if b, err := os.ReadFile(filepath.Join(dst, "core-1.img")); string(b) != "content" || err != nil {
		t.Fatalf("read %q, %v", b, err)
	}
	return f
}

func (f *foreground) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := f.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (f *foreground) expectExit(t *testing.T) {
	t.Helper()
	select {
	case err := <-f.exited:
		if err != nil {
			t.Errorf("exit: %v\n%s", err, &f.out)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	if isMounted(t, f.dst) {
		t.Error("still mounted")
	}
}

func TestSignals(t *testing.T) {
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			f := startForeground(t)
			f.signal(t, s)
			f.expectExit(t)
		})
	}
	t.Run("umount", func(t *testing.T) {
		f := startForeground(t)
		if err := unix.Unmount(f.dst, 0); err != nil {
			t.Fatal(err)
		}
		f.expectExit(t)
	})

	open := func(t *testing.T, f *foreground) *os.File {
		t.Helper()
		file, err := os.Open(filepath.Join(f.dst, "generated-1.img"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	t.Run("busy", func(t *testing.T) {
		f := startForeground(t)
		file := open(t, f)
		f.signal(t, unix.SIGTERM)
		eventually(t, "a message", f.said("is in use; it is unmounted when it becomes free"))
		if b, err := os.ReadFile(filepath.Join(f.dst, "core-1.img")); string(b) != "content" || err != nil {
			t.Errorf("it no longer serves: %q, %v", b, err)
		}
		file.Close()
		f.expectExit(t)
	})
	t.Run("twice", func(t *testing.T) {
		f := startForeground(t)
		file := open(t, f)
		f.signal(t, unix.SIGTERM)
		eventually(t, "a message", f.said("is in use"))
		f.signal(t, unix.SIGTERM)
		eventually(t, "it is detached", func() bool { return !isMounted(t, f.dst) })
		b := make([]byte, 7)
		if _, err := file.Read(b); err != nil || string(b) != "content" {
			t.Errorf("read %q, %v", b, err)
		}
		file.Close()
		f.expectExit(t)
	})
	t.Run("three times", func(t *testing.T) {
		f := startForeground(t)
		file := open(t, f)
		f.signal(t, unix.SIGTERM)
		eventually(t, "a message", f.said("is in use"))
		f.signal(t, unix.SIGTERM)
		eventually(t, "a message", f.said("is detached"))
		f.signal(t, unix.SIGTERM)
		f.expectExit(t)
		if _, err := file.ReadAt(make([]byte, 1), 0); !errors.Is(err, unix.ENOTCONN) {
			t.Errorf("without a server: %v", err)
		}
	})
}

func TestUmount(t *testing.T) {
	fusetest.Require(t)
	umount := func(t *testing.T, args ...string) (int, string) {
		t.Helper()
		code, stdout, stderr := result(t, tpfs(append([]string{"umount"}, args...)...))
		if stdout != "" {
			t.Errorf("prints %q", stdout)
		}
		return code, stderr
	}
	for what, dir := range map[string]string{
		"a directory": t.TempDir(), "nothing": "/nonexistent/dir", "another type": "/proc",
	} {
		if code, stderr := umount(t, dir); code != exitMount || !strings.Contains(stderr, dir+" is no mount of tpfs") {
			t.Errorf("%s: exit code %d\n%s", what, code, stderr)
		}
	}
	t.Run("busy", func(t *testing.T) {
		f := startForeground(t)
		file, err := os.Open(filepath.Join(f.dst, "generated-1.img"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if code, stderr := umount(t, f.dst); code != exitMount || !strings.Contains(stderr, f.dst+" is in use") {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		if !isMounted(t, f.dst) {
			t.Fatal("unmounted nonetheless")
		}
		if code, stderr := umount(t, "--lazy", f.dst); code != 0 {
			t.Errorf("lazy: exit code %d\n%s", code, stderr)
		}
		if isMounted(t, f.dst) {
			t.Error("lazy: still mounted")
		}
		file.Close()
		f.expectExit(t)
	})
	t.Run("by a link, from inside its parent", func(t *testing.T) {
		f := startForeground(t)
		if err := os.Symlink(f.dst, filepath.Join(filepath.Dir(f.dst), "link")); err != nil {
			t.Fatal(err)
		}
		t.Chdir(filepath.Dir(f.dst))
		if code, stderr := umount(t, "link"); code != 0 {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		f.expectExit(t)
	})
	t.Run("dead", func(t *testing.T) {
		f := startForeground(t)
		f.signal(t, unix.SIGKILL)
		<-f.exited
		if _, err := os.Stat(f.dst); !errors.Is(err, unix.ENOTCONN) {
			t.Fatalf("not dead: %v", err)
		}
		if code, stderr := umount(t, f.dst); code != 0 || stderr != "" {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		if isMounted(t, f.dst) {
			t.Error("still mounted")
		}
	})
	t.Run("hanging", func(t *testing.T) {
		f := startForeground(t)
		f.signal(t, unix.SIGSTOP)
		defer f.Process.Signal(unix.SIGCONT)
		if code, stderr := umount(t, "--lazy", f.dst); code != 0 {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		f.signal(t, unix.SIGCONT)
		f.expectExit(t)
	})
}

// As mount(8) and libfuse's mount.fuse3 call it.
func TestMountHelper(t *testing.T) {
	for _, program := range []string{"mount.tpfs", "mount.fuse.tpfs", "tpfs"} {
		t.Run(program, func(t *testing.T) {
			src, dst := dumpAndMountpoint(t, "core-1.img")
			helper := func(args ...string) *exec.Cmd {
				cmd := tpfs(args...)
				cmd.Args[0] = "/sbin/" + program
				return cmd
			}
			if code, _, stderr := result(t, helper(src, dst, "-f", "-o", "rw")); code != 0 || isMounted(t, dst) {
				t.Errorf("fake: exit code %d\n%s", code, stderr)
			}
			if code, _, stderr := result(t, helper(src, dst, "-o", "rw,frob")); code != exitUsage || !strings.Contains(stderr, `unknown mount option "frob"`) {
				t.Errorf("unknown option: exit code %d\n%s", code, stderr)
			}
			if code, _, stderr := result(t, helper(src, dst, "-N", "/proc/1/ns/mnt")); code != exitUsage || !strings.Contains(stderr, "nsenter") {
				t.Errorf("namespace: exit code %d\n%s", code, stderr)
			}
			if code, _, stderr := result(t, helper(src, dst, "-snv", "-t", "fuse.tpfs", "-o", "rw,nodev,frob,arch=arm64,x-systemd.requires=x")); code != 0 {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			if b, err := os.ReadFile(filepath.Join(dst, "core-1.img")); string(b) != "content" || err != nil {
				t.Errorf("read %q, %v", b, err)
			}
			if code, _, stderr := result(t, tpfs("umount", dst)); code != 0 {
				t.Errorf("umount: exit code %d\n%s", code, stderr)
			}
		})
	}
}
