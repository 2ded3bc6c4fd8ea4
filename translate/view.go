package translate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/translate/isa"
	"github.com/tpfs/tpfs/translate/view"
)

// View is a dump as another architecture would have written it.
type View struct {
	opts Options
	dump *dump
	to   isa.ISA
	// exes are the destination's binaries by the path of the dumped one.
	exes map[string]*executable

	// tasks are translated once, whole, when one of their images is asked for.
	tasks map[*task]func() (map[string]image, error)
	// pages says whose memory a pages image holds; files.img is made once.
	pages func() (map[string]*task, error)
	files func() (image, error)
	// shared holds the images of incrementally dumped shared memory, made
	// complete for a flat view.
	shared func() (map[string]sharedImage, error)
	// source shows the dump itself.
	source *sourceDir

	mu       sync.Mutex
	problems []error // guarded by mu
}

// Open opens a dump to be shown for another architecture. It refuses what
// cannot be translated at all; the threads are looked at when their images are
// asked for, or by Check.
func Open(o Options) (*View, error) {
	to, err := isaOf(o.Arch)
	if err != nil {
		return nil, err
	}
	bits := o.AddressBits
	if bits == 0 {
		bits = to.AddressBits()
	}
	if bits < MinAddressBits || bits > MaxAddressBits {
		return nil, fmt.Errorf("no kernel has an address space of %d bits: give %d to %d", bits, MinAddressBits, MaxAddressBits)
	}
	d, err := openDump(o.Source)
	if err != nil {
		return nil, err
	}
	v := &View{opts: o, dump: d, to: to, exes: map[string]*executable{}, tasks: map[*task]func() (map[string]image, error){}}
	if err := v.prepare(to.AddressLimit(bits)); err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", o.Source, err)
	}
	return v, nil
}

func (v *View) prepare(limit uint64) error {
	if v.dump.isa == v.to {
		return fmt.Errorf("the dump is of %s already: restore it as it is, or give the architecture of the other host with --arch", v.to.Name())
	}
	for _, t := range v.dump.tasks {
		exe := v.exes[t.exe]
		if exe == nil && !t.dead {
			var err error
			if exe, err = v.opts.find(t.exe, v.to.Machine()); err != nil {
				return t.wrap(err)
			}
			v.exes[t.exe] = exe
		}
		x := &translation{dump: v.dump, to: v.to, exe: exe, flat: v.opts.Flat, limit: limit}
		if !t.dead {
			if _, _, err := x.halves(t); err != nil {
				return t.wrap(err)
			}
		}
		v.tasks[t] = sync.OnceValues(func() (map[string]image, error) {
			images, err := x.task(t)
			if err != nil {
				err = t.wrap(err)
				v.note(err)
			}
			return images, err
		})
	}
	v.source = newSourceDir(v.dump)
	v.pages = sync.OnceValues(v.pagesOwners)
	v.shared = sync.OnceValues(v.flatShared)
	v.files = sync.OnceValues(func() (image, error) {
		img, err := v.translateFiles()
		if err != nil {
			v.note(err)
		}
		return img, err
	})
	return nil
}

// Root is the directory that stands for the dump directory.
func (v *View) Root() view.Dir { return rootDir{v} }

// Arch is the architecture the dump was made on, and that of the view.
func (v *View) Arch() (from, to string) { return v.dump.isa.Name(), v.to.Name() }

// Errors are the problems met so far.
func (v *View) Errors() []error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.problems)
}

func (v *View) note(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = append(v.problems, err)
}

// Close ends the use of the dump. Files that are open stay readable.
func (v *View) Close() error { return v.dump.Close() }

// Check reads and translates everything, and gives all that stands in the way.
func (v *View) Check() error {
	dir := v.Root()
	names, err := dir.Names()
	if err != nil {
		return err
	}
	problems := v.dump.verify()
	for _, n := range names {
		e, err := dir.Lookup(n.Name)
		if err == nil && e.File != nil {
			var h view.Handle
			if h, err = e.File.Open(); err == nil {
				err = h.Close()
			}
		}
		// A process's error comes up at each of its images.
		if err != nil && !slices.ContainsFunc(problems, func(p error) bool { return p.Error() == err.Error() }) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (v *View) translateFiles() (image, error) {
	img, err := v.dump.image("files.img")
	if err != nil {
		return image{}, err
	}
	exes := map[uint32]*executable{}
	for _, t := range v.dump.tasks {
		for id := range t.exeFiles {
			exes[id] = v.exes[t.exe]
		}
	}
	if err := translateFiles(img, v.dump.isa, v.to, exes); err != nil {
		return image{}, err
	}
	b, err := img.Bytes()
	return imageOf(b), err
}

// pagesOwners finds the pages images of processes by the heads of their
// pagemaps. Shared memory has pages images too.
func (v *View) pagesOwners() (map[string]*task, error) {
	owners := map[string]*task{}
	for _, t := range v.dump.tasks {
		if t.dead {
			continue
		}
		id, err := pagesID(v.dump.Dir, pagemapName(t.pid))
		if err != nil {
			return nil, cmp.Or(v.dump.fresh(pagemapName(t.pid)), t.wrap(err))
		}
		owners[pagesName(id)] = t
	}
	return owners, nil
}

// owner is the process that an image belongs to, if it must be translated with it.
func (v *View) owner(name string) (*task, error) {
	for _, t := range v.dump.tasks {
		if !t.dead && (name == mmName(t.pid) || name == pagemapName(t.pid)) {
			return t, nil
		}
		if slices.ContainsFunc(t.threads, func(tid uint32) bool { return name == coreName(tid) }) {
			return t, nil
		}
	}
	if isPages(name) {
		owners, err := v.pages()
		return owners[name], err
	}
	return nil, nil
}

// rootDir is the top layer of the view.
type rootDir struct{ v *View }

// parentName is the name by which CRIU knows the dump that an incremental one
// is on top of (CR_PARENT_LINK, criu/include/image.h).
const parentName = "parent"

func (d rootDir) Names() ([]view.Name, error) {
	names, err := imageNames(d.v.dump.Dir)
	if err == nil && !d.v.opts.Flat {
		names = append(names, view.Name{Name: parentName, IsDir: true})
	}
	return names, err
}

func (d rootDir) Lookup(name string) (view.Entry, error) {
	v := d.v
	if name == parentName && !v.opts.Flat {
		return view.Entry{Dir: v.source}, nil
	}
	if !shown(name) {
		return view.Entry{}, fs.ErrNotExist
	}
	if _, ok := v.dump.stamps[name]; !ok {
		return view.Entry{}, fs.ErrNotExist
	}
	if name == "files.img" {
		return v.translated(name, v.files, func() error { return v.dump.fresh(name) })
	}
	t, err := v.owner(name)
	if err != nil {
		return view.Entry{}, notMissing{err}
	}
	if t != nil {
		translate := func() (image, error) {
			images, err := v.tasks[t]()
			return images[name], err
		}
		return v.translated(name, translate, func() error { return v.fresh(name, t) })
	}
	if v.opts.Flat {
		shared, err := v.shared()
		if err != nil {
			return view.Entry{}, notMissing{err}
		}
		if s, ok := shared[name]; ok {
			compose := func() (image, error) { return s.image, nil }
			return v.translated(name, compose, func() error { return v.dump.freshPages(s.pagemap) })
		}
	}
	return v.source.Lookup(name)
}

// notMissing is the error of an image that is there, but cannot be shown, perhaps
// because another one is missing: it is not fs.ErrNotExist.
type notMissing struct{ err error }

func (p notMissing) Error() string      { return p.err.Error() }
func (p notMissing) As(target any) bool { return errors.As(p.err, target) }
func (p notMissing) Is(target error) bool {
	return target != fs.ErrNotExist && errors.Is(p.err, target)
}

// translated is the entry of an image that is made of others, as long as these
// are fresh.
func (v *View) translated(name string, content func() (image, error), fresh func() error) (view.Entry, error) {
	if err := fresh(); err != nil {
		return view.Entry{}, notMissing{err}
	}
	img, err := content()
	if err != nil {
		// What was changed meanwhile need not be good for anything.
		return view.Entry{}, notMissing{cmp.Or(fresh(), err)}
	}
	return view.Entry{File: file{
		size: img.size, modTime: time.Unix(0, v.dump.stamps[name].MTime),
		open: func() (view.Handle, error) {
			if err := fresh(); err != nil {
				return nil, err
			}
			return handle{img}, nil
		},
	}}, nil
}

// fresh makes sure that all images are unchanged which an image of a process is
// made of: for a thread's core only its own, so that opening the cores of all
// threads does not take the square of their number; they are all looked at for
// the memory, which holds the stacks and without which no restore ends.
func (v *View) fresh(name string, t *task) error {
	inputs := []string{"files.img", "pstree.img", mmName(t.pid)}
	var cores []string
	for _, tid := range t.threads {
		cores = append(cores, coreName(tid))
	}
	if slices.Contains(cores, name) {
		cores = []string{name}
	}
	if err := v.dump.fresh(append(inputs, cores...)...); err != nil {
		return err
	}
	return v.dump.freshPages(pagemapName(t.pid))
}

// flatShared makes the images of shared memory complete whose pages are partly
// in a parent.
func (v *View) flatShared() (map[string]sharedImage, error) {
	images := map[string]sharedImage{}
	for name := range v.dump.stamps {
		id, ok := shmemID(name)
		if !ok {
			continue
		}
		store, err := criuimg.OpenPages(v.dump.Dir, criuimg.Shmem, id)
		if err != nil {
			return nil, cmp.Or(v.dump.freshPages(name), err)
		}
		inParent := func(e criuimg.Extent) bool { return e.Flags&criuimg.PEParent != 0 }
		if !slices.ContainsFunc(store.Extents(), inParent) {
			store.Close()
			continue
		}
		m := &memory{name: name, dump: store}
		pm := criuimg.Pagemap{PagesID: store.PagesID(), Extents: m.pagemap(true)}
		b, err := pm.Image(name)
		if err != nil {
			return nil, err
		}
		pages := newPagesFile(m, pm.Extents)
		images[name] = sharedImage{imageOf(b), name}
		images[pagesName(pm.PagesID)] = sharedImage{image{pages, pages.Size()}, name}
	}
	return images, nil
}

// sharedImage is the pagemap of shared memory, or the pages that go with it.
type sharedImage struct {
	image
	pagemap string
}

// shmemID is the number of the shared memory whose pagemap an image is.
func shmemID(name string) (uint64, bool) {
	id, ok := criuimg.IDOf(name)
	return id, ok && strings.HasPrefix(name, "pagemap-shmem-")
}

// sourceDir shows a dump directory's images untouched but for one thing:
// pagemaps are written so that every CRIU can read them.
type sourceDir struct {
	dump   *dump
	parent *sourceDir // nil if there is none
}

func newSourceDir(d *dump) *sourceDir {
	if d == nil {
		return nil
	}
	return &sourceDir{d, newSourceDir(d.below)}
}

func (d *sourceDir) Names() ([]view.Name, error) {
	names, err := imageNames(d.dump.Dir)
	if err == nil && d.parent != nil {
		names = append(names, view.Name{Name: parentName, IsDir: true})
	}
	return names, err
}

func (d *sourceDir) Lookup(name string) (view.Entry, error) {
	if name == parentName && d.parent != nil {
		return view.Entry{Dir: d.parent}, nil
	}
	if !shown(name) {
		return view.Entry{}, fs.ErrNotExist
	}
	f, err := d.dump.openFresh(name)
	if err != nil {
		return view.Entry{}, err
	}
	defer f.Close()
	if kind, _ := criuimg.KindOf(name); kind.Magic == "PAGEMAP" {
		return d.pagemap(f)
	}
	return view.Entry{File: file{
		size: f.Size(), modTime: f.ModTime(),
		open: func() (view.Handle, error) {
			f, err := d.dump.openFresh(name)
			if err != nil {
				return nil, err // not a nil *criuimg.File
			}
			return f, nil
		},
	}}, nil
}

func (d *sourceDir) pagemap(f *criuimg.File) (view.Entry, error) {
	name := f.Name()
	if id, ok := shmemID(name); ok {
		// As for a process's memory, see translation.memory.
		store, err := criuimg.OpenPages(d.dump.Dir, criuimg.Shmem, id)
		if err != nil {
			return view.Entry{}, notMissing{err}
		}
		defer store.Close()
		if err := store.Check(); err != nil {
			return view.Entry{}, notMissing{err}
		}
	}
	pm, err := criuimg.ReadPagemap(name, f, f.Size())
	if err != nil {
		return view.Entry{}, err
	}
	b, err := pm.Image(name)
	if err != nil {
		return view.Entry{}, err
	}
	return view.Entry{File: file{
		size: int64(len(b)), modTime: f.ModTime(),
		open: func() (view.Handle, error) {
			if err := d.dump.fresh(name); err != nil {
				return nil, err
			}
			return handle{imageOf(b)}, nil
		},
	}}, nil
}

// shown says whether a file of a dump directory is an image that a restore may
// read. Logs and the like are not part of the view, so that the restoring side
// can write its own by the same names. What cpuinfo.img says is of a CPU of
// the wrong architecture.
func shown(name string) bool {
	return strings.HasSuffix(name, ".img") && name != "cpuinfo.img" && name != "stats-restore.img"
}

func imageNames(dir *criuimg.Dir) ([]view.Name, error) {
	names, err := dir.Names()
	var out []view.Name
	for _, n := range names {
		if shown(n) {
			out = append(out, view.Name{Name: n})
		}
	}
	return out, err
}

func isPages(name string) bool {
	return strings.HasPrefix(name, "pages-") && !strings.HasPrefix(name, "pages-shmem-")
}

// file is a view.File.
type file struct {
	size    int64
	modTime time.Time
	open    func() (view.Handle, error)
}

func (f file) Size() int64                { return f.size }
func (f file) ModTime() time.Time         { return f.modTime }
func (f file) Open() (view.Handle, error) { return f.open() }

// handle is an open translated image. Nothing of it is held by the kernel.
type handle struct{ io.ReaderAt }

func (handle) Close() error { return nil }

// The dump's own files are served from their descriptors.
var _ view.Backed = (*criuimg.File)(nil)

// pagesID reads the number of the pages image from the head of a pagemap.
func pagesID(dir *criuimg.Dir, name string) (uint32, error) {
	f, err := dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return criuimg.ReadPagesID(name, f, f.Size())
}
