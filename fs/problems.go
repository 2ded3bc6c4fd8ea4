package fs

import (
	"encoding/json"
	"errors"
	iofs "io/fs"
	"runtime"
	"sync"
	"syscall"
)

// maxProblems bounds the memory that a reader who fails in ever new ways can
// take. What comes after is still refused, but neither logged nor listed.
const maxProblems = 256

// A problem is what kept a reader from an image.
type problem struct {
	// Image is the path below the mountpoint; empty if it is not known.
	Image string `json:"image"`
	Error string `json:"error"`
}

// problems are those met so far, each of them once.
type problems struct {
	log  func(string)
	more func() []error // what the view knows beyond; may be nil

	mu   sync.Mutex
	list []problem
}

// errno is what a reader of image gets for err. All but a missing name is put
// on record.
func (p *problems) errno(image string, err error) syscall.Errno {
	if errors.Is(err, iofs.ErrNotExist) {
		return syscall.ENOENT
	}
	errno, text := syscall.EIO, err.Error()
	if errors.Is(err, syscall.ESTALE) {
		errno = syscall.ESTALE
		if text == syscall.ESTALE.Error() {
			text = image + ": the source changed since it was mounted; unmount it and mount it again"
		}
	}
	p.add(problem{image, text})
	return errno
}

func (p *problems) add(new problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) == maxProblems {
		return
	}
	said := false
	for _, old := range p.list {
		if old == new {
			return
		}
		said = said || old.Error == new.Error // of another image of the process
	}
	p.list = append(p.list, new)
	if !said {
		p.log(new.Error)
	}
}

// json is the content of errors.json.
func (p *problems) json() []byte {
	var more []error
	if p.more != nil {
		more = p.more()
	}
	p.mu.Lock()
	all := append([]problem{}, p.list...)
	p.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range all {
		seen[e.Error] = true
	}
	for _, err := range more {
		if text := err.Error(); !seen[text] {
			seen[text] = true
			all = append(all, problem{Error: text})
		}
	}
	out, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return append(out, '\n')
}

// stack is the calling goroutine's, for the log.
func stack() []byte {
	buf := make([]byte, 16<<10)
	return buf[:runtime.Stack(buf, false)]
}
