// Package fs serves a view.Dir as a FUSE file system.
//
// The view is shown read-only: names, exact sizes, times and contents are the
// view's, and never change. An image that the view cannot make is found and
// listed, but opening it fails with EIO. What a reader may add goes to a scratch layer
// beside it, in the root directory only: anonymous temporary files that no
// other process can open by name and that are gone with the process, however
// it ends. A name which the view has can be neither replaced nor removed.
//
// The hidden directory ".tpfs" tells about the mount: errors.json is a JSON
// array of {"image", "error"} objects, one for every problem that a reader met
// so far, and pid is the process number of the server. It is not listed, so
// that a program which copies or compares the whole directory sees exactly the
// files of the view.
//
// # Caching
//
// Since a view never changes, the kernel may keep names, attributes (also the
// knowledge that a name does not exist) and contents for as long as it likes.
// An open always reaches the view, which is how it can refuse with ESTALE. A
// view.Backed handle is given to the kernel, which then reads the host's file
// without asking us (Linux 6.9, passthrough); where it cannot, its bytes are
// spliced.
//
// # Export
//
// Handles of name_to_handle_at(2), hence NFS servers, work for as long as the
// mount lives: inode numbers are never reused, and an inode which the kernel
// has forgotten is found again by its number. Only the hidden directory, as the
// kernel searches a directory by listing its parent, has none that lasts.
package fs

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/translate/view"
)

// Type is the file system type that the mount table shows.
const Type = "fuse." + subtype

const (
	subtype = "tpfs"

	// maxRequest bounds one read or write, in bytes. It is the most that
	// fits, with its header, into the pipe of a splice.
	maxRequest = 512 << 10

	// maxInflight bounds the buffers that wait for or hold requests, in
	// bytes. With the replies under way they make up nearly all the memory
	// of a server that reads from files.
	maxInflight = 8 << 20

	// readAhead is what the kernel reads in advance of a sequential reader
	// where there is no passthrough, in KiB.
	readAhead = maxRequest >> 10

	// forever is the lifetime of names and attributes of the view.
	forever = 365 * 24 * time.Hour
)

// Options say how to mount a view.
type Options struct {
	// FsName is the source which the mount table shows.
	FsName string
	// AllowOther lets other users than the mounting one reach the mount. The
	// permissions of the files still keep them from reading.
	AllowOther bool
	// NoPassthrough makes all reads pass through this process.
	NoPassthrough bool
	// ScratchDir holds the contents of scratch files; the default is
	// os.TempDir.
	ScratchDir string
	// Errors tells further problems for errors.json, beyond those that
	// readers met. It may be nil.
	Errors func() []error
	// Log takes a sentence at a time, from many goroutines. It may be nil.
	Log func(string)
	// Debug logs every request.
	Debug bool
}

// Mount is a mounted view.
type Mount struct {
	dir  string // resolved
	dev  string // MAJOR:MINOR
	tree *tree
	done chan struct{}
}

// New mounts dir at mountpoint, a directory, and serves it in the background.
// The mountpoint is a path as CheckMountpoint returns it. The process must not
// use the mount itself: whoever waits for his own answers can lock up.
func New(dir view.Dir, mountpoint string, o Options) (*Mount, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.ScratchDir == "" {
		o.ScratchDir = os.TempDir()
	}
	if err := checkDevice(); err != nil {
		return nil, err
	}
	// Opened before the mount, which may cover the path of this directory.
	scratch, err := os.OpenRoot(o.ScratchDir)
	if err != nil {
		return nil, fmt.Errorf("the directory %s for scratch files: %w", o.ScratchDir, err)
	}
	// That no file can be made there, one should know before a restore.
	if f, err := anonymous(scratch); err != nil {
		scratch.Close()
		return nil, fmt.Errorf("the directory %s for scratch files: %w", o.ScratchDir, err)
	} else {
		f.Close()
	}
	t := newTree(dir, scratch, o)
	server, err := fuse.NewServer(gofs.NewNodeFS(t.root, t.fsOptions()), mountpoint, t.mountOptions())
	if err != nil {
		scratch.Close()
		return nil, mountError(mountpoint, err)
	}
	m := &Mount{dir: mountpoint, tree: t, done: make(chan struct{})}
	if info, err := mountAt(mountpoint); err == nil {
		m.dev = info.Dev
		m.setReadAhead()
	}
	go func() {
		server.Serve()
		m.afterServe()
		close(m.done)
	}()
	return m, nil
}

func (t *tree) fsOptions() *gofs.Options {
	negative := forever
	return &gofs.Options{
		// The kernel addresses nodes by our inode numbers, so that
		// LookupNode can find a node again after the kernel forgot it.
		ExternalNodeID:  true,
		RootStableAttr:  &gofs.StableAttr{Ino: fuse.FUSE_ROOT_ID},
		NullPermissions: true,
		// A name that does not exist can appear only through this mount,
		// and then the kernel knows.
		NegativeTimeout: &negative,
	}
}

func (t *tree) mountOptions() *fuse.MountOptions {
	mo := &fuse.MountOptions{
		AllowOther: t.opts.AllowOther,
		// The kernel checks the modes, for every user and every kind of
		// access.
		Options:                 []string{"default_permissions"},
		MaxWrite:                maxRequest,
		MaxInflightRequestBytes: maxInflight,
		FsName:                  t.opts.FsName,
		Name:                    subtype,
		DisableXAttrs:           true,
		// With attributes in the listing, ls would translate all images.
		DisableReadDirPlus: true,
		// Root needs no helper program, and gets the error number.
		DirectMountStrict: os.Geteuid() == 0,
		ExtraCapabilities: fuse.CAP_EXPORT_SUPPORT,
		// Two, so that the kernel may read a source directly which lies on
		// a stacked file system, as the overlay of a container.
		MaxStackDepth: 2,
		Debug:         t.opts.Debug,
		Logger:        log.New(logWriter(t.opts.Log), "", 0),
		PanicHandler: func(p any) fuse.Status {
			t.opts.Log(fmt.Sprintf("internal error: %v\n%s", p, stack()))
			return fuse.EIO
		},
	}
	if t.opts.NoPassthrough {
		mo.DisabledCapabilities |= fuse.CAP_PASSTHROUGH
	}
	return mo
}

// Dir is the absolute path of the mountpoint.
func (m *Mount) Dir() string { return m.dir }

// Unmount ends the mount. The error is unix.EBUSY, in the sense of errors.Is,
// while files are open or processes stay in it.
func (m *Mount) Unmount() error { return Unmount(m.dir, 0) }

// Detach takes the mount out of the directory tree at once. Whoever has a file
// of it open is served on, so that Wait may take longer.
func (m *Mount) Detach() error { return Unmount(m.dir, unix.MNT_DETACH) }

// Done is closed when nobody can use the mount any longer, whoever unmounted it.
func (m *Mount) Done() <-chan struct{} { return m.done }

// afterServe tidies up when the kernel has ended the conversation.
func (m *Mount) afterServe() {
	// An aborted connection leaves a dead mount behind, on which every
	// access fails: take it away.
	if info, err := mountAt(m.dir); err == nil && info.Dev == m.dev {
		m.tree.opts.Log("the connection to the kernel was aborted")
		if err := m.Detach(); err != nil {
			m.tree.opts.Log(fmt.Sprintf("the dead mount stays: %v", err))
		}
	}
	m.tree.close()
}

// setReadAhead raises the kernel's window of 128 KiB, which is too small where
// each request costs a round trip. Without the right to do so it stays.
func (m *Mount) setReadAhead() {
	os.WriteFile("/sys/class/bdi/"+m.dev+"/read_ahead_kb", fmt.Append(nil, readAhead), 0)
}

// Unmount takes away the topmost mount at dir, by umount2(2) with these flags
// or, for other users than root, by fusermount3.
func Unmount(dir string, flags int) error {
	if os.Geteuid() == 0 {
		err := unix.Unmount(dir, flags|unix.UMOUNT_NOFOLLOW)
		if err != nil {
			return &os.PathError{Op: "umount", Path: dir, Err: err}
		}
		return nil
	}
	args := []string{"-u"}
	if flags&unix.MNT_DETACH != 0 {
		args = append(args, "-z")
	}
	out, err := exec.Command("fusermount3", append(args, "--", dir)...).CombinedOutput()
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(string(out))
	if strings.Contains(text, "busy") {
		return &os.PathError{Op: "umount", Path: dir, Err: unix.EBUSY}
	}
	if text == "" {
		return fmt.Errorf("fusermount3 -u %s: %w", dir, err)
	}
	return errors.New(text)
}

func checkDevice() error {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	switch {
	case err == nil:
		f.Close()
		return nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("the kernel's fuse module is not loaded (modprobe fuse): %w", err)
	}
	return err
}

func mountError(mountpoint string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("cannot mount on %s: not root, and there is no fusermount3 (package fuse3)", mountpoint)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("cannot mount on %s: %w (mounting needs CAP_SYS_ADMIN)", mountpoint, err)
	}
	return fmt.Errorf("cannot mount on %s: %s", mountpoint, strings.TrimSpace(err.Error()))
}

// logWriter makes a log.Logger's output sentences of Options.Log.
type logWriter func(string)

func (w logWriter) Write(p []byte) (int, error) {
	w(strings.TrimSpace(string(p)))
	return len(p), nil
}
