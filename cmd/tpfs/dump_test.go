package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/fs/fusetest"
	"github.com/tpfs/tpfs/translate"
	"github.com/tpfs/tpfs/translate/dumptest"
)

// Images of the golden x86-64 dump's process.
const (
	coreImage    = "core-61013.img"
	mmImage      = "mm-61013.img"
	pagemapImage = "pagemap-61013.img"
)

// betweenPoints makes the thread of a copy stand where it cannot be moved.
func betweenPoints(t *testing.T, dir string) {
	t.Helper()
	dumptest.Change(t, dir, coreImage, func(c *criu_core.CoreEntry) {
		c.ThreadInfo.Gpregs.Ip = proto.Uint64(0x1000200) // where main begins
	})
}

// TestBadDumps gives what cannot be translated to check, convert and mount.
// Each says why in one sentence. What a mount finds out only when an image is
// asked for is said in the log and in errors.json.
func TestBadDumps(t *testing.T) {
	root := dumptest.Root(t)
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	aarch64 := func(more ...string) []string { return append([]string{"--arch", "aarch64"}, more...) }
	for _, c := range []struct {
		name     string
		spoil    func(t *testing.T, dir string)
		args     []string // instead of aarch64 and the sysroot
		code     int
		sentence string // a part
		late     bool   // not found out by mounting
	}{
		{name: "no inventory", spoil: remove("inventory.img"), code: exitImage, sentence: ": inventory.img: the image is missing: this is no CRIU dump"},
		{name: "no process tree", spoil: remove("pstree.img"), code: exitImage, sentence: ": pstree.img: the image is missing"},
		{name: "no files", spoil: remove("files.img"), code: exitImage, sentence: ": files.img: the image is missing"},
		{name: "no core", spoil: remove(coreImage), code: exitImage, sentence: ": " + coreImage + ": the image is missing"},
		{name: "no mm", spoil: remove(mmImage), code: exitImage, sentence: ": " + mmImage + ": the image is missing"},
		{name: "no pagemap", spoil: remove(pagemapImage), code: exitImage, sentence: "process 61013 (counter): " + pagemapImage + ": the image is missing", late: true},
		{name: "no pages", spoil: remove("pages-1.img"), code: exitImage, sentence: "process 61013 (counter): pages-1.img: the image is missing", late: true},
		{
			name: "cut pages",
			spoil: func(t *testing.T, dir string) {
				if err := os.Truncate(filepath.Join(dir, "pages-1.img"), 100); err != nil {
					t.Fatal(err)
				}
			},
			code: exitImage, sentence: "process 61013 (counter): pages-1.img: 100 bytes, but " + pagemapImage + " tells of", late: true,
		},
		{
			name: "damaged core",
			spoil: func(t *testing.T, dir string) {
				if err := os.WriteFile(filepath.Join(dir, coreImage), []byte("not protobuf"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			code: exitImage, sentence: ": " + coreImage + ": byte 0: magic",
		},
		{name: "a thread between points", spoil: betweenPoints, code: exitUntranslated,
			sentence: "process 61013 (counter): " + coreImage + `: stopped at main+0x0, which is not an equivalence point: run "tpfs pause" before "criu dump"`, late: true},
		{name: "no pair", args: aarch64("--bin", "/nfs/bin/counter=/proc/self/exe"), code: exitUntranslated,
			sentence: "process 61013 (counter): no binary for aarch64 of the program /nfs/bin/counter was found (/proc/self/exe: not a program of a pair"},
		{name: "another pair", args: aarch64("--sysroot", dumptest.RootOfOtherPair(t)), code: exitUntranslated,
			sentence: "/nfs/bin/counter.aarch64 does not belong to the dumped program /nfs/bin/counter: the x86_64 half of its pair has the build id"},
		{name: "the dumped half again", args: aarch64("--sysroot", root, "--bin", "/nfs/bin/counter=/nfs/bin/counter"), code: exitUntranslated,
			sentence: "/nfs/bin/counter: a binary for x86_64)"},
		{name: "no binary", args: aarch64(), code: exitUntranslated, sentence: "name it with --bin /nfs/bin/counter=FILE, or its root directory with --sysroot"},
		{name: "its own architecture", args: []string{"--arch", "amd64", "--sysroot", root}, code: exitUntranslated,
			sentence: ": the dump is of x86_64 already: restore it as it is, or give the architecture of the other host with --arch"},
		{name: "no architecture", args: []string{"--arch", "vax", "--sysroot", root}, code: exitUsage,
			sentence: `unknown architecture "vax": use aarch64 (or arm64) or x86_64 (or x86-64, amd64)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fusetest.Require(t)
			dir := dumptest.Copy(t, dumptest.X86)
			if c.spoil != nil {
				c.spoil(t, dir)
			}
			args := c.args
			if args == nil {
				args = aarch64("--sysroot", root)
			}
			refused := func(what string, code int, stdout, stderr string) {
				t.Helper()
				if code != c.code || stdout != "" || !strings.Contains(stderr, c.sentence) {
					t.Errorf("%s: exit code %d, want %d and %q\n%s%s", what, code, c.code, c.sentence, stdout, stderr)
				}
				if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "tpfs: ") {
					t.Errorf("%s: not one line: %q", what, stderr)
				}
			}
			code, stdout, stderr := runHere(append(append([]string{"check"}, args...), dir)...)
			refused("check", code, stdout, stderr)
			sentence := strings.TrimSuffix(strings.TrimPrefix(stderr, "tpfs: "), "\n")
			checkJSON(t, append(append([]string{"check", "--json"}, args...), dir), c.code, sentence)

			out := filepath.Join(t.TempDir(), "out")
			code, stdout, stderr = runHere(append(append([]string{"convert"}, args...), dir, out)...)
			refused("convert", code, stdout, stderr)
			if _, err := os.Lstat(out); !errors.Is(err, iofs.ErrNotExist) {
				t.Errorf("convert left something behind: %v", err)
			}

			m := newRealMount(t, dir, args...)
			code, stdout, stderr = result(t, m.cmd)
			if !c.late {
				refused("mount", code, stdout, stderr)
				if isMounted(t, m.dst) {
					t.Error("it is mounted")
				}
				return
			}
			if code != 0 {
				t.Fatalf("mount: exit code %d\n%s", code, stderr)
			}
			// Nothing of the process is shown, and all else is.
			_, errs := m.contents(t)
			for name, err := range errs {
				process := slices.Contains([]string{coreImage, mmImage, pagemapImage, "pages-1.img"}, name)
				if process && !errors.Is(err, unix.EIO) || !process && !strings.HasPrefix(name, "parent/") && err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, p := range m.problems(t) {
				if p.Error != sentence && !strings.HasPrefix(p.Image, "parent/") {
					t.Errorf("errors.json says of %s: %q, want %q", p.Image, p.Error, sentence)
				}
			}
			if !slices.ContainsFunc(m.problems(t), func(p mountProblem) bool { return p.Image == coreImage }) {
				t.Errorf("errors.json says nothing of %s: %q", coreImage, m.problems(t))
			}
			m.umount(t)
			if log := m.readLog(t); strings.Count(log, sentence) != 1 {
				t.Errorf("the log should say %q once:\n%s", sentence, log)
			}
		})
	}
}

// checkJSON runs check --json of something that has one problem.
func checkJSON(t *testing.T, args []string, code int, problem string) {
	t.Helper()
	got, stdout, stderr := runHere(args...)
	if code == exitUsage {
		return // wrong arguments have no result
	}
	var r checkResult
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	if got != code || stderr != "" || !slices.Equal(r.Problems, []string{problem}) {
		t.Errorf("check --json: exit code %d, problems %q\n%s", got, r.Problems, stderr)
	}
}

// realMount is a mount of a dump, whose server is another process.
type realMount struct {
	cmd           *exec.Cmd
	src, dst, log string
}

func newRealMount(t *testing.T, src string, args ...string) *realMount {
	t.Helper()
	_, dst := dumpAndMountpoint(t)
	m := &realMount{src: src, dst: dst, log: filepath.Join(t.TempDir(), "log")}
	m.cmd = realTPFS(append(append([]string{"mount", "--log", m.log}, args...), src, dst)...)
	return m
}

func (m *realMount) mount(t *testing.T) {
	t.Helper()
	if code, _, stderr := result(t, m.cmd); code != 0 {
		t.Fatalf("mount: exit code %d\n%s", code, stderr)
	}
}

func (m *realMount) umount(t *testing.T) {
	t.Helper()
	if code, _, stderr := result(t, tpfs("umount", m.dst)); code != 0 {
		t.Fatalf("umount: exit code %d\n%s", code, stderr)
	}
}

func (m *realMount) readLog(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(m.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// contents are those of all files, or why they cannot be read.
func (m *realMount) contents(t *testing.T) (map[string][]byte, map[string]error) {
	t.Helper()
	contents, errs := map[string][]byte{}, map[string]error{}
	for _, sub := range []string{"", "parent/"} {
		list, err := os.ReadDir(filepath.Join(m.dst, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if !e.IsDir() {
				name := sub + e.Name()
				contents[name], errs[name] = os.ReadFile(filepath.Join(m.dst, name))
			}
		}
	}
	return contents, errs
}

type mountProblem struct{ Image, Error string }

func (m *realMount) problems(t *testing.T) []mountProblem {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(m.dst, ".tpfs/errors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []mountProblem
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return list
}

func TestNoDump(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, sentence := range map[string]string{
		"/etc":         "tpfs: /etc: inventory.img: the image is missing: this is no CRIU dump, or criu dump did not finish\n",
		"/nonexistent": "tpfs: /nonexistent: there is no such directory\n",
		file:           "tpfs: " + file + ": cannot be opened as a directory: not a directory\n",
	} {
		for _, args := range [][]string{{"check", dir}, {"show", dir}, {"convert", dir, "/nonexistent/out"}} {
			if code, stdout, stderr := runHere(args...); code != exitImage || stdout != "" || stderr != sentence {
				t.Errorf("%q: exit code %d\n%s%s", args, code, stdout, stderr)
			}
		}
	}
}

// TestChangedUnderMount changes an image below a mount, whose server is another
// process: what is made of it cannot be opened any longer, and what can be
// opened is what it was.
func TestChangedUnderMount(t *testing.T) {
	// Whatever is made of one of these depends on all of them.
	process := []string{coreImage, mmImage, pagemapImage, "pages-1.img"}
	inputs := append([]string{"pstree.img", "files.img"}, process...)
	for _, image := range append([]string{"fs-61013.img", "inventory.img"}, inputs...) {
		for what, change := range map[string]func(path string, content []byte) error{
			"replaced": func(path string, content []byte) error {
				st, err := os.Stat(path)
				if err == nil {
					err = os.WriteFile(path+".new", content, 0o600)
				}
				if err == nil {
					err = os.Chtimes(path+".new", st.ModTime(), st.ModTime())
				}
				if err == nil {
					err = os.Rename(path+".new", path)
				}
				return err
			},
			"rewritten in place": func(path string, content []byte) error {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = f.WriteAt([]byte{content[len(content)-1] + 1}, int64(len(content)-1))
				return err
			},
			"truncated": func(path string, content []byte) error { return os.Truncate(path, int64(len(content)-1)) },
			"removed":   func(path string, _ []byte) error { return os.Remove(path) },
		} {
			for _, first := range []string{"read first", "never read"} {
				t.Run(image+"/"+what+"/"+first, func(t *testing.T) {
					m := newRealMount(t, dumptest.Copy(t, dumptest.X86), "--arch", "aarch64", "--sysroot", dumptest.Root(t))
					m.mount(t)
					var before map[string][]byte
					var held *os.File
					if first == "read first" {
						var errs map[string]error
						before, errs = m.contents(t)
						for name, err := range errs {
							if err != nil {
								t.Errorf("before the change, %s: %v", name, err)
							}
						}
						var err error
						if held, err = os.Open(filepath.Join(m.dst, coreImage)); err != nil {
							t.Fatal(err)
						}
						defer held.Close()
					}

					path := filepath.Join(m.src, image)
					content, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if err := change(path, content); err != nil {
						t.Fatal(err)
					}

					stale := []string{image, "parent/" + image}
					if slices.Contains(inputs, image) {
						stale = append(stale, process...)
					}
					for range 2 { // the second time, the kernel knows the names
						m.expectStale(t, stale, before)
					}
					if held != nil {
						if b, err := io.ReadAll(held); err != nil || !bytes.Equal(b, before[coreImage]) {
							t.Errorf("reading on: %d bytes, %v", len(b), err)
						}
						held.Close()
					}
					want := image + " changed since the dump was opened: mount it again"
					if list := m.problems(t); !slices.ContainsFunc(list, func(p mountProblem) bool { return strings.HasPrefix(p.Error, want) }) {
						t.Errorf("errors.json says %q, not %q", list, want)
					}
					m.umount(t)
					if log := m.readLog(t); !strings.Contains(log, want) {
						t.Errorf("the log does not say %q:\n%s", want, log)
					}
				})
			}
		}
	}
}

// expectStale opens these files of a mount and all others: only these are stale,
// the others are what they were.
func (m *realMount) expectStale(t *testing.T, stale []string, before map[string][]byte) {
	t.Helper()
	contents, errs := m.contents(t)
	for _, name := range stale {
		// Removed, it is not listed any more.
		if _, listed := errs[name]; !listed {
			contents[name], errs[name] = os.ReadFile(filepath.Join(m.dst, name))
		}
	}
	for name, err := range errs {
		switch {
		case slices.Contains(stale, name):
			if !errors.Is(err, unix.ESTALE) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case before != nil && !bytes.Equal(contents[name], before[name]):
			t.Errorf("%s is not what it was", name)
		}
	}
}

// TestShow has one sort of thread in each dump; the JSON says what the text says.
func TestShow(t *testing.T) {
	root := dumptest.Root(t)
	between := dumptest.Copy(t, dumptest.X86)
	betweenPoints(t, between)
	noPages := dumptest.Copy(t, dumptest.X86)
	if err := os.Remove(filepath.Join(noPages, "pages-1.img")); err != nil {
		t.Fatal(err)
	}
	hostile := dumptest.Copy(t, dumptest.X86)
	dumptest.Change(t, hostile, coreImage, func(c *criu_core.CoreEntry) { c.Tc.Comm = proto.String("a\nb\x1b[2J") })
	const (
		process = "process 61013 (counter): /nfs/bin/counter, 884.0 KiB of memory, 36.0 KiB of it in this dump\n"
		stack   = "work < compute < step < measure < main\n"
		reason  = coreImage + `: stopped at main+0x0, which is not an equivalence point: run "tpfs pause" before "criu dump"`
	)
	for _, c := range []struct {
		name, dump string
		args       []string
		text       string // behind the first line
		thread     translate.ThreadReport
		problem    string // a part
	}{
		{
			"movable", dumptest.Golden(t, dumptest.X86), []string{"--sysroot", root},
			process + "  thread 61013: can be moved; parked\n    " + stack,
			translate.ThreadReport{TID: 61013, State: "parked", Movable: true, Stack: strings.Split(strings.TrimSpace(stack), " < ")}, "",
		},
		{
			"between points", between, []string{"--sysroot", root},
			process + "  thread 61013: cannot be moved: " + reason + "\n    main+0x0 < " + stack,
			translate.ThreadReport{TID: 61013, Reason: reason, Stack: strings.Split("main+0x0 < "+strings.TrimSpace(stack), " < ")}, "",
		},
		{
			"no program", dumptest.Golden(t, dumptest.X86), nil,
			process + "  cannot be moved: no binary for x86_64 or aarch64 of the program /nfs/bin/counter was found (/nfs/bin/counter: no such file; " +
				"/nfs/bin/counter.x86_64: no such file; /nfs/bin/counter_x86_64: no such file; " +
				"/nfs/bin/counter.aarch64: no such file; /nfs/bin/counter_aarch64: no such file): name it with --bin /nfs/bin/counter=FILE, " +
				"or its root directory with --sysroot\n  thread 61013: cannot be moved: its process cannot be moved\n    0x10024d5\n",
			translate.ThreadReport{TID: 61013, Reason: "its process cannot be moved", Stack: []string{"0x10024d5"}}, "no binary for",
		},
		{
			"no pages", noPages, []string{"--sysroot", root},
			strings.Replace(process, "36.0 KiB of it", "0 bytes of it", 1) + "  cannot be moved: pages-1.img: the image is missing from the dump\n" +
				"  thread 61013: cannot be moved: its process cannot be moved\n    the park stub+0x21\n",
			translate.ThreadReport{TID: 61013, Reason: "its process cannot be moved", Stack: []string{"the park stub+0x21"}}, "pages-1.img",
		},
		{
			"a name that is not for terminals", hostile, []string{"--sysroot", root},
			strings.Replace(process, "(counter)", "(a\ufffdb\ufffd[2J)", 1) + "  thread 61013: can be moved; parked\n    " + stack,
			translate.ThreadReport{TID: 61013, State: "parked", Movable: true, Stack: strings.Split(strings.TrimSpace(stack), " < ")}, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runHere(append(append([]string{"show"}, c.args...), c.dump)...)
			first, rest, _ := strings.Cut(stdout, "\n")
			if code != 0 || stderr != "" || !strings.HasPrefix(first, c.dump+": dumped on x86_64, ") || rest != c.text {
				t.Errorf("exit code %d\n%s\nwant\n%s\n%s", code, stdout, c.text, stderr)
			}
			code, stdout, stderr = runHere(append(append([]string{"show", "--json"}, c.args...), c.dump)...)
			var r translate.Report
			if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 || stderr != "" {
				t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
			}
			if r.Source != c.dump || r.Arch != "x86_64" || len(r.Tasks) != 1 || len(r.Tasks[0].Threads) != 1 {
				t.Fatalf("%+v", r)
			}
			task := r.Tasks[0]
			if task.PID != 61013 || task.Executable != "/nfs/bin/counter" || !strings.Contains(task.Problem, c.problem) || (task.Problem == "") != (c.problem == "") {
				t.Errorf("%+v", task)
			}
			if !reflect.DeepEqual(task.Threads[0], c.thread) {
				t.Errorf("%+v, want %+v", task.Threads[0], c.thread)
			}
		})
	}
}

// TestConvert writes the golden dumps for the other architecture; what is
// written can be shown, and converted back.
func TestConvert(t *testing.T) {
	root := dumptest.Root(t)
	for _, flat := range []string{"--flat=false", "--flat"} {
		t.Run(flat, func(t *testing.T) {
			out, back := filepath.Join(t.TempDir(), "out"), t.TempDir()
			src := dumptest.Golden(t, dumptest.X86)
			for _, step := range []struct{ arch, from, to, src, out string }{
				{"arm64", "x86_64", "aarch64", src, out}, {"amd64", "aarch64", "x86_64", out, back},
			} {
				code, stdout, stderr := runHere("convert", flat, "--arch", step.arch, "--sysroot", root, step.src, step.out)
				want := step.src + ": translated from " + step.from + " to " + step.to + " into " + step.out + ", "
				if code != 0 || stderr != "" || !strings.HasPrefix(stdout, want) {
					t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
				}
				if _, err := os.Stat(filepath.Join(step.out, "parent")); (err == nil) != (flat != "--flat") {
					t.Errorf("parent: %v", err)
				}
			}
			code, stdout, _ := runHere("show", "--sysroot", root, back)
			if code != 0 || !strings.Contains(stdout, "work < compute < step < measure < main") {
				t.Errorf("exit code %d\n%s", code, stdout)
			}
			// Nothing is overwritten.
			code, stdout, stderr := runHere("convert", "--arch", "arm64", "--sysroot", root, src, out)
			if code != exitError || stdout != "" || stderr != "tpfs: "+out+" is not empty: give a new directory\n" {
				t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// TestConvertToFullDisk: what is cut short is not taken for a dump.
func TestConvertToFullDisk(t *testing.T) {
	fusetest.Require(t)
	out := t.TempDir()
	if err := unix.Mount("none", out, "tmpfs", 0, "size=16k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(out, 0)
	code, stdout, stderr := runHere("convert", "--arch", "arm64", "--sysroot", dumptest.Root(t), dumptest.Golden(t, dumptest.X86), out)
	if code != exitError || stdout != "" || !strings.HasPrefix(stderr, "tpfs: "+out+" is incomplete, and good for nothing: ") || !strings.Contains(stderr, "no space left") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}
