package layout

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestReadArchiveOfAr(t *testing.T) {
	want := []Member{
		{"a.o", []byte("odd")},
		{"a-name-of-more-than-sixteen-bytes.o", []byte("even")},
		{"empty.o", []byte{}},
		{"with space.o", []byte("x")},
	}
	dir := t.TempDir()
	var paths, names []string
	for _, m := range want {
		names = append(names, m.Name)
		path := filepath.Join(dir, m.Name)
		if err := os.WriteFile(path, m.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, format := range []string{"gnu", "bsd", "darwin"} {
		path := filepath.Join(dir, format+".a")
		run(t, "", "llvm-ar-19", append([]string{"rcs", "--format=" + format, path}, paths...)...)
		got, err := ReadArchive(mustRead(t, path), dir, nil)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if format == "darwin" { // pads members
			for i := range got {
				got[i].Data = bytes.TrimRight(got[i].Data, "\n")
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q", format, got)
		}
	}

	// Thin, by paths relative to the archive.
	thin := filepath.Join(dir, "thin.a")
	run(t, "", "sh", append([]string{"-c", `cd "$0" && llvm-ar-19 rcs --thin thin.a "$@"`, dir}, names...)...)
	var opened []string
	got, err := ReadArchive(mustRead(t, thin), dir, func(path string) ([]byte, error) {
		opened = append(opened, path)
		return os.ReadFile(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(opened, paths) {
		t.Errorf("%q of %q", got, opened)
	}
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	_, err = ReadArchive(mustRead(t, thin), dir, os.ReadFile)
	wantError(t, err, "a-name-of-more-than-sixteen-bytes.o: no such file")
}

func TestWriteArchive(t *testing.T) {
	want := []Member{
		{"a.o", []byte("odd")}, {"b.o", []byte{}},
		{strings.Repeat("long", 10), []byte("xx")},
		{"__.SYMDEF", []byte("no index")}, {"#1/3", []byte("y")}, {"dir/a.o", []byte("z")}, {"15 bytes long.o", []byte("w")},
	}
	data := WriteArchive(want)
	got, err := ReadArchive(data, "", nil)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q (%v)", got, err)
	}
	// ar(1) reads it too.
	path := filepath.Join(t.TempDir(), "x.a")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, m := range want {
		names.WriteString(m.Name + "\n")
	}
	if out := run(t, "", "llvm-ar-19", "t", path); out != names.String() {
		t.Errorf("ar lists %q", out)
	}
	if got, err := ReadArchive(WriteArchive(nil), "", nil); err != nil || len(got) != 0 {
		t.Errorf("an empty archive: %q, %v", got, err)
	}
}

func TestReadArchiveRefuses(t *testing.T) {
	header := func(name, size string) string {
		return name + strings.Repeat(" ", 48-len(name)) + size + strings.Repeat(" ", 10-len(size)) + arEnd
	}
	for file, want := range map[string]string{
		"text":                                                 "not an archive",
		arMagic + "short":                                      "bad header",
		arMagic + header("a.o/", "x"):                          "bad size",
		arMagic + header("a.o/", "-1"):                         "bad size",
		arMagic + header("a.o/", "5") + "1":                    "5 bytes, of which the file has 1",
		arMagic + header("/7", "0"):                            "bad reference to its name",
		arMagic + header("/x", "0"):                            "bad reference to its name",
		arMagic + header("//", "2") + "ab" + header("/0", "0"): "its name has no end",
		arMagic + header("#1/9", "2") + "ab":                   "bad length of its name",
		arMagic + header("#1/2", "2") + "a\n":                  "bad name",
		arMagic + header("", "0"):                              "bad name",
	} {
		_, err := ReadArchive([]byte(file), "", nil)
		wantError(t, err, want)
	}
}
