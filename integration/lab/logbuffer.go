package lab

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// logBuffer keeps the last part of what a child prints, and copies all of it
// to a file if there is one.
type logBuffer struct {
	mu     sync.Mutex
	buf    []byte
	copy   io.WriteCloser // nil if there is none
	marker string         // what await waits for
	seen   chan struct{}  // closed when the marker has come
}

// logKeep is how many bytes are kept at least.
const logKeep = 256 << 10

// newLogBuffer makes one that copies to dir/name, or nowhere if dir is "".
func newLogBuffer(dir, name, marker string) (*logBuffer, error) {
	b := &logBuffer{marker: marker, seen: make(chan struct{})}
	if dir == "" {
		return b, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	b.copy = f
	return b, nil
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	from := max(0, len(b.buf)-len(b.marker)) // it may have come in two parts
	b.buf = append(b.buf, p...)
	if b.marker != "" && bytes.Contains(b.buf[from:], []byte(b.marker)) {
		b.marker = ""
		close(b.seen)
	}
	if len(b.buf) > 2*logKeep {
		b.buf = append([]byte(nil), b.buf[len(b.buf)-logKeep:]...)
	}
	if b.copy != nil {
		b.copy.Write(p) // a full disk must not end the child
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.buf)
}

// tail is the last lines, as the end of an error.
func (b *logBuffer) tail() string {
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

func (b *logBuffer) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.copy == nil {
		return nil
	}
	err := b.copy.Close()
	b.copy = nil
	return err
}
