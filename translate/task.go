package translate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/translate/isa"
)

// image is the content of a translated image.
type image struct {
	io.ReaderAt
	size int64
}

func imageOf(b []byte) image { return image{bytes.NewReader(b), int64(len(b))} }

// translation is what it takes to translate a process.
type translation struct {
	dump  *dump
	to    isa.ISA
	exe   *executable
	flat  bool
	limit uint64 // of the destination's address space
}

// task translates a process, and gives its images by name. The error names
// everything that stands in the way, one line for each thread.
func (x *translation) task(t *task) (map[string]image, error) {
	images := map[string]image{}
	if t.dead {
		// A zombie has an exit code and no more.
		for _, tid := range t.threads {
			b, err := x.rewrite(coreName(tid), func(core *criu_core.CoreEntry) error {
				core.Mtype = x.to.March().Enum()
				return nil
			})
			if err != nil {
				return nil, err
			}
			images[coreName(tid)] = imageOf(b)
		}
		return images, nil
	}
	from, to, err := x.halves(t)
	if err != nil {
		return nil, err
	}

	m, err := x.memory(t)
	if err != nil {
		return nil, err
	}
	name := mmName(t.pid)
	mmImage, err := rewrite(x.dump, name, func(e *mm.MmEntry) error {
		m.dropped, err = translateMM(e, x.dump.isa, x.to, x.limit, to.Entry, t.exeFiles)
		return err
	})
	if err != nil {
		return nil, err
	}
	images[name] = imageOf(mmImage)

	var problems []error
	for _, tid := range t.threads {
		name := coreName(tid)
		b, err := x.rewrite(name, func(core *criu_core.CoreEntry) error {
			return x.thread(core, from, to, m)
		})
		if err != nil {
			problems = append(problems, err)
		}
		images[name] = imageOf(b)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if err := x.resetWords(m, from); err != nil {
		return nil, fmt.Errorf("%s: %w", pagemapName(t.pid), err)
	}

	extents := m.pagemap(x.flat)
	pm := criuimg.Pagemap{PagesID: m.dump.PagesID(), Extents: extents}
	b, err := pm.Image(pagemapName(t.pid))
	if err != nil {
		return nil, err
	}
	images[pagemapName(t.pid)] = imageOf(b)
	pages := newPagesFile(m, extents)
	images[pagesName(m.dump.PagesID())] = image{pages, pages.Size()}
	return images, nil
}

// halves are the two sides of the pair of a process, once it is sure that the
// destination's binary is the other half of the one that was dumped.
func (x *translation) halves(t *task) (from, to *pair.Binary, err error) {
	if from, err = x.source(t); err != nil {
		return nil, nil, err
	}
	to, err = x.half(x.to)
	return from, to, err
}

// source is the half of the pair that was dumped.
func (x *translation) source(t *task) (*pair.Binary, error) {
	from, err := x.half(x.dump.isa)
	if err != nil {
		return nil, err
	}
	if t.exeBuildID == nil {
		if t.exeSize != uint64(x.exe.Size) {
			return nil, fmt.Errorf("files.img: %s does not belong to the dumped program %s: the halves of a pair have one size, but these have %d and %d bytes",
				x.exe.Path, t.exe, x.exe.Size, t.exeSize)
		}
		return from, nil
	}
	if want := buildIDBytes(buildIDWords(from.BuildID)); !bytes.Equal(t.exeBuildID, want) {
		return nil, fmt.Errorf("files.img: %s does not belong to the dumped program %s: the %s half of its pair has the build id %x, the dumped program %x",
			x.exe.Path, t.exe, x.dump.isa.Name(), from.BuildID, t.exeBuildID)
	}
	return from, nil
}

func (x *translation) half(i isa.ISA) (*pair.Binary, error) {
	b, ok := x.exe.Binary(i.Machine())
	if !ok {
		return nil, fmt.Errorf("%s: the pair has no half for %s", x.exe.Path, i.Name())
	}
	return b, nil
}

// memory opens the memory of a process.
func (x *translation) memory(t *task) (*memory, error) {
	store, err := criuimg.OpenPages(x.dump.Dir, criuimg.Task, uint64(t.pid))
	if err != nil {
		return nil, err
	}
	// A pages image that is too short would make a restore loop for ever.
	if err := store.Check(); err != nil {
		store.Close()
		return nil, err
	}
	m := &memory{name: pagemapName(t.pid), dump: store, changed: map[uint64]*[pageSize]byte{}}
	m.initial = func(page []byte, addr uint64) error {
		return x.initialPage(page, addr, t)
	}
	return m, nil
}

// initialPage fills a page with what a process finds in it that never wrote it.
func (x *translation) initialPage(page []byte, addr uint64, t *task) error {
	for _, v := range t.mm.GetVmas() {
		if addr < v.GetStart() || addr >= v.GetEnd() {
			continue
		}
		switch {
		case v.GetProt()&protWrite == 0:
			return fmt.Errorf("%s: the page %#x cannot be written by the process", mmName(t.pid), addr)
		case v.GetStatus()&vmaAnonPrivate != 0:
			return nil
		case v.GetStatus()&vmaFilePrivate != 0 && t.exeFiles[uint32(v.GetShmid())]:
			return x.initialExecutablePage(page, addr, v)
		}
		break
	}
	return fmt.Errorf("%s: the page %#x is neither in the dump nor in the program's own memory", mmName(t.pid), addr)
}

func (x *translation) initialExecutablePage(page []byte, addr uint64, v *vma.VmaEntry) error {
	ok, err := x.exe.readSegment(page, addr)
	if err == nil && !ok {
		err = fmt.Errorf("%s: the page %#x of the mapping %#x-%#x is in no segment", x.exe.Path, addr, v.GetStart(), v.GetEnd())
	}
	return err
}

// thread translates one thread: its stack, in memory, and its core image.
func (x *translation) thread(core *criu_core.CoreEntry, from, to *pair.Binary, m *memory) error {
	if err := refuse(core); err != nil {
		return err
	}
	state, err := x.dump.isa.ReadThread(core)
	if err != nil {
		return err
	}
	st, err := from.Unwind(registers(state), m)
	if err != nil {
		return err
	}
	b := span{st.NativeLow, st.NativeHigh}
	root := -1
	for i, r := range from.Points.Roots {
		if r == st.Root {
			root = i
		}
	}
	if root < 0 || root >= len(to.Points.Roots) {
		return fmt.Errorf("the outermost frame's return address %#x has no counterpart", st.Root)
	}
	if st.RootCFA > b.end || st.Low < b.start {
		return fmt.Errorf("the stack %#x-%#x in use is not inside the thread's native stack %#x-%#x", st.Low, st.RootCFA, b.start, b.end)
	}
	state, err = layOut(m, st, to, to.Points.Roots[root], b, state)
	if err != nil {
		return err
	}
	if err := x.to.WriteThread(core, state); err != nil {
		return err
	}
	if err := translateActions(core.GetTc().GetSigactions(), from, to); err != nil {
		return err
	}
	return dropRseq(core, m)
}

// refuse says what of a thread cannot be translated wherever it stands.
func refuse(core *criu_core.CoreEntry) error {
	if core.GetThreadCore().GetSeccompMode() != criu_core.SeccompMode_disabled ||
		core.GetTc().GetOldSeccompMode() != criu_core.SeccompMode_disabled {
		return errors.New("the thread has a seccomp filter, which names system calls of one architecture")
	}
	const perLinux32 = 0x0008 // PER_LINUX32, include/uapi/linux/personality.h
	if p := core.GetTc().GetPersonality(); p&0xff == perLinux32 {
		return fmt.Errorf("the process has the personality of a 32-bit program (%#x)", p)
	}
	return nil
}

func registers(t isa.Thread) pair.Registers {
	return pair.Registers{PC: t.PC, SP: t.SP, FP: t.FP, LR: t.LR, Result: t.Result, TP: t.TP, Context: t.Context}
}

// dropRseq forgets a registration of restartable sequences, whose critical
// sections are code of one architecture, and tells the C library so in the way
// the kernel does: struct rseq of include/uapi/linux/rseq.h, cpu_id.
func dropRseq(core *criu_core.CoreEntry, m *memory) error {
	r := core.GetThreadCore().GetRseqEntry()
	if r == nil {
		return nil
	}
	core.ThreadCore.RseqEntry = nil
	if r.GetRseqAbiPointer() == 0 {
		return nil
	}
	const uninitialized = -1 // RSEQ_CPU_ID_UNINITIALIZED
	area := make([]byte, 16) // cpu_id_start, cpu_id, rseq_cs
	id := int32(uninitialized)
	binary.LittleEndian.PutUint32(area[4:], uint32(id))
	return m.write(r.GetRseqAbiPointer(), area)
}

// resetWords lets the process run, and forgets what it cached of its kernel.
func (x *translation) resetWords(m *memory, from *pair.Binary) error {
	if err := m.write(from.Points.PauseWord, make([]byte, 4)); err != nil {
		return fmt.Errorf("the pause word: %w", err)
	}
	for _, r := range x.exe.Reset {
		if err := m.fill(r.Addr, r.Addr+r.Size, 0); err != nil {
			return fmt.Errorf("the words to reset at %#x: %w", r.Addr, err)
		}
	}
	return nil
}

func (x *translation) rewrite(name string, change func(*criu_core.CoreEntry) error) ([]byte, error) {
	return rewrite(x.dump, name, change)
}

// rewrite reads an image of one entry, changes it, and gives the new image.
// Fields that the generated messages do not know stay as they are.
func rewrite[M proto.Message](d *dump, name string, change func(M) error) ([]byte, error) {
	img, err := d.image(name)
	if err != nil {
		return nil, err
	}
	if len(img.Entries) != 1 {
		return nil, damaged(name, "%d entries, not one", len(img.Entries))
	}
	e := img.Entries[0]
	m, err := criuimg.As[M](e)
	if err != nil {
		return nil, err
	}
	if err := change(m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	e.SetMessage(m)
	return img.Bytes()
}

func pagemapName(pid uint32) string { return fmt.Sprintf("pagemap-%d.img", pid) }
func pagesName(id uint32) string    { return fmt.Sprintf("pages-%d.img", id) }
