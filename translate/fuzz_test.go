package translate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

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

func newFuzzDump(t testing.TB, o Options) *fuzzDump {
	d := &fuzzDump{dir: filepath.Join(t.TempDir(), "dump"), to: o, bytes: map[string][]byte{}}
	source, err := filepath.Abs(o.Source)
	if err != nil {
		t.Fatal(err)
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
		t.Fatal(err)
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

// TestExtremes gives each field in each image of the golden dumps values that
// nobody expects there, and takes it away.
func TestExtremes(t *testing.T) {
	for _, g := range golden {
		d := newFuzzDump(t, Options{Source: dumptest.Golden(t, g.name), Arch: g.to, Sysroot: goldenRoot})
		for _, name := range d.images {
			if kind, _ := criuimg.KindOf(name); !kind.Known() || !shown(name) {
				continue
			}
			read := func(entry int) (*criuimg.Image, protoreflect.Message) {
				img, err := criuimg.Read(name, bytes.NewReader(d.bytes[name]), int64(len(d.bytes[name])))
				if err != nil {
					t.Fatal(err)
				}
				m, err := img.Entries[entry].Message()
				if err != nil {
					t.Fatal(err)
				}
				return img, m.ProtoReflect()
			}
			img, _ := read(0)
			for entry := range img.Entries {
				_, whole := read(entry)
				for _, p := range placesIn(whole, nil) {
					for _, v := range p.extremes(whole) {
						img, m := read(entry)
						p.set(m, v)
						img.Entries[entry].SetMessage(m.Interface())
						b, err := img.Bytes()
						if err != nil {
							t.Fatal(err)
						}
						what := fmt.Sprintf("%s/%s/%d/%v=%v", g.name, name, entry, p, v)
						t.Run(what, func(t *testing.T) {
							d.with(t, name, b, func() { fuzzOpen(t, d.to) })
						})
					}
				}
			}
		}
	}
}

// place is a field of a message, of one within it, and so on; of a list, the
// element of that number, or the whole list if that is negative.
type place []step

type step struct {
	field protoreflect.FieldDescriptor
	index int
}

func (p place) String() string {
	var names []string
	for _, s := range p {
		names = append(names, string(s.field.Name()))
		if s.field.IsList() && s.index >= 0 {
			names = append(names, fmt.Sprint(s.index))
		}
	}
	return strings.Join(names, ".")
}

// placesIn lists the fields that a message has; of lists, the first and the last
// element.
func placesIn(m protoreflect.Message, above place) []place {
	var all []place
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := func(index int) place { return append(slices.Clone(above), step{fd, index}) }
		all = append(all, at(-1))
		switch {
		case fd.IsList():
			list := v.List()
			for _, i := range slices.Compact([]int{0, list.Len() - 1}) {
				if fd.Message() != nil {
					all = append(all, placesIn(list.Get(i).Message(), at(i))...)
				} else {
					all = append(all, at(i))
				}
			}
		case fd.Message() != nil:
			all = append(all, placesIn(v.Message(), at(-1))...)
		}
		return true
	})
	return all
}

// parent is the message that has the place.
func (p place) parent(m protoreflect.Message) protoreflect.Message {
	for _, s := range p[:len(p)-1] {
		if s.field.IsList() {
			m = m.Mutable(s.field).List().Get(s.index).Message()
		} else {
			m = m.Mutable(s.field).Message()
		}
	}
	return m
}

// set puts a value in the place; an invalid one takes the field away.
func (p place) set(m protoreflect.Message, v protoreflect.Value) {
	m = p.parent(m)
	switch last := p[len(p)-1]; {
	case !v.IsValid():
		m.Clear(last.field)
	case last.field.IsList():
		m.Mutable(last.field).List().Set(last.index, v)
	default:
		m.Set(last.field, v)
	}
}

// extremes are the values for a place.
func (p place) extremes(m protoreflect.Message) []protoreflect.Value {
	last := p[len(p)-1]
	was := p.parent(m).Get(last.field)
	none := protoreflect.Value{}
	if last.field.IsList() {
		if last.index < 0 {
			return []protoreflect.Value{none}
		}
		was = was.List().Get(last.index)
	}
	values := []protoreflect.Value{none}
	if last.field.IsList() {
		values = nil // the list was taken away as a whole
	}
	add := func(vs ...any) {
		for _, v := range vs {
			values = append(values, protoreflect.ValueOf(v))
		}
	}
	switch v := was.Interface().(type) {
	case uint64:
		add(uint64(0), v+8, v-8, uint64(1<<47), ^uint64(0))
	case uint32:
		add(uint32(0), v+1, ^uint32(0))
	case int64:
		add(int64(0), int64(math.MinInt64), int64(math.MaxInt64))
	case int32:
		add(int32(0), int32(math.MinInt32), int32(math.MaxInt32))
	case bool:
		add(!v)
	case protoreflect.EnumNumber:
		add(v+1, protoreflect.EnumNumber(math.MaxInt32))
	case string:
		add("", v+"/../x", "\x00\n\x1b")
	case []byte:
		add([]byte{}, append(slices.Clone(v), 0))
	}
	return values
}

// TestExtremeStacks gives the words of the golden threads' stacks, and those of
// their descriptors, values that nobody expects there.
func TestExtremeStacks(t *testing.T) {
	for _, g := range golden {
		st, state, store := unwound(t, dumptest.Golden(t, g.name))
		d := newFuzzDump(t, Options{Source: dumptest.Golden(t, g.name), Arch: g.to, Sysroot: goldenRoot})
		pages := pagesName(store.PagesID())
		var addrs []uint64
		for a := st.Low - 8*10; a < st.RootCFA+16; a += 8 { // with the system-call stub's words
			addrs = append(addrs, a)
		}
		for a := state.TP; a < state.TP+64; a += 8 {
			addrs = append(addrs, a)
		}
		for _, a := range addrs {
			at := wordAt(t, store, a)
			was := binary.LittleEndian.Uint64(d.bytes[pages][at:])
			for _, v := range []uint64{0, was + 16, was - 16, was + pageSize, 1 << 47, ^uint64(0)} {
				content := slices.Clone(d.bytes[pages])
				binary.LittleEndian.PutUint64(content[at:], v)
				t.Run(fmt.Sprintf("%s/%#x=%#x", g.name, a, v), func(t *testing.T) {
					d.with(t, pages, content, func() { fuzzOpen(t, d.to) })
				})
			}
		}
	}
}
