package translate

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/translate/dumptest"
	"github.com/tpfs/tpfs/translate/view"
)

// golden are the dumps of testdata, and where each can go.
var golden = []struct {
	name string
	to   elf.Machine
}{
	{dumptest.X86, elf.EM_AARCH64},
	{dumptest.ARM, elf.EM_X86_64},
}

const goldenRoot = "../testdata/root"

// write puts a view on disk.
func write(t testing.TB, d view.Dir, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := d.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		e, err := d.Lookup(n.Name)
		if err != nil {
			t.Fatal(err)
		}
		if e.Dir != nil {
			write(t, e.Dir, filepath.Join(dir, n.Name))
			continue
		}
		h, err := e.File.Open()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, e.File.Size())
		if n, err := h.ReadAt(b, 0); n != len(b) {
			t.Fatal(err)
		}
		h.Close()
		if err := os.WriteFile(filepath.Join(dir, n.Name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func stacks(r *Report) (out [][]string) {
	for _, t := range r.Tasks {
		for _, th := range t.Threads {
			out = append(out, th.Stack)
		}
	}
	return out
}

// TestThereAndBack translates each golden dump, layered and flat, then the
// result back: the program stands where it stood, and its memory is what it was
// but for the native stack and the pause word.
func TestThereAndBack(t *testing.T) {
	for _, g := range golden {
		for _, flat := range []bool{false, true} {
			name := g.name + map[bool]string{false: " layered", true: " flat"}[flat]
			t.Run(name, func(t *testing.T) {
				source := dumptest.Golden(t, g.name)
				before, err := Inspect(Options{Source: source, Sysroot: goldenRoot})
				if err != nil {
					t.Fatal(err)
				}
				dir, arch := source, g.to
				for range 2 {
					v, err := Open(Options{Source: dir, Arch: arch, Sysroot: goldenRoot, Flat: flat})
					if err != nil {
						t.Fatal(err)
					}
					if err := v.Check(); err != nil {
						t.Fatal(err)
					}
					dir = filepath.Join(t.TempDir(), "out")
					write(t, v.Root(), dir)
					v.Close()
					after, err := Inspect(Options{Source: dir, Sysroot: goldenRoot})
					if err != nil {
						t.Fatal(err)
					}
					if !after.Movable() || after.Arch != ArchName(arch) {
						t.Fatalf("translated to %s: %+v", ArchName(arch), after)
					}
					if !reflect.DeepEqual(stacks(after), stacks(before)) {
						t.Errorf("stacks %v, were %v", stacks(after), stacks(before))
					}
					if arch == elf.EM_AARCH64 {
						arch = elf.EM_X86_64
					} else {
						arch = elf.EM_AARCH64
					}
				}
				compareMemory(t, source, dir)
			})
		}
	}
}

// compareMemory compares the pages of two dumps of the example.
func compareMemory(t *testing.T, a, b string) {
	t.Helper()
	stores := [2]*criuimg.PageStore{}
	for i, path := range []string{a, b} {
		d, err := openDump(path)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if stores[i], err = criuimg.OpenPages(d.Dir, criuimg.Task, uint64(d.tasks[0].pid)); err != nil {
			t.Fatal(err)
		}
		defer stores[i].Close()
	}
	exe, err := (&Options{Sysroot: goldenRoot}).find("/nfs/bin/counter", elf.EM_X86_64)
	if err != nil {
		t.Fatal(err)
	}
	bin, _ := exe.Binary(elf.EM_X86_64)
	var low, high uint64
	pages := 0
	for _, e := range stores[1].Extents() {
		for addr := e.Addr; addr < e.End(); addr += pageSize {
			var was, is [pageSize]byte
			if _, err := stores[1].ReadAt(is[:], int64(addr)); err != nil {
				t.Fatal(err)
			}
			if _, err := stores[0].ReadAt(was[:], int64(addr)); err != nil {
				continue // a page of the stack that only one side needs
			}
			pages++
			if pause := bin.Points.PauseWord; pause-addr < pageSize {
				binary.LittleEndian.PutUint32(was[pause-addr:], 0)
			}
			if was != is {
				if low == 0 {
					low = addr
				}
				high = addr + pageSize
			}
		}
	}
	if pages < 4 {
		t.Errorf("only %d pages to compare", pages)
	}
	// The native stack in use is some hundred bytes.
	if high-low > 2*pageSize {
		t.Errorf("the memory differs from %#x to %#x, which is more than the native stack", low, high)
	}
}

// TestDamaged cuts every image of the golden dumps at each entry, and spoils
// each length: tpfs check names the image.
func TestDamaged(t *testing.T) {
	for _, g := range golden {
		names, err := os.ReadDir(dumptest.Golden(t, g.name))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			name := n.Name()
			if !strings.HasSuffix(name, ".img") {
				continue
			}
			whole, err := os.ReadFile(filepath.Join(dumptest.Golden(t, g.name), name))
			if err != nil {
				t.Fatal(err)
			}
			damaged := map[string][]byte{"empty": nil, "without its last byte": whole[:len(whole)-1]}
			if kind, _ := criuimg.KindOf(name); kind.Container != criuimg.Raw {
				img, err := criuimg.Read(name, strings.NewReader(string(whole)), int64(len(whole)))
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range img.Entries {
					at := e.Offset
					damaged["cut at entry"] = whole[:at]
					damaged["cut in entry"] = whole[:at+5]
					for what, length := range map[string]uint32{
						"too long": uint32(len(e.Raw()) + 1), "huge": 1<<32 - 1, "too short": uint32(len(e.Raw()) - 1), "zero": 0,
					} {
						b := slices.Clone(whole)
						binary.LittleEndian.PutUint32(b[at:], length)
						damaged["length "+what] = b
					}
					for what, b := range damaged {
						checkDamaged(t, g.name, g.to, name, what, b)
					}
				}
			} else {
				for what, b := range damaged {
					checkDamaged(t, g.name, g.to, name, what, b)
				}
			}
		}
	}
}

func checkDamaged(t *testing.T, dump string, to elf.Machine, name, what string, content []byte) {
	t.Helper()
	dir := dumptest.Copy(t, dump)
	if whole, err := os.ReadFile(filepath.Join(dir, name)); err != nil || bytes.Equal(whole, content) {
		return // the length of an empty message is zero
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := Open(Options{Source: dir, Arch: to, Sysroot: goldenRoot})
	if err == nil {
		err = v.Check()
		v.Close()
	}
	if err == nil {
		// A process with one descriptor less, whose file it has another one
		// of, is as good as any.
		if !strings.HasPrefix(name, "fdinfo-") {
			t.Errorf("%s: %s %s: not noticed", dump, name, what)
		}
	} else if !strings.Contains(err.Error(), name) {
		t.Errorf("%s: %s %s: the error does not name the image: %v", dump, name, what, err)
	}
}
