package layout

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestModule(t *testing.T) {
	objects := equalised(t, compileC(t, mainSource))
	module := &Module{Options: []string{"-O2", "--line=\n"}, IR: bytes.Repeat([]byte("BC\xc0\xde\n"), 1000)}
	object, err := Join(objects[0], objects[1], Unit{Name: "main.c", Module: module}, "")
	if err != nil {
		t.Fatal(err)
	}
	if s := openELF(t, object).Section(sectionModule); s.Flags != shfExclude || s.Size > 1000 {
		t.Errorf("%+v", s)
	}
	path := filepath.Join(t.TempDir(), "main.o")
	if err := os.WriteFile(path, object, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "", "strip", "-g", path)
	for name, data := range map[string][]byte{"as joined": object, "after strip -g": mustRead(t, path)} {
		o := &Object{File: &File{Path: name}}
		if err := o.Replace(data); err != nil {
			t.Fatal(err)
		}
		if m, err := o.Module(); err != nil || !reflect.DeepEqual(m, module) {
			t.Errorf("%s: %v", name, err)
		}
	}

	o := &Object{File: &File{Path: "main.o"}}
	if err := o.Replace(mustJoin(t, objects[0], objects[1])); err != nil {
		t.Fatal(err)
	}
	if m, err := o.Module(); m != nil || err != nil {
		t.Errorf("of an object without: %v, %v", m, err)
	}
	wantError(t, o.Replace(objects[0]), "main.o: not made by tpcc")
}

func TestDamagedModule(t *testing.T) {
	good, err := (&Module{Options: []string{"-O2"}, IR: []byte("module")}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                           "no line of options",
		"{}\n":                       "options: ",
		"[]\nnot compressed":         "IR: ",
		string(good[:len(good)-1]):   "IR: unexpected EOF",
		"[\"-O2\"]" + string(good):   "options: ",
		string(good[:len("[\"-O2")]): "no line of options",
	} {
		_, err := decodeModule([]byte(text))
		wantError(t, err, want)
	}
}
