package criuimg

import (
	"fmt"
	"strings"
)

// Error says what is wrong with an image, and where.
type Error struct {
	Image  string // name of the file, or its path where several directories are at play
	Entry  int    // index of the entry, -1 if none is concerned
	Offset int64  // position in the file in bytes: of the entry's length field, if there is an entry; -1 if unknown
	Reason string
	Err    error // cause, may be nil; Reason already says what it says
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Image)
	if e.Entry >= 0 {
		fmt.Fprintf(&b, ": entry %d", e.Entry)
		if e.Offset >= 0 {
			fmt.Fprintf(&b, " at byte %d", e.Offset)
		}
	} else if e.Offset >= 0 {
		fmt.Fprintf(&b, ": byte %d", e.Offset)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// imageErrorf makes an error about an image as a whole. An error among the
// arguments becomes its cause.
func imageErrorf(image, format string, args ...any) *Error {
	return entryErrorf(image, -1, -1, format, args...)
}

func entryErrorf(image string, entry int, offset int64, format string, args ...any) *Error {
	e := &Error{Image: image, Entry: entry, Offset: offset, Reason: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			e.Err = err
		}
	}
	return e
}
