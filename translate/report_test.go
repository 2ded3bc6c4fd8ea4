package translate

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/translate/dumptest"
	"github.com/tpfs/tpfs/translate/isa"
)

// TestInspect looks at a dump whose only thread is parked in "work", called by
// "compute" and so on, and at what becomes of it.
func TestInspect(t *testing.T) {
	const core = "core-61013.img"
	exe, err := (&Options{Sysroot: goldenRoot}).find("/nfs/bin/counter", elf.EM_X86_64)
	if err != nil {
		t.Fatal(err)
	}
	inFunction := func(name string) uint64 {
		for _, f := range exe.Functions {
			if f.Name == name {
				return f.Addr + 1
			}
		}
		t.Fatalf("there is no function %s", name)
		return 0
	}
	callers := []string{"work", "compute", "step", "measure", "main"}
	stopAt := func(pc uint64) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) {
			dumptest.Change(t, dir, core, func(c *criu_core.CoreEntry) { c.ThreadInfo.Gpregs.Ip = proto.Uint64(pc) })
		}
	}
	for _, tt := range []struct {
		name    string
		spoil   func(t *testing.T, dir string, o *Options)
		problem string // of the process: a part; nothing if empty
		reason  string // of the thread: a part; it is movable if empty
		place   string // the beginning of the first line of the stack, if it is not a function
		callers []string
	}{
		{"nothing", func(*testing.T, string, *Options) {}, "", "", "", callers},
		{"between points", stopAt(inFunction("step")), "", core + ": stopped at step+0x1, which is not an equivalence point", "step+0x1", callers},
		{"outside of the program", stopAt(0x7000), "", core + ": stopped at 0x7000", "0x7000", callers},
		{"not in the pair's memory", func(t *testing.T, dir string, o *Options) {
			dumptest.Change(t, dir, core, func(c *criu_core.CoreEntry) { c.ThreadInfo.Gpregs.Bp = proto.Uint64(0x10) })
		}, "", core, "the park stub", nil},
		{"seccomp", func(t *testing.T, dir string, o *Options) {
			dumptest.Change(t, dir, core, func(c *criu_core.CoreEntry) { c.ThreadCore.SeccompMode = criu_core.SeccompMode_filter.Enum() })
		}, "", core + ": the thread has a seccomp filter", "", callers},
		{"a frame that no call made", func(t *testing.T, dir string, o *Options) {
			patchFrame(t, dir, 2)
		}, "", core + ": frame 2: ", "the park stub", callers[:2]},
		{"no program", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = t.TempDir()
		}, "no binary for x86_64 or aarch64 of the program /nfs/bin/counter", "its process", "0x", nil},
		{"only the other half", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = dumptest.RootWith(t, "nfs/bin/counter", nil)
		}, "", "", "", callers},
		{"no pages", func(t *testing.T, dir string, o *Options) {
			if err := os.Remove(filepath.Join(dir, "pages-1.img")); err != nil {
				t.Fatal(err)
			}
		}, "pages-1.img: the image is missing", "its process", "the park stub", nil},
		{"no registers", func(t *testing.T, dir string, o *Options) {
			dumptest.Change(t, dir, core, func(c *criu_core.CoreEntry) { c.ThreadInfo = nil })
		}, "", core + ": x86_64 registers", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := dumptest.Copy(t, dumptest.X86)
			o := Options{Source: dir, Sysroot: goldenRoot}
			tt.spoil(t, dir, &o)
			r, err := Inspect(o)
			if err != nil {
				t.Fatal(err)
			}
			task := r.Tasks[0]
			if !strings.Contains(task.Problem, tt.problem) || (task.Problem == "") != (tt.problem == "") {
				t.Errorf("the problem of the process is %q, want %q", task.Problem, tt.problem)
			}
			th := task.Threads[0]
			if !strings.Contains(th.Reason, tt.reason) || (th.Reason == "") != (tt.reason == "") || th.Movable != (tt.reason == "") {
				t.Errorf("movable %v, the reason is %q, want %q", th.Movable, th.Reason, tt.reason)
			}
			if r.Movable() != th.Movable {
				t.Errorf("movable: %v, but its only thread %v", r.Movable(), th.Movable)
			}
			stack := th.Stack
			if tt.place != "" {
				if len(stack) == 0 || !strings.HasPrefix(stack[0], tt.place) {
					t.Fatalf("the stack %q does not begin with %q", stack, tt.place)
				}
				stack = stack[1:]
			}
			if !slices.Equal(stack, tt.callers) {
				t.Errorf("the stack is %q, want %q behind the place", stack, tt.callers)
			}
		})
	}
}

// patchFrame breaks the return address of frame n of the golden dump's thread,
// so that it leads nowhere.
func patchFrame(t *testing.T, dir string, n int) {
	t.Helper()
	st, _, store := unwound(t, dir)
	inner := st.Frames[n-1]
	writeWord(t, dir, store, inner.CFA+uint64(inner.Site.RA), 0x5000)
}

// unwound is the stack of the only thread of a golden dump, with its registers
// and its memory.
func unwound(t *testing.T, dir string) (*pair.Stack, isa.Thread, *criuimg.PageStore) {
	t.Helper()
	d, err := openDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	core, err := criuimg.One[*criu_core.CoreEntry](d.Dir, coreName(d.tasks[0].pid))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := (&Options{Sysroot: goldenRoot}).find(d.tasks[0].exe, d.isa.Machine())
	if err != nil {
		t.Fatal(err)
	}
	bin, _ := exe.Binary(d.isa.Machine())
	state, err := d.isa.ReadThread(core)
	if err != nil {
		t.Fatal(err)
	}
	store, err := criuimg.OpenPages(d.Dir, criuimg.Task, uint64(d.tasks[0].pid))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(); d.Close() })
	st, err := bin.Unwind(registers(state), store)
	if err != nil {
		t.Fatal(err)
	}
	return st, state, store
}

// wordAt is the position in its pages image of an address of a dump without parents.
func wordAt(t *testing.T, store *criuimg.PageStore, addr uint64) int64 {
	t.Helper()
	offset := uint64(0)
	for _, e := range store.Extents() {
		if addr >= e.Addr && addr < e.End() {
			return int64(offset + addr - e.Addr)
		}
		offset += e.Pages * pageSize
	}
	t.Fatalf("the dump has no page at %#x", addr)
	return 0
}

// writeWord changes a word of the memory of a dump without parents.
func writeWord(t *testing.T, dir string, store *criuimg.PageStore, addr, word uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, pagesName(store.PagesID())), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, word), wordAt(t, store, addr)); err != nil {
		t.Fatal(err)
	}
}

// TestCallName: above the number there are flags of the stub, which are not
// part of the name.
func TestCallName(t *testing.T) {
	for n, want := range map[uint64]string{
		63:            "read",
		1<<32 | 101:   "nanosleep",
		0x30700000016: "epoll_pwait",
		4000:          "system call 4000",
		1<<40 | 4000:  "system call 4000",
	} {
		if got := callName(n); got != want {
			t.Errorf("%#x: %q, want %q", n, got, want)
		}
	}
}
