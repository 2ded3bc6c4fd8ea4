package criuimg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
)

// MaxParents bounds a chain of dumps, each the parent of the one before.
const MaxParents = 1024

// parentName is how CRIU calls the link to the dump an incremental dump builds on.
const parentName = "parent"

// Stamp identifies a file's content: as long as it is the same, so is the
// content, unless somebody set out to deceive.
type Stamp struct {
	Dev, Ino uint64
	Size     int64 // bytes
	MTime    int64 // nanoseconds since 1970
}

func stampOf(st *unix.Stat_t) Stamp {
	return Stamp{Dev: uint64(st.Dev), Ino: st.Ino, Size: st.Size, MTime: st.Mtim.Nano()}
}

// Dir is an opened dump directory. Its files are found relative to the
// directory that was opened, wherever it is moved meanwhile. Nothing is ever
// written. A Dir may be used by several goroutines.
type Dir struct {
	path string
	f    *os.File
	up   *ancestor
}

// ancestor is a directory in a chain of parents, and how it was reached.
type ancestor struct {
	dev, ino uint64
	depth    int // 0: the dump itself
	child    *ancestor
}

// OpenDir opens a dump directory. The error is an *Error, with the path.
func OpenDir(path string) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return openDir(unix.AT_FDCWD, abs, abs, nil)
}

func openDir(at int, name, path string, child *ancestor) (*Dir, error) {
	fd, err := openat(at, name, unix.O_DIRECTORY)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Image: path, Entry: -1, Offset: -1, Reason: "there is no such directory", Err: err}
	case err != nil:
		return nil, imageErrorf(path, "cannot be opened as a directory: %v", err)
	}
	d := &Dir{path: path, f: os.NewFile(uintptr(fd), path), up: &ancestor{child: child}}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		d.Close()
		return nil, imageErrorf(path, "cannot be opened as a directory: %v", err)
	}
	d.up.dev, d.up.ino = uint64(st.Dev), st.Ino
	if child == nil {
		return d, nil
	}
	d.up.depth = child.depth + 1
	if d.up.depth > MaxParents {
		d.Close()
		return nil, imageErrorf(path, "more than %d parents, one behind the other", MaxParents)
	}
	for a := child; a != nil; a = a.child {
		if a.dev == d.up.dev && a.ino == d.up.ino {
			d.Close()
			return nil, imageErrorf(path, "leads back to a dump it is the parent of")
		}
	}
	return d, nil
}

// openat opens for reading and never waits, neither for a fifo's writer nor
// for a signal that comes in between.
func openat(at int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY|flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// Is tells whether both are the same directory.
func (d *Dir) Is(o *Dir) bool { return d.up.dev == o.up.dev && d.up.ino == o.up.ino }

// Path is the absolute path the directory was opened by; a parent's is its
// child's with "/parent" appended.
func (d *Dir) Path() string { return d.path }

// Close closes the directory. Files and parents opened through it stay open.
func (d *Dir) Close() error { return d.f.Close() }

// withFd calls fn with the directory's descriptor, which stays open meanwhile.
func (d *Dir) withFd(fn func(fd int) error) error {
	c, err := d.f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return fs.ErrClosed // nothing else keeps fn from being called
	}
	return inner
}

// Names lists the regular files of the directory, and the symbolic links to
// such, sorted.
func (d *Dir) Names() ([]string, error) {
	var names []string
	err := d.withFd(func(dirfd int) error {
		fd, err := openat(dirfd, ".", unix.O_DIRECTORY) // a position of its own
		if err != nil {
			return err
		}
		list := os.NewFile(uintptr(fd), d.path)
		defer list.Close()
		all, err := list.Readdirnames(-1)
		if err != nil {
			return err
		}
		for _, name := range all {
			if name == parentName {
				continue
			}
			if st, err := statat(dirfd, name); err == nil && isRegular(&st) {
				names = append(names, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: cannot list the directory: %w", d.path, err)
	}
	slices.Sort(names)
	return names, nil
}

func statat(dirfd int, name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Fstatat(dirfd, name, &st, 0)
	return st, err
}

func isRegular(st *unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }

var errNotRegular = errors.New("is not a regular file")

func (d *Dir) checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return imageErrorf(d.path, "%q is not the name of an image", name)
	}
	return nil
}

// fail is the error of an image that cannot be had.
func (d *Dir) fail(name string, err error) error {
	if d.up.child != nil {
		name = filepath.Join(d.path, name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Image: name, Entry: -1, Offset: -1, Reason: "the image is missing from the dump", Err: err}
	case err == errNotRegular:
		return imageErrorf(name, "is not a regular file")
	}
	return imageErrorf(name, "cannot be opened: %v", err)
}

// Open opens a regular file of the directory, or what a symbolic link leads to
// if that is one. The error is an *Error; in the sense of errors.Is it is
// fs.ErrNotExist if there is none of that name.
func (d *Dir) Open(name string) (*File, error) {
	if err := d.checkName(name); err != nil {
		return nil, err
	}
	var f *File
	err := d.withFd(func(dirfd int) error {
		// Look before opening: opening a device can have effects.
		st, err := statat(dirfd, name)
		if err != nil {
			return err
		}
		if !isRegular(&st) {
			return errNotRegular
		}
		fd, err := openat(dirfd, name, 0)
		if err != nil {
			return err
		}
		if err := unix.Fstat(fd, &st); err != nil {
			unix.Close(fd)
			return err
		}
		if !isRegular(&st) {
			unix.Close(fd)
			return errNotRegular
		}
		if err := unix.SetNonblock(fd, false); err != nil {
			unix.Close(fd)
			return err
		}
		f = &File{name: name, f: os.NewFile(uintptr(fd), filepath.Join(d.path, name)), fd: fd, stamp: stampOf(&st)}
		return nil
	})
	if err != nil {
		return nil, d.fail(name, err)
	}
	return f, nil
}

// Stamp identifies the content the file of that name has now. Errors are as of
// Open.
func (d *Dir) Stamp(name string) (Stamp, error) {
	if err := d.checkName(name); err != nil {
		return Stamp{}, err
	}
	var stamp Stamp
	err := d.withFd(func(dirfd int) error {
		st, err := statat(dirfd, name)
		if err != nil {
			return err
		}
		if !isRegular(&st) {
			return errNotRegular
		}
		stamp = stampOf(&st)
		return nil
	})
	if err != nil {
		return Stamp{}, d.fail(name, err)
	}
	return stamp, nil
}

// Parent opens the dump this one builds on; nil if there is none. It fails if
// the chain of parents leads back to where it came from or is longer than
// MaxParents.
func (d *Dir) Parent() (*Dir, error) {
	var parent *Dir
	path := filepath.Join(d.path, parentName)
	err := d.withFd(func(dirfd int) error {
		// As CRIU does: a dangling link is an error, a missing one is not.
		var st unix.Stat_t
		err := unix.Fstatat(dirfd, parentName, &st, unix.AT_SYMLINK_NOFOLLOW)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return imageErrorf(path, "cannot be opened as a directory: %v", err)
		}
		parent, err = openDir(dirfd, parentName, path, d.up)
		return err
	})
	return parent, err
}

// File is an opened file of a dump.
type File struct {
	name  string
	f     *os.File
	fd    int
	stamp Stamp
}

// ReadAt reads as io.ReaderAt says. It may be called by several goroutines.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

// Size is the file's size in bytes at the time it was opened.
func (f *File) Size() int64 { return f.stamp.Size }

// ModTime is when the file was last changed before it was opened.
func (f *File) ModTime() time.Time { return time.Unix(0, f.stamp.MTime) }

// Name is the file's name in its directory.
func (f *File) Name() string { return f.name }

// Fd is the file's descriptor. It is open until Close is called.
func (f *File) Fd() int { return f.fd }

// Stamp identifies the content the file had when it was opened.
func (f *File) Stamp() Stamp { return f.stamp }

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// ReadImage reads an image that can do without its file afterwards: one that
// is not raw and has no payload.
func (d *Dir) ReadImage(name string) (*Image, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := Read(name, f, f.Size())
	if err != nil {
		return nil, err
	}
	if img.Body != nil {
		return nil, imageErrorf(name, "is not an image that is made of entries")
	}
	for _, e := range img.Entries {
		if e.payload != nil {
			return nil, e.errorf("has payload, which cannot be kept without the file")
		}
	}
	return img, nil
}

// All reads an image whose entries are all of type M, and gives these in order.
func All[M proto.Message](d *Dir, name string) ([]M, error) {
	img, err := d.ReadImage(name)
	if err != nil {
		return nil, err
	}
	all := make([]M, len(img.Entries))
	for i, e := range img.Entries {
		if all[i], err = As[M](e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// One reads an image that has exactly one entry, of type M.
func One[M proto.Message](d *Dir, name string) (M, error) {
	var none M
	all, err := All[M](d, name)
	if err != nil {
		return none, err
	}
	if len(all) != 1 {
		return none, imageErrorf(name, "has %d entries instead of one", len(all))
	}
	return all[0], nil
}

// As decodes an entry as a message of type M.
func As[M proto.Message](e *Entry) (M, error) {
	var none M
	msg, err := e.Message()
	if err != nil {
		return none, err
	}
	m, ok := msg.(M)
	if !ok {
		return none, e.errorf("a %s, not a %s", msg.ProtoReflect().Descriptor().Name(), none.ProtoReflect().Descriptor().Name())
	}
	return m, nil
}
