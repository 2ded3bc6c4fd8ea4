package layout

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Magic numbers of archives, as written by ar(1).
const (
	arMagic  = "!<arch>\n"
	arThin   = "!<thin>\n"
	arHeader = 60
	arEnd    = "`\n"
)

// IsArchive tells whether a file is an archive, thin or not.
func IsArchive(file []byte) bool {
	return bytes.HasPrefix(file, []byte(arMagic)) || bytes.HasPrefix(file, []byte(arThin))
}

// A Member is one file of an archive.
type Member struct {
	Name string
	Data []byte
}

// ReadArchive reads an archive, in the formats of GNU and BSD. The members of
// a thin one are read by open, by their paths as seen from the archive's
// folder dir. Symbol indexes are left out.
func ReadArchive(file []byte, dir string, open func(path string) ([]byte, error)) ([]Member, error) {
	thin := bytes.HasPrefix(file, []byte(arThin))
	if !thin && !bytes.HasPrefix(file, []byte(arMagic)) {
		return nil, errors.New("not an archive")
	}
	var members []Member
	var longNames []byte
	for off := len(arMagic); off < len(file); {
		fail := func(err error) ([]Member, error) { return nil, fmt.Errorf("archive member at %#x: %w", off, err) }
		if len(file)-off < arHeader || string(file[off+58:off+60]) != arEnd {
			return fail(errors.New("bad header"))
		}
		head := file[off : off+arHeader]
		name := strings.TrimRight(string(head[:16]), " ")
		size, err := strconv.ParseUint(strings.TrimRight(string(head[48:58]), " "), 10, 40)
		if err != nil {
			return fail(errors.New("bad size"))
		}
		at := off + arHeader
		special := name == "/" || name == "//" || name == "/SYM64/" || strings.HasPrefix(name, "__.SYMDEF")
		var data []byte
		next := at
		if !thin || special {
			if size > uint64(len(file)-at) {
				return fail(fmt.Errorf("%d bytes, of which the file has %d", size, len(file)-at))
			}
			data = file[at : at+int(size) : at+int(size)]
			next = at + int(size) + int(size%2) // the last may lack its padding
		}
		switch {
		case name == "//":
			longNames = data
		case special:
		default:
			if long, ok := strings.CutPrefix(name, "#1/"); ok { // BSD: the name comes first
				n, err := strconv.ParseUint(long, 10, 31)
				if err != nil || n > uint64(len(data)) {
					return fail(errors.New("bad length of its name"))
				}
				name, data = strings.TrimRight(string(data[:n]), "\x00"), data[n:]
				if strings.HasPrefix(name, "__.SYMDEF") {
					break
				}
			} else if ref, ok := strings.CutPrefix(name, "/"); ok { // GNU: a place in the table
				i, err := strconv.ParseUint(ref, 10, 31)
				if err != nil || i >= uint64(len(longNames)) {
					return fail(errors.New("bad reference to its name"))
				}
				rest := longNames[i:min(len(longNames), int(i)+maxName)]
				end := bytes.IndexByte(rest, '\n')
				if end < 0 {
					return fail(errors.New("its name has no end"))
				}
				name = string(rest[:end])
			}
			name = strings.TrimSuffix(name, "/")
			if name == "" || strings.ContainsAny(name, "\n\x00") {
				return fail(fmt.Errorf("bad name %q", name))
			}
			m := Member{Name: name, Data: data}
			if thin {
				path := name
				if !filepath.IsAbs(path) {
					path = filepath.Join(dir, path)
				}
				if m.Data, err = open(path); err != nil {
					return nil, err
				}
			}
			members = append(members, m)
		}
		off = next
	}
	return members, nil
}

// WriteArchive makes an archive, in the format of GNU and without an index of
// symbols, which lld does not need.
func WriteArchive(members []Member) []byte {
	var names []byte
	refs := make([]string, len(members))
	for i, m := range members {
		if len(m.Name) < 16 && plainName(m.Name) {
			refs[i] = m.Name + "/"
			continue
		}
		refs[i] = "/" + strconv.Itoa(len(names))
		names = append(append(names, m.Name...), "/\n"...)
	}
	out := []byte(arMagic)
	add := func(name string, data []byte) {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8o%-10d%s", name, 0, 0, 0, 0o644, len(data), arEnd)
		if out = append(out, data...); len(data)%2 != 0 {
			out = append(out, '\n')
		}
	}
	if names != nil {
		add("//", names)
	}
	for i, m := range members {
		add(refs[i], m.Data)
	}
	return out
}

// plainName tells whether a name cannot be taken for one with a meaning.
func plainName(name string) bool {
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
	}
	return !strings.HasPrefix(name, "__.") && strings.IndexFunc(name, special) < 0
}
