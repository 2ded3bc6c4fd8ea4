package fs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseMountInfo(t *testing.T) {
	for _, c := range []struct {
		line string
		want MountInfo
		ok   bool
	}{
		{"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
			MountInfo{"/mnt2", "98:0", "ext3", "/dev/root"}, true},
		{`40 35 0:45 / /a\040b\134c\011 rw - fuse.tpfs /x\040-\040y rw`,
			MountInfo{"/a b\\c\t", "0:45", "fuse.tpfs", "/x - y"}, true},
		{"40 35 0:45 / /mnt rw shared:1 master:2 - fuse.tpfs  rw",
			MountInfo{"/mnt", "0:45", "fuse.tpfs", ""}, true},
		{"40 35 0:45 / /no\u00a0break\u2003space rw - tmpfs none rw",
			MountInfo{"/no\u00a0break\u2003space", "0:45", "tmpfs", "none"}, true},
		{"40 35 0:45 / /mnt rw", MountInfo{}, false},
		{"- -", MountInfo{}, false},
		{"", MountInfo{}, false},
	} {
		got, ok := parseMountInfo(c.line)
		if got != c.want || ok != c.ok {
			t.Errorf("%q: %+v, %v; want %+v, %v", c.line, got, ok, c.want, c.ok)
		}
	}
	for in, want := range map[string]string{`\04`: `\04`, `\999`: `\999`, `\`: `\`, `a\134b`: `a\b`} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzParseMountInfo writes lines as the kernel does (show_mountinfo and mangle
// in fs/proc_namespace.c) for mounts of any names, and spoils them.
func FuzzParseMountInfo(f *testing.F) {
	f.Add("/mnt", "tmpfs", "none", "shared:1 master:2", "")
	f.Add("/a b\t\\040", "fuse.tpfs", "/x - y\n", "", "")
	f.Add("", "", "", "", " - ")
	f.Fuzz(func(t *testing.T, dir, typ, source, fields, line string) {
		parseMountInfo(line) // whatever it is

		mangle := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`).Replace
		if slices.Contains(strings.Split(fields, " "), "-") || strings.Contains(typ, " ") {
			return // no such fields or types
		}
		line = fmt.Sprintf("40 35 0:45 / %s rw %s - %s %s rw", mangle(dir), fields, typ, mangle(source))
		got, ok := parseMountInfo(line)
		if want := (MountInfo{dir, "0:45", typ, source}); got != want || !ok {
			t.Errorf("%q: %+v, %v; want %+v", line, got, ok, want)
		}
	})
}
