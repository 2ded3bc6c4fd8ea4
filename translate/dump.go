package translate

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"unicode"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/translate/isa"
)

// dump is what a dump directory is about, before anything is translated.
type dump struct {
	*criuimg.Dir
	isa   isa.ISA
	tasks []*task
	// stamps identify the images as they were when the dump was opened.
	stamps map[string]criuimg.Stamp
	// below is the dump that an incremental one builds on, else nil. Of that
	// one, isa and tasks are not known.
	below *dump
}

// task is one process of the dump.
type task struct {
	pid     uint32
	threads []uint32 // the leader among them
	comm    string
	// dead marks a zombie, which has neither memory nor registers.
	dead bool
	// exe is the path of the executable; exeFiles are the numbers under which
	// files.img and the mappings know it.
	exe      string
	exeFiles map[uint32]bool
	// exeSize and exeBuildID are what the dump says of it. The build id is
	// nil if CRIU was told not to store it.
	exeSize    uint64
	exeBuildID []byte
	mm         *mm.MmEntry
}

// wrap makes an error one of the process.
func (t *task) wrap(err error) error {
	name := strings.Join(strings.Fields(t.comm), " ") // it can hold anything, but an error is one line
	return fmt.Errorf("process %d (%s): %w", t.pid, name, err)
}

// The oldest and newest layout of images that is understood, as the inventory
// counts it: CRIU 3.17 to 4.2.
const imgVersion = 2

// taskDead is the state of a zombie (criu/include/pstree.h, enum in
// compel/include/uapi/task-state.h).
const taskDead = 0x6

// openDump reads the inventory, the process tree and what a process's memory
// and files images say of its executable.
func openDump(path string) (*dump, error) {
	dir, err := criuimg.OpenDir(path)
	if err != nil {
		return nil, err
	}
	d := &dump{Dir: dir}
	if err := d.read(); err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// Close closes the dump and those below.
func (d *dump) Close() error {
	err := d.Dir.Close()
	if d.below != nil {
		err = errors.Join(err, d.below.Close())
	}
	return err
}

func (d *dump) read() error {
	if err := d.stamp(); err != nil {
		return err
	}
	for name := range d.stamps {
		if p := pluginOf(name); p != "" {
			return fmt.Errorf("%s: an image of CRIU's %s plugin: the state of such a device cannot be translated", name, p)
		}
	}
	if _, ok := d.stamps["inventory.img"]; !ok {
		return damaged("inventory.img", "the image is missing: this is no CRIU dump, or criu dump did not finish")
	}
	inv, err := criuimg.One[*inventory.InventoryEntry](d.Dir, "inventory.img")
	if err != nil {
		return err
	}
	if v := inv.GetImgVersion(); v != imgVersion {
		return fmt.Errorf("inventory.img: images of version %d; version %d is understood (CRIU 3.17 to 4.2)", v, imgVersion)
	}
	if plugins := inventoryPlugins(inv); len(plugins) > 0 {
		return fmt.Errorf("inventory.img: dumped with the CRIU plugin %s, whose state cannot be translated", strings.Join(plugins, ", "))
	}
	files, err := d.readFiles()
	if err != nil {
		return err
	}
	img, err := d.image("pstree.img")
	if err != nil {
		return err
	}
	seen := map[uint32]bool{} // threads, of all processes
	for _, e := range img.Entries {
		m, err := criuimg.As[*pstree.PstreeEntry](e)
		if err != nil {
			return err
		}
		t := &task{pid: m.GetPid(), threads: m.GetThreads(), exeFiles: map[uint32]bool{}}
		if !slices.Contains(t.threads, t.pid) {
			return damaged("pstree.img", "process %d is not among its own threads %d", t.pid, t.threads)
		}
		for _, tid := range t.threads {
			if seen[tid] {
				return damaged("pstree.img", "thread %d is there twice", tid)
			}
			seen[tid] = true
		}
		if err := d.readTask(t, files); err != nil {
			return err
		}
		d.tasks = append(d.tasks, t)
	}
	if d.isa == nil {
		return damaged("pstree.img", "the dump holds no process")
	}
	return nil
}

// stamp takes the identity of every file of the directory, and of those below.
func (d *dump) stamp() error {
	names, err := d.Names()
	if err != nil {
		return err
	}
	d.stamps = make(map[string]criuimg.Stamp, len(names))
	for _, name := range names {
		if d.stamps[name], err = d.Stamp(name); err != nil {
			return err
		}
	}
	parent, err := d.Parent()
	if parent == nil || err != nil {
		return err
	}
	d.below = &dump{Dir: parent}
	return d.below.stamp()
}

// image reads a whole image of small entries.
func (d *dump) image(name string) (*criuimg.Image, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return criuimg.Read(name, f, f.Size())
}

// damaged is the error of an image that is not as CRIU writes it.
func damaged(name, format string, args ...any) error {
	return &criuimg.Error{Image: name, Entry: -1, Offset: -1, Reason: fmt.Sprintf(format, args...)}
}

func (d *dump) readFiles() (map[uint32]*fdinfo.FileEntry, error) {
	img, err := d.image("files.img")
	if err != nil {
		return nil, err
	}
	files := map[uint32]*fdinfo.FileEntry{}
	for _, e := range img.Entries {
		f, err := criuimg.As[*fdinfo.FileEntry](e)
		if err != nil {
			return nil, err
		}
		files[f.GetId()] = f
	}
	return files, nil
}

// readTask adds what the images of a process say of it.
func (d *dump) readTask(t *task, files map[uint32]*fdinfo.FileEntry) error {
	name := coreName(t.pid)
	core, err := criuimg.One[*criu_core.CoreEntry](d.Dir, name)
	if err != nil {
		return err
	}
	t.comm = core.GetTc().GetComm()
	arch := slices.IndexFunc(isas, func(i isa.ISA) bool { return i.March() == core.GetMtype() })
	switch {
	case arch < 0:
		return fmt.Errorf("%s: dumped on %v, which is not supported", name, core.GetMtype())
	case d.isa == nil:
		d.isa = isas[arch]
	case d.isa != isas[arch]:
		return fmt.Errorf("%s: dumped on %s, but other processes on %s", name, isas[arch].Name(), d.isa.Name())
	}
	if core.GetTc().GetTaskState() == taskDead {
		t.dead = true
		return nil
	}

	name = mmName(t.pid)
	if t.mm, err = criuimg.One[*mm.MmEntry](d.Dir, name); err != nil {
		return err
	}
	exe := files[t.mm.GetExeFileId()].GetReg()
	if exe == nil {
		return damaged(name, "the executable is file %d, which files.img does not have", t.mm.GetExeFileId())
	}
	if strings.ContainsFunc(exe.GetName(), unicode.IsControl) {
		return damaged("files.img", "the path of the executable, %q, has control characters", exe.GetName())
	}
	t.exe, t.exeSize, t.exeBuildID = exe.GetName(), exe.GetSize(), buildIDBytes(exe.GetBuildId())
	t.exeFiles[exe.GetId()] = true
	for _, v := range t.mm.GetVmas() {
		id := uint32(v.GetShmid())
		if v.GetStatus()&(vmaFilePrivate|vmaFileShared) != 0 && files[id].GetReg().GetName() == t.exe {
			t.exeFiles[id] = true
		}
	}
	return nil
}

// fresh makes sure that images are those which the dump had when it was opened,
// or that it has none of that name still.
func (d *dump) fresh(names ...string) error {
	for _, name := range names {
		is, err := d.Stamp(name)
		if err := d.same(name, is, err); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// freshPages is fresh for a pagemap and its pages, and for those of the dumps
// below which have the rest of them.
func (d *dump) freshPages(pagemap string) error {
	for {
		if err := d.fresh(pagemap); err != nil {
			return err
		}
		if _, ok := d.stamps[pagemap]; !ok {
			return nil
		}
		if id, err := pagesID(d.Dir, pagemap); err == nil { // else whoever needs them will say so
			if err := d.fresh(pagesName(id)); err != nil {
				return err
			}
		}
		if d.below == nil {
			return nil
		}
		parent, err := d.Parent()
		switch {
		case err != nil:
			return fmt.Errorf("%v, but could when the dump was opened: mount it again (%w)", err, syscall.ESTALE)
		case parent == nil:
			return fmt.Errorf("%s is gone since the dump was opened: mount it again (%w)", d.below.Path(), syscall.ESTALE)
		}
		same := parent.Is(d.below.Dir)
		parent.Close()
		if !same {
			return fmt.Errorf("%s is another directory than when the dump was opened: mount it again (%w)", d.below.Path(), syscall.ESTALE)
		}
		d = d.below
	}
}

// openFresh opens an image if it is still the one the dump had.
func (d *dump) openFresh(name string) (*criuimg.File, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, d.same(name, criuimg.Stamp{}, err)
	}
	if err := d.same(name, f.Stamp(), nil); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// same compares what was just found of an image with what there was. An image
// that was missing, and is, is fs.ErrNotExist.
func (d *dump) same(name string, is criuimg.Stamp, err error) error {
	was, ok := d.stamps[name]
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && (!missing || !ok):
		return err
	case missing || !ok || was != is:
		return fmt.Errorf("%s changed since the dump was opened: mount it again (%w)", name, syscall.ESTALE)
	}
	return nil
}

func coreName(tid uint32) string { return fmt.Sprintf("core-%d.img", tid) }
func mmName(pid uint32) string   { return fmt.Sprintf("mm-%d.img", pid) }

// pluginOf names the CRIU plugin that an image is of.
func pluginOf(image string) string {
	for _, p := range []string{"amdgpu", "cuda"} {
		if strings.HasPrefix(image, p+"-") {
			return p
		}
	}
	return ""
}

// inventoryPlugins are the plugins that took part in the dump: field 12 of
// the inventory since CRIU 4.1, a message with names in its field 12. The
// generated messages do not know it.
func inventoryPlugins(inv *inventory.InventoryEntry) []string {
	const field = 12
	var names []string
	each := func(b []byte, f func([]byte)) {
		for len(b) > 0 {
			num, typ, n := protowire.ConsumeTag(b)
			if n < 0 {
				return
			}
			b = b[n:]
			if num == field && typ == protowire.BytesType {
				if v, n := protowire.ConsumeBytes(b); n >= 0 {
					f(v)
				}
			}
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return
			}
			b = b[n:]
		}
	}
	each(inv.ProtoReflect().GetUnknown(), func(entry []byte) {
		each(entry, func(name []byte) { names = append(names, string(name)) })
	})
	return names
}
