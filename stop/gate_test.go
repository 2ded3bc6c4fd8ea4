package stop

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A gate is a file whose writers wait, as for a file server that is dead,
// until it is opened.
type gate struct {
	path string // of the file
	fs.Inode

	opened  chan struct{}
	mu      sync.Mutex
	writers int
	written bytes.Buffer
}

func serveGate(t *testing.T) *gate {
	t.Helper()
	dir := t.TempDir()
	g := &gate{path: filepath.Join(dir, "gate"), opened: make(chan struct{})}
	root := &gateRoot{gate: g}
	server, err := mount(dir, root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(g.open) // or the writer could not even be killed
	return g
}

// mount mounts a file system so that it ends with this process. go-fuse opens
// /dev/fuse without O_CLOEXEC: a program started by another test would keep the
// file system, and its writer, waiting for us for ever.
func mount(dir string, root fs.InodeEmbedder) (*fuse.Server, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	server, err := fs.Mount(dir, root, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "gate"}})
	if err != nil {
		return nil, err
	}
	const fds = "/proc/self/fd/"
	names, err := os.ReadDir(fds)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if to, _ := os.Readlink(fds + n.Name()); to == "/dev/fuse" {
			fd, err := strconv.Atoi(n.Name())
			if err != nil {
				return nil, err
			}
			syscall.CloseOnExec(fd)
		}
	}
	return server, nil
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

// waiting tells whether somebody writes.
func (g *gate) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.writers > 0
}

func (g *gate) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.written.String()
}

type gateRoot struct {
	fs.Inode
	gate *gate
}

func (r *gateRoot) OnAdd(ctx context.Context) {
	r.AddChild("gate", r.NewPersistentInode(ctx, r.gate, fs.StableAttr{Mode: syscall.S_IFREG}), false)
}

var (
	_ fs.NodeOpener    = (*gate)(nil)
	_ fs.NodeWriter    = (*gate)(nil)
	_ fs.NodeGetattrer = (*gate)(nil)
)

func (g *gate) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = 0o666
	return 0
}

func (g *gate) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

// Write does not heed that the writer is interrupted.
func (g *gate) Write(_ context.Context, _ fs.FileHandle, data []byte, _ int64) (uint32, syscall.Errno) {
	g.mu.Lock()
	g.writers++
	g.mu.Unlock()
	<-g.opened
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writers--
	g.written.Write(data)
	return uint32(len(data)), 0
}
