package translate

import (
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/criuimg"
)

// change rewrites the only entry of an image of a copied dump.
func change[M proto.Message](t *testing.T, dir, name string, f func(M)) {
	t.Helper()
	d, err := criuimg.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	img, err := d.ReadImage(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := criuimg.As[M](img.Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	f(m)
	img.Entries[0].SetMessage(m)
	b, err := img.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// root is a copy of the guests' root directory, with the named file replaced.
func rootWith(t *testing.T, name string, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(goldenRoot)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if content == nil {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	} else if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRefused has what must not be translated, each with a sentence that says
// why and where.
func TestRefused(t *testing.T) {
	const core, memory = "core-61013.img", "mm-61013.img"
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	onCore := func(f func(*criu_core.CoreEntry)) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) { change(t, dir, core, f) }
	}
	onMM := func(f func(*mm.MmEntry)) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) { change(t, dir, memory, f) }
	}
	remove := func(name string) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		spoil  func(t *testing.T, dir string, o *Options)
		wanted []string
	}{
		{"no inventory", remove("inventory.img"), []string{"inventory.img", "missing"}},
		{"no process tree", remove("pstree.img"), []string{"pstree.img", "missing"}},
		{"no core", remove(core), []string{core}},
		{"no memory map", remove(memory), []string{memory}},
		{"no pages", remove("pages-1.img"), []string{"pages-1.img"}},
		{"no pagemap", remove("pagemap-61013.img"), []string{"pagemap-61013.img"}},
		{"no files", remove("files.img"), []string{"files.img", "missing"}},
		{"same architecture", func(t *testing.T, dir string, o *Options) { o.Arch = elf.EM_X86_64 }, []string{"is of x86_64 already", "--arch"}},
		{"unknown architecture", func(t *testing.T, dir string, o *Options) { o.Arch = elf.EM_RISCV }, []string{"EM_RISCV", "not supported"}},
		{"no pair", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = rootWith(t, "nfs/bin/counter.aarch64", self)
		}, []string{"/nfs/bin/counter", "not a program of a pair", "--bin"}},
		{"no binary", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = rootWith(t, "nfs/bin/counter.aarch64", nil)
		}, []string{"no binary for aarch64", "/nfs/bin/counter", "--bin"}},
		{"binary of the wrong architecture", func(t *testing.T, dir string, o *Options) {
			o.Binaries = map[string]string{"/nfs/bin/counter": "/nfs/bin/counter"}
		}, []string{"/nfs/bin/counter: a binary for x86_64"}},
		{"between points", onCore(func(c *criu_core.CoreEntry) {
			c.ThreadInfo.Gpregs.Ip = proto.Uint64(0x1000200)
		}), []string{core, "equivalence point", "tpfs pause"}},
		{"stack pointer outside the stack", onCore(func(c *criu_core.CoreEntry) {
			c.ThreadInfo.Gpregs.Bp = proto.Uint64(0x10)
		}), []string{core}},
		{"thread pointer nowhere", onCore(func(c *criu_core.CoreEntry) {
			c.ThreadInfo.Gpregs.FsBase = proto.Uint64(0x7000)
		}), []string{core, "0x7000"}},
		{"seccomp", onCore(func(c *criu_core.CoreEntry) {
			c.ThreadCore.SeccompMode = criu_core.SeccompMode_filter.Enum()
		}), []string{core, "seccomp"}},
		{"32-bit personality", onCore(func(c *criu_core.CoreEntry) {
			c.Tc.Personality = proto.Uint32(8)
		}), []string{core, "personality"}},
		{"foreign restorer", onCore(func(c *criu_core.CoreEntry) {
			c.Tc.Sigactions[8].Restorer = proto.Uint64(0x1234)
		}), []string{core, "signal 10", "0x1234"}},
		{"foreign code", onMM(func(m *mm.MmEntry) {
			m.Vmas[len(m.Vmas)-4].Prot = proto.Uint32(5)
			m.Vmas[len(m.Vmas)-4].Status = proto.Uint32(0x201)
		}), []string{memory, "code for x86_64"}},
		{"beyond the address space", func(t *testing.T, dir string, o *Options) {
			change(t, dir, memory, func(m *mm.MmEntry) { m.MmBrk = proto.Uint64(1 << 40) })
			o.AddressBits = 39
		}, []string{memory, "heap", "0x10000000000", "low layout"}},
		{"page size", onMM(func(m *mm.MmEntry) {
			for i := 0; i < len(m.MmSavedAuxv); i += 2 {
				if m.MmSavedAuxv[i] == atPagesz {
					m.MmSavedAuxv[i+1] = 65536
				}
			}
		}), []string{memory, "65536"}},
		{"plugin's image", func(t *testing.T, dir string, _ *Options) {
			if err := os.WriteFile(filepath.Join(dir, "amdgpu-kfd-1.img"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"amdgpu-kfd-1.img", "plugin"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := copyDump(t, "x86_64-parked")
			o := Options{Source: dir, Arch: elf.EM_AARCH64, Sysroot: goldenRoot}
			tt.spoil(t, dir, &o)
			v, err := Open(o)
			if err == nil {
				err = v.Check()
				v.Close()
			}
			if err == nil {
				t.Fatal("it was translated")
			}
			for _, w := range tt.wanted {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error lacks %q: %v", w, err)
				}
			}
		})
	}
}

// TestChanged opens a view and changes the dump below it.
func TestChanged(t *testing.T) {
	for _, name := range []string{"core-61013.img", "pages-1.img", "files.img", "fs-61013.img"} {
		t.Run(name, func(t *testing.T) {
			dir := copyDump(t, "x86_64-parked")
			v, err := Open(Options{Source: dir, Arch: elf.EM_AARCH64, Sysroot: goldenRoot})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			e, err := v.Root().Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			h, err := e.File.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(dir, name), later, later); err != nil {
				t.Fatal(err)
			}
			if _, err := e.File.Open(); !errors.Is(err, syscall.ESTALE) || !strings.Contains(err.Error(), name) {
				t.Errorf("opened anew: %v", err)
			}
			if _, err := v.Root().Lookup(name); name != "files.img" && !errors.Is(err, syscall.ESTALE) {
				t.Errorf("looked up anew: %v", err)
			}
			// Who has it open goes on.
			if _, err := h.ReadAt(make([]byte, 8), 0); err != nil && err != io.EOF {
				t.Errorf("reading on: %v", err)
			}
		})
	}
}
