package translate

import (
	"io"
	"slices"
	"strings"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	criu_fs "github.com/checkpoint-restore/go-criu/v7/crit/images/fs"
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"

	"github.com/tpfs/tpfs/criuimg"
)

// singles begin the names of the images that have exactly one entry.
var singles = []string{"inventory", "core-", "mm-", "fs-", "ids-", "timens-", "seccomp", "cgroup", "utsns-", "ipcns-var-"}

// verify reads all images of the dump, those that go over untouched too, and
// gives what is wrong with each: an entry that cannot be read, or one that is
// not there though others speak of it.
func (d *dump) verify() []error {
	var problems []error
	names := make([]string, 0, len(d.stamps))
	for name := range d.stamps {
		if shown(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	// Which open files exist, and which are spoken of where.
	// Sockets' queues can hold files that nobody has open.
	files, used, queued := map[uint32]bool{}, map[uint32]string{}, false
	for _, t := range d.tasks {
		if t.dead {
			continue
		}
		used[t.mm.GetExeFileId()] = mmName(t.pid)
		for _, v := range t.mm.GetVmas() {
			if v.GetStatus()&(vmaFilePrivate|vmaFileShared) != 0 {
				used[uint32(v.GetShmid())] = mmName(t.pid)
			}
		}
	}
	var fdinfos []string
	for _, name := range names {
		if strings.HasPrefix(name, "fdinfo-") {
			fdinfos = append(fdinfos, name)
		}
		err := d.verifyImage(name, func(m any) {
			switch m := m.(type) {
			case *fdinfo.FileEntry:
				files[m.GetId()] = m.GetReg() != nil
			case *fdinfo.FdinfoEntry:
				used[m.GetId()] = name
			case *sk_packet.SkPacketEntry:
				queued = true
			case *criu_fs.FsEntry:
				used[m.GetCwdId()], used[m.GetRootId()] = name, name
			}
		})
		if err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	for id, by := range used {
		if _, ok := files[id]; !ok {
			problems = append(problems, damaged("files.img", "file %d is missing, of which %s speaks: the image is cut short", id, by))
		}
	}
	for id, regular := range files {
		if regular && used[id] == "" && !queued {
			problems = append(problems, damaged(strings.Join(fdinfos, ", "), "file %d of files.img is in none of them: cut short", id))
		}
	}
	return problems
}

func (d *dump) verifyImage(name string, visit func(any)) error {
	kind, ok := criuimg.KindOf(name)
	if !ok || kind.Container == criuimg.Raw {
		return nil // content that only CRIU knows
	}
	f, err := d.openFresh(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := criuimg.NewReader(name, f, f.Size())
	if err != nil {
		return err
	}
	n := 0
	for ; ; n++ {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		m, err := e.Message()
		if err != nil {
			return err
		}
		visit(m)
	}
	one := slices.ContainsFunc(singles, func(s string) bool { return strings.HasPrefix(name, s) })
	if one && n != 1 {
		return damaged(name, "%d entries, not one: the image is cut short or damaged", n)
	}
	return nil
}
