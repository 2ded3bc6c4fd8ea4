package translate

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/dumptest"
	"github.com/tpfs/tpfs/translate/view"
)

// TestRefused has what must not be translated, each with a sentence that says
// why and where.
func TestRefused(t *testing.T) {
	const core, memory = "core-61013.img", "mm-61013.img"
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	onCore := func(f func(*criu_core.CoreEntry)) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) { dumptest.Change(t, dir, core, f) }
	}
	onMM := func(f func(*mm.MmEntry)) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) { dumptest.Change(t, dir, memory, f) }
	}
	remove := func(name string) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	onTree := func(f func(*pstree.PstreeEntry)) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) { dumptest.Change(t, dir, "pstree.img", f) }
	}
	for _, tt := range []struct {
		name   string
		spoil  func(t *testing.T, dir string, o *Options)
		wanted []string
	}{
		{"no inventory", remove("inventory.img"), []string{"inventory.img: the image is missing", "no CRIU dump"}},
		{"no process tree", remove("pstree.img"), []string{"pstree.img: the image is missing"}},
		{"no core", remove(core), []string{core + ": the image is missing"}},
		{"no memory map", remove(memory), []string{memory + ": the image is missing"}},
		{"no pages", remove("pages-1.img"), []string{"process 61013 (counter): pages-1.img: the image is missing"}},
		{"no pagemap", remove("pagemap-61013.img"), []string{"process 61013 (counter): pagemap-61013.img: the image is missing"}},
		{"no files", remove("files.img"), []string{"files.img: the image is missing"}},
		{"no leader", onTree(func(p *pstree.PstreeEntry) { p.Threads = []uint32{7} }), []string{"pstree.img", "process 61013 is not among its own threads"}},
		{"thread twice", onTree(func(p *pstree.PstreeEntry) { p.Threads = append(p.Threads, p.GetPid()) }), []string{"pstree.img", "thread 61013 is there twice"}},
		{"no executable", onMM(func(m *mm.MmEntry) { m.ExeFileId = proto.Uint32(99) }), []string{memory, "file 99", "files.img"}},
		{"same architecture", func(t *testing.T, dir string, o *Options) { o.Arch = elf.EM_X86_64 }, []string{"is of x86_64 already", "--arch"}},
		{"unknown architecture", func(t *testing.T, dir string, o *Options) { o.Arch = elf.EM_RISCV }, []string{"EM_RISCV", "not supported"}},
		{"no pair", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = dumptest.RootWith(t, "nfs/bin/counter.aarch64", self)
		}, []string{"/nfs/bin/counter", "not a program of a pair", "--bin"}},
		{"no binary", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = dumptest.RootWith(t, "nfs/bin/counter.aarch64", nil)
		}, []string{"no binary for aarch64", "/nfs/bin/counter", "--bin"}},
		{"binary of another pair", func(t *testing.T, dir string, o *Options) {
			o.Sysroot = dumptest.RootOfOtherPair(t)
		}, []string{"files.img", "/nfs/bin/counter.aarch64 does not belong to the dumped program /nfs/bin/counter", "build id"}},
		{"binary of another pair, by its size", func(t *testing.T, dir string, o *Options) {
			dumptest.Change(t, dir, "files.img", func(f *fdinfo.FileEntry) {
				if f.GetReg().GetName() == "/nfs/bin/counter" {
					f.Reg.BuildId, f.Reg.Size = nil, proto.Uint64(f.Reg.GetSize()-1)
				}
			})
		}, []string{"files.img", "does not belong to the dumped program", "bytes"}},
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
			dumptest.Change(t, dir, memory, func(m *mm.MmEntry) { m.MmBrk = proto.Uint64(1 << 40) })
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
			dir := dumptest.Copy(t, dumptest.X86)
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
			if text := err.Error(); strings.Contains(text, "\n") {
				t.Errorf("more than one sentence: %s", text)
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
			dir := dumptest.Copy(t, dumptest.X86)
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

// TestChangedBelow changes the parent of an incremental dump, on which what is
// shown of a process depends too.
func TestChangedBelow(t *testing.T) {
	for what, change := range map[string]func(parent string) error{
		"pages":         func(p string) error { return os.Chtimes(filepath.Join(p, "pages-1.img"), time.Time{}, time.Unix(1, 0)) },
		"pagemap":       func(p string) error { return os.Remove(filepath.Join(p, "pagemap-61013.img")) },
		"no parent":     os.RemoveAll,
		"not a dump":    func(p string) error { return errors.Join(os.RemoveAll(p), os.WriteFile(p, nil, 0o600)) },
		"another place": func(p string) error { return errors.Join(os.Rename(p, p+".old"), os.CopyFS(p, os.DirFS(p+".old"))) },
	} {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, looked up before: %v", what, first), func(t *testing.T) {
				source, err := Open(Options{Source: dumptest.Golden(t, dumptest.X86), Arch: elf.EM_AARCH64, Sysroot: goldenRoot})
				if err != nil {
					t.Fatal(err)
				}
				dir := filepath.Join(t.TempDir(), "incremental")
				write(t, source.Root(), dir)
				source.Close()

				v, err := Open(Options{Source: dir, Arch: elf.EM_X86_64, Sysroot: goldenRoot})
				if err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				var e view.Entry
				if first {
					if e, err = v.Root().Lookup("core-61013.img"); err != nil {
						t.Fatal(err)
					}
				}
				if err := change(filepath.Join(dir, "parent")); err != nil {
					t.Fatal(err)
				}
				if first {
					_, err = e.File.Open()
				} else {
					_, err = v.Root().Lookup("core-61013.img")
				}
				if !errors.Is(err, syscall.ESTALE) {
					t.Errorf("not stale: %v", err)
				}
			})
		}
	}
}
