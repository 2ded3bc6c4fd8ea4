// Package view is the seam between those who make a directory of images (a
// dump as another architecture would have written it) and those who show it:
// a mounted file system, or a plain copy on disk.
package view

import (
	"io"
	"time"
)

// Dir is a read-only directory. Listing it is cheap; looking a name up may
// translate the image of that name, since its size must then be exact.
type Dir interface {
	// Names lists the directory. It translates nothing.
	Names() ([]Name, error)

	// Lookup finds an entry. The error is, in the sense of errors.Is,
	// io/fs.ErrNotExist if there is none of that name, syscall.ESTALE if the
	// dump changed since it was opened, or another error whose text tells a
	// person why the image cannot be shown.
	Lookup(name string) (Entry, error)
}

// Name is one line of a listing.
type Name struct {
	Name  string
	IsDir bool
}

// Entry is what a name stands for: a directory or a file, never both.
type Entry struct {
	Dir  Dir
	File File
}

// File is a regular file whose content is known and does not change.
type File interface {
	// Size is the exact length in bytes.
	Size() int64
	// ModTime is the time of the image this file stands for.
	ModTime() time.Time
	// Open makes the content readable. It gives syscall.ESTALE if the dump
	// changed since it was opened.
	Open() (Handle, error)
}

// Handle is an opened file. ReadAt may be called from many goroutines.
type Handle interface {
	io.ReaderAt
	io.Closer
}

// Backed is a Handle whose whole content is that of an open file of the host,
// byte for byte. Readers may take the bytes from the descriptor directly. The
// descriptor stays valid until the Handle is closed.
type Backed interface {
	Handle
	Fd() int
}
