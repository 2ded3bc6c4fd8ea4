package translate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/pagemap"

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
	shared func() (map[string]image, error)
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
	if bits < 32 || bits > 57 {
		return nil, fmt.Errorf("an address space of %d bits: no kernel has one", bits)
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
				return fmt.Errorf("process %d (%s): %w", t.pid, t.comm, err)
			}
			v.exes[t.exe] = exe
		}
		x := &translation{dump: v.dump, to: v.to, exe: exe, flat: v.opts.Flat, limit: limit}
		if !t.dead {
			if _, _, err := x.halves(t); err != nil {
				return fmt.Errorf("process %d (%s): %w", t.pid, t.comm, err)
			}
		}
		v.tasks[t] = sync.OnceValues(func() (map[string]image, error) {
			images, err := x.task(t)
			if err != nil {
				err = fmt.Errorf("process %d (%s): %w", t.pid, t.comm, err)
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
			return nil, err
		}
		owners[pagesName(id)] = t
	}
	return owners, nil
}

// owner is the process that an image belongs to, if it must be translated with it.
func (v *View) owner(name string) (*task, error) {
	for _, t := range v.dump.tasks {
		if name == mmName(t.pid) || name == pagemapName(t.pid) {
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
		img, err := v.files()
		return v.translated(name, img, err, name)
	}
	t, err := v.owner(name)
	if err != nil {
		return view.Entry{}, err
	}
	if t != nil {
		inputs := v.inputs(t)
		err := v.dump.fresh(inputs...)
		var images map[string]image
		if err == nil {
			images, err = v.tasks[t]()
		}
		return v.translated(name, images[name], err, inputs...)
	}
	if v.opts.Flat {
		shared, err := v.shared()
		if img, ok := shared[name]; ok || err != nil {
			return v.translated(name, img, err, name)
		}
	}
	return v.source.Lookup(name)
}

// translated is the entry of an image that was made from inputs.
func (v *View) translated(name string, img image, err error, inputs ...string) (view.Entry, error) {
	if errors.Is(err, fs.ErrNotExist) {
		// Something else is missing: the image of this name is there.
		err = errors.New(err.Error())
	}
	if err != nil {
		return view.Entry{}, err
	}
	return view.Entry{File: file{
		size: img.size, modTime: time.Unix(0, v.dump.stamps[name].MTime),
		open: func() (view.Handle, error) {
			if err := v.dump.fresh(inputs...); err != nil {
				return nil, err
			}
			return handle{img}, nil
		},
	}}, nil
}

// inputs are the images that the translation of a process reads.
func (v *View) inputs(t *task) []string {
	names := []string{"files.img", "pstree.img", coreName(t.pid)}
	if t.dead {
		return names
	}
	names = append(names, mmName(t.pid), pagemapName(t.pid))
	for _, tid := range t.threads {
		names = append(names, coreName(tid))
	}
	owners, _ := v.pages() // its error comes up in the translation
	for name, owner := range owners {
		if owner == t {
			names = append(names, name)
		}
	}
	return names
}

// flatShared makes the images of shared memory complete whose pages are partly
// in a parent.
func (v *View) flatShared() (map[string]image, error) {
	images := map[string]image{}
	for name := range v.dump.stamps {
		var id uint64
		if n, _ := fmt.Sscanf(name, "pagemap-shmem-%d.img", &id); n != 1 {
			continue
		}
		store, err := criuimg.OpenPages(v.dump.Dir, criuimg.Shmem, id)
		if err != nil {
			return nil, err
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
		images[name] = imageOf(b)
		images[pagesName(pm.PagesID)] = image{pages, pages.Size()}
	}
	return images, nil
}

// sourceDir shows a dump directory's images untouched but for one thing:
// pagemaps are written so that every CRIU can read them.
type sourceDir struct {
	dump *dump
	// parent is opened once; nil if there is none.
	parent func() (*sourceDir, error)
}

func newSourceDir(d *dump) *sourceDir {
	return &sourceDir{d, sync.OnceValues(func() (*sourceDir, error) {
		dir, err := d.Parent()
		if dir == nil || err != nil {
			return nil, err
		}
		p := &dump{Dir: dir}
		if err := p.stamp(); err != nil {
			return nil, err
		}
		return newSourceDir(p), nil
	})}
}

func (d *sourceDir) Names() ([]view.Name, error) {
	names, err := imageNames(d.dump.Dir)
	if err != nil {
		return nil, err
	}
	parent, err := d.parent()
	if parent != nil {
		names = append(names, view.Name{Name: parentName, IsDir: true})
	}
	return names, err
}

func (d *sourceDir) Lookup(name string) (view.Entry, error) {
	if name == parentName {
		parent, err := d.parent()
		if err != nil {
			return view.Entry{}, err
		}
		if parent == nil {
			return view.Entry{}, fs.ErrNotExist
		}
		return view.Entry{Dir: parent}, nil
	}
	if !shown(name) {
		return view.Entry{}, fs.ErrNotExist
	}
	f, err := d.dump.openFresh(name)
	if err != nil {
		return view.Entry{}, err
	}
	defer f.Close()
	if strings.HasPrefix(name, "pagemap-") {
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
	var id uint64
	if n, _ := fmt.Sscanf(name, "pagemap-shmem-%d.img", &id); n == 1 {
		// As for a process's memory, see translation.memory.
		store, err := criuimg.OpenPages(d.dump.Dir, criuimg.Shmem, id)
		if err != nil {
			return view.Entry{}, err
		}
		defer store.Close()
		if err := store.Check(); err != nil {
			return view.Entry{}, err
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
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	r, err := criuimg.NewReader(name, f, f.Size())
	if err != nil {
		return 0, err
	}
	e, err := r.Next()
	if err == io.EOF {
		return 0, fmt.Errorf("%s: the image is empty", name)
	}
	if err != nil {
		return 0, err
	}
	head, err := criuimg.As[*pagemap.PagemapHead](e)
	return head.GetPagesId(), err
}
