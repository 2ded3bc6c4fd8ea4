package translate

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/translate/dumptest"
	"github.com/tpfs/tpfs/translate/view"
)

// fuzzDump is a dump of symbolic links to images, one of which is replaced for a
// moment.
type fuzzDump struct {
	dir    string
	to     Options
	images []string          // paths below dir
	bytes  map[string][]byte // their contents
}

// fuzzDumps are the golden dumps, and each of them translated, which makes an
// incremental dump.
func fuzzDumps(f *testing.F) []*fuzzDump {
	var dumps []*fuzzDump
	for _, g := range golden {
		o := Options{Source: dumptest.Golden(f, g.name), Arch: g.to, Sysroot: goldenRoot}
		dumps = append(dumps, newFuzzDump(f, o))
		v, err := Open(o)
		if err != nil {
			f.Fatal(err)
		}
		o.Source, o.Arch = filepath.Join(f.TempDir(), "incremental"), v.dump.isa.Machine()
		write(f, v.Root(), o.Source)
		v.Close()
		dumps = append(dumps, newFuzzDump(f, o))
	}
	return dumps
}

func newFuzzDump(f *testing.F, o Options) *fuzzDump {
	d := &fuzzDump{dir: filepath.Join(f.TempDir(), "dump"), to: o, bytes: map[string][]byte{}}
	source, err := filepath.Abs(o.Source)
	if err != nil {
		f.Fatal(err)
	}
	d.to.Source = d.dir
	err = filepath.WalkDir(source, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(source, path)
		if e.IsDir() {
			return os.Mkdir(filepath.Join(d.dir, name), 0o700)
		}
		d.images = append(d.images, name)
		if d.bytes[name], err = os.ReadFile(path); err != nil {
			return err
		}
		return os.Symlink(path, filepath.Join(d.dir, name))
	})
	if err != nil {
		f.Fatal(err)
	}
	return d
}

// with calls do while an image has another content.
func (d *fuzzDump) with(t *testing.T, image string, content []byte, do func()) {
	path := filepath.Join(d.dir, image)
	original, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(original, path); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}

// splice replaces cut bytes of an image by others. If fit is set, the length of
// the entry that they belong to is made to fit.
func splice(name string, image []byte, offset, cut int, insert []byte, fit bool) []byte {
	replace := func(b []byte) []byte {
		at := min(offset, len(b))
		return slices.Concat(b[:at], insert, b[min(at+cut, len(b)):])
	}
	img, err := criuimg.Read(filepath.Base(name), strings.NewReader(string(image)), int64(len(image)))
	if err != nil || !fit {
		return replace(image)
	}
	for _, e := range img.Entries {
		start, raw := int(e.Offset)+4, e.Raw()
		if offset < start+len(raw) {
			offset = max(0, offset-start)
			raw = replace(raw)
			out := slices.Concat(image[:start], raw, image[start+len(e.Raw()):])
			for i := range 4 {
				out[start-4+i] = byte(len(raw) >> (8 * i))
			}
			return out
		}
	}
	return replace(image)
}

// fuzzMemory bounds in bytes what a translation may allocate in all: the pages
// that it may change, and as much again for everything else.
const fuzzMemory = 2 * maxChanged * pageSize

// FuzzView changes an image of a real dump, and looks at everything that is
// shown of it. Whatever was found to be good can be read to its end.
func FuzzView(f *testing.F) {
	dumps := fuzzDumps(f)
	for i, d := range dumps {
		for j := range d.images {
			f.Add(uint8(i), uint8(j), uint16(0), uint8(0), []byte(nil), i%2 == 0, false)
			f.Add(uint8(i), uint8(j), uint16(12), uint8(4), []byte{0xff, 0xff, 0xff, 0x7f}, false, true)
		}
	}
	f.Fuzz(func(t *testing.T, dump, image uint8, offset uint16, cut uint8, insert []byte, flat, fit bool) {
		d := dumps[int(dump)%len(dumps)]
		name := d.images[int(image)%len(d.images)]
		content := splice(name, d.bytes[name], int(offset), int(cut), insert, fit)
		o := d.to
		o.Flat = flat
		d.with(t, name, content, func() {
			hangs := time.AfterFunc(time.Minute, func() { panic("it goes on for ever") })
			defer hangs.Stop()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			fuzzOpen(t, o)
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > fuzzMemory {
				t.Errorf("%d bytes were allocated", after.TotalAlloc-before.TotalAlloc)
			}
		})
	})
}

func fuzzOpen(t *testing.T, o Options) {
	if _, err := Inspect(o); err != nil {
		checkSentence(t, err)
	}
	v, err := Open(o)
	if err != nil {
		checkSentence(t, err)
		return
	}
	defer v.Close()
	problem := v.Check()
	if problem != nil {
		checkSentence(t, problem)
	}
	fuzzRead(t, v.Root(), problem == nil)
}

// checkSentence wants at least a word of where the trouble is.
func checkSentence(t *testing.T, err error) {
	for line := range strings.Lines(err.Error()) {
		if !strings.Contains(line, ".img") && !strings.Contains(line, "the program ") && !strings.Contains(line, "/parent") &&
			!strings.Contains(line, "the dump is of ") {
			t.Errorf("the error does not tell where: %s", line)
		}
	}
}

func fuzzRead(t *testing.T, dir view.Dir, good bool) {
	names, err := dir.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		e, err := dir.Lookup(n.Name)
		if err == nil && e.Dir != nil {
			fuzzRead(t, e.Dir, false) // of the parents, only what is needed is checked
			continue
		}
		var h view.Handle
		if err == nil {
			h, err = e.File.Open()
		}
		if err != nil {
			if good {
				t.Errorf("%s: %v, but the dump was found to be good", n.Name, err)
			}
			continue
		}
		size, err := io.Copy(io.Discard, io.NewSectionReader(h, 0, e.File.Size()))
		if good && (err != nil || size != e.File.Size()) {
			t.Errorf("%s: %d of %d bytes can be read: %v", n.Name, size, e.File.Size(), err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
	}
}
