package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// initrd is the content of a guest's root, by path without a leading slash.
// All of it belongs to root.
type initrd map[string]node

type node struct {
	mode uint32 // type and permissions as in st_mode
	data []byte // of a file, or the target of a link
}

const (
	typeMask = 0o170000
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

func (n node) isDir() bool { return n.mode&typeMask == typeDir }

func (fs initrd) dir(paths ...string) {
	for _, p := range paths {
		fs.put(p, node{mode: typeDir | 0o755})
	}
}

func (fs initrd) file(p string, mode uint32, data []byte) {
	fs.put(p, node{mode: typeFile | mode, data: data})
}

func (fs initrd) link(p, target string) {
	fs.put(p, node{mode: typeLink | 0o777, data: []byte(target)})
}

// put adds a node and the directories above it. A directory does not take the
// place of what is there: packages ship many, and some as links.
func (fs initrd) put(p string, n node) {
	p = merged(p)
	if p == "" {
		return
	}
	if _, there := fs[p]; there && n.isDir() {
		return
	}
	fs.dir(path.Dir(p))
	fs[p] = n
}

// merged gives a path as it is with the merged /usr that all Debian has, where
// /lib and its like are links into /usr. Some packages still ship them.
func merged(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	top, rest, below := strings.Cut(p, "/")
	if below && slices.Contains(usrLinks, top) {
		return "usr/" + top + "/" + rest
	}
	return p
}

var usrLinks = []string{"bin", "sbin", "lib", "lib64"}

// addDeb adds a package's files for which keep is true.
func (fs initrd) addDeb(ctx context.Context, file string, keep func(path string) bool) error {
	return readDeb(ctx, file, func(h *tar.Header, r io.Reader) error {
		p := merged(h.Name)
		if !keep(p) {
			return nil
		}
		mode := uint32(h.Mode & 0o7777)
		switch h.Typeflag {
		case tar.TypeDir:
			fs.put(p, node{mode: typeDir | mode})
		case tar.TypeReg:
			data, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			fs.file(p, mode, data)
		case tar.TypeSymlink:
			fs.link(p, h.Linkname)
		case tar.TypeLink:
			target, ok := fs[merged(h.Linkname)]
			if !ok {
				return fmt.Errorf("%s is a hard link to %s, which is not there", p, h.Linkname)
			}
			fs.put(p, target)
		}
		return nil
	})
}

// readDeb calls f for each file of a package.
func readDeb(ctx context.Context, file string, f func(*tar.Header, io.Reader) error) error {
	data, err := output(exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", file))
	if err != nil {
		return err
	}
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f(h, tr)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
}

// writeTo writes the cpio archive, in the format "newc" of the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst.
func (fs initrd) writeTo(w io.Writer) error {
	var err error
	put := func(b []byte) { // pads to a multiple of 4
		if err == nil {
			_, err = w.Write(append(b[:len(b):len(b)], make([]byte, -len(b)&3)...))
		}
	}
	entry := func(ino int, name string, n node) {
		nlink := 1
		if n.isDir() {
			nlink = 2
		}
		// magic, ino, mode, uid, gid, nlink, mtime, filesize, device major and
		// minor, rdev major and minor, length of the name with its NUL, check
		put(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			ino, n.mode, 0, 0, nlink, 0, len(n.data), 0, 0, 0, 0, len(name)+1, 0, name))
		put(n.data)
	}
	for i, name := range slices.Sorted(maps.Keys(fs)) {
		entry(i+1, name, fs[name])
	}
	entry(0, "TRAILER!!!", node{})
	return err
}
