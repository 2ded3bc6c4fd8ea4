package layout

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestUnitJSON(t *testing.T) {
	const line = `{"unit":"lua/lvm.c","functions":[{"name":"luaV_execute","local":false,"frame":176,"reason":"",` +
		`"sites":[{"id":"00000000000000ff","callee":"luaG_typeerror"}],"jumps":[{"slot":64,"site":"9f00000000000001"}]}]}` + "\n"
	units, err := ParseUnits([]byte(line + line))
	if err != nil {
		t.Fatal(err)
	}
	want := Unit{Name: "lua/lvm.c", Functions: []Function{{
		Name: "luaV_execute", Frame: 176, Sites: []Site{{0xff, "luaG_typeerror"}}, Jumps: []Jump{{64, 0x9f00000000000001}},
	}}}
	if !reflect.DeepEqual(units, []Unit{want, want}) {
		t.Errorf("%+v", units)
	}
	if text, err := json.Marshal(want); err != nil || string(text)+"\n" != line {
		t.Errorf("%s (%v)", text, err)
	}
	for text, want := range map[string]string{
		`{"unit":"a"} x`: "unit 1: ",
		`{"functions":[{"sites":[{"id":"12"}]}]}`:               `ID "12": not 16 hexadecimal digits`,
		`{"functions":[{"sites":[{"id":"zzzzzzzzzzzzzzzz"}]}]}`: "not 16 hexadecimal digits",
		`{"functions":[{"sites":[{"id":"+123456789abcdef"}]}]}`: "not 16 hexadecimal digits",
	} {
		_, err := ParseUnits([]byte(text))
		wantError(t, err, want)
	}
}

func TestJoinAndSplit(t *testing.T) {
	objects := equalised(t, compileC(t, mainSource))
	object, err := Join(objects[0], objects[1], Unit{Name: "main.c"}, "for the test")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(object)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parts[X86_64], object) || !bytes.Equal(parts[AArch64], objects[1]) {
		t.Error("the parts are not what was joined")
	}
	f := openELF(t, object)
	if s := f.Section(sectionAArch64); s.Flags != shfExclude {
		t.Errorf("%+v", s)
	}
	line, err := f.Section(sectionUnit).Data()
	if err != nil || bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
		t.Errorf("%q (%v)", line, err)
	}
	units, err := ParseUnits(line)
	if err != nil || len(units) != 1 || units[0].Name != "main.c" {
		t.Fatalf("%+v (%v)", units, err)
	}
	var names []string
	for _, f := range units[0].Functions {
		names = append(names, f.Name)
		if f.Reason != "for the test" || f.Local != (f.Name == "hex") {
			t.Errorf("%+v", f)
		}
	}
	slices.Sort(names)
	if want := []string{"choose", "hex", "scale", "start"}; !slices.Equal(names, want) {
		t.Errorf("functions %q, want %q", names, want)
	}
	if n := f.Section(sectionFunctions).Size; n != 4*functionRowSize {
		t.Errorf("%d bytes of functions", n)
	}

	// Any ar, nm or objcopy takes the object.
	path := filepath.Join(t.TempDir(), "main.o")
	if err := os.WriteFile(path, object, 0o644); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "", "nm", path); !strings.Contains(out, " T choose\n") {
		t.Errorf("nm: %s", out)
	}
	run(t, "", "strip", "-g", path)
	if parts, err := Split(mustRead(t, path)); err != nil || !bytes.Equal(parts[AArch64], objects[1]) {
		t.Errorf("after strip -g: %v", err)
	}

	_, err = Join(object, objects[1], Unit{}, "")
	wantError(t, err, "has a section .tpfs.unit already")
}

// The place of a function ends where the next one begins, or its section.
func TestJoinSizes(t *testing.T) {
	objects := equalised(t, assemble(t, `
	.text
	.globl f, g, alias
	.type f, @function
	.type g, @function
	.type alias, @function
	.type private, @function
f:	.zero 8
g:
alias:	.zero 8
#ifdef __aarch64__
	.zero 16
#endif
	.section .tpfs.private.text, "ax"
private: .zero 4
`))
	object, err := Join(objects[0], objects[1], Unit{}, "assembly")
	if err != nil {
		t.Fatal(err)
	}
	f := openELF(t, object)
	line, _ := f.Section(sectionUnit).Data()
	rows, _ := f.Section(sectionFunctions).Data()
	units, err := ParseUnits(line)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for i, fn := range units[0].Functions {
		got[fn.Name] = binary.LittleEndian.Uint64(rows[i*functionRowSize+8:])
	}
	if want := map[string]uint64{"f": 8, "g": 24}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A function that another unit replaces is listed where it is, not where the
// other one is.
func TestReplacedFunction(t *testing.T) {
	dir := t.TempDir()
	weak := joined(t, dir, "weak.o", compileC(t, "__attribute__((weak)) int counted(int x) { return x; }"), Unit{})
	linked := link(t, append([]string{weak}, sampleFiles(t)[:2]...)...)
	list, err := Functions(linked[X86_64])
	if err != nil {
		t.Fatal(err)
	}
	_ = list
	strong := joined(t, dir, "strong.o", compileC(t, counterSource), Unit{})
	linked = link(t, append([]string{weak, strong}, sampleFiles(t)[:2]...)...)
	if list, err = Functions(linked[X86_64]); err != nil {
		t.Fatal(err)
	}
	at := map[uint64]bool{}
	for _, f := range list {
		if at[f.Addr] {
			t.Errorf("%s of %s is where another function is", f.Name, f.Unit)
		}
		at[f.Addr] = true
	}
}

func TestSplitRefuses(t *testing.T) {
	native := compileC(t, counterSource)
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"plain", native[0], "not made by tpcc"},
		{"of aarch64", native[1], "an object for EM_AARCH64: not made by tpcc"},
		{"text", []byte("text"), "not an object file"},
		{"twice of one ISA", mustJoin(t, native[0], native[0]), "section .tpfs.aarch64: an object for EM_X86_64"},
		{"with text in it", mustJoin(t, native[0], []byte("text")), "section .tpfs.aarch64: not an object file"},
	} {
		_, err := Split(test.file)
		wantError(t, err, test.want)
	}
}

func mustJoin(t testing.TB, x86, arm []byte) []byte {
	t.Helper()
	data, err := Join(x86, arm, Unit{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// stackmap is one of LLVM's, of one function with records of these IDs.
func stackmap(ids ...uint64) string {
	b := []byte{3, 0, 0, 0}
	le := binary.LittleEndian
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 1), 1), uint32(len(ids)))
	b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, 0x1000), 8), uint64(len(ids)))
	b = le.AppendUint64(b, 0x77) // a constant
	for _, id := range ids {
		b = le.AppendUint64(b, id)
		b = append(b, 4, 0, 0, 0, 0, 0, 1, 0) // offset 4, one location
		b = append(b, make([]byte, 12+4)...)  // the location, to 8 bytes
		b = append(b, 0, 0, 1, 0, 1, 2, 3, 4) // one live-out
	}
	var lines strings.Builder
	for _, c := range b {
		fmt.Fprintf(&lines, "\t.byte %d\n", c)
	}
	return "\t.section .llvm_stackmaps,\"a\",@progbits\n\t.balign 8\n" + lines.String()
}

func TestUniqueIDs(t *testing.T) {
	dir := t.TempDir()
	files := sampleFiles(t)
	unit := func(name string, function string, ids ...uint64) string {
		u := Unit{Functions: []Function{{Name: function}}}
		for _, id := range ids {
			u.Functions[0].Sites = append(u.Functions[0].Sites, Site{ID: ID(id)})
			u.Functions[0].Jumps = append(u.Functions[0].Jumps, Jump{Site: ID(id)})
		}
		return joined(t, dir, name, assemble(t, "\t.section .text."+function+",\"ax\"\n\t.type "+function+", @function\n"+function+":\tnop\n"+stackmap(ids...)), u)
	}
	paths := append(files, unit("a.o", "first", 1, 2, 3), unit("b.o", "second", 2, 4), unit("c.o", "third", 2, 3))
	linked := link(t, paths...)
	list, err := Functions(linked[X86_64])
	if err != nil {
		t.Fatal(err)
	}
	if err := UniqueIDs(linked, list); err != nil {
		t.Fatal(err)
	}
	var ids []ID
	for _, f := range list {
		if f.Unit != "a.o" && f.Unit != "b.o" && f.Unit != "c.o" {
			continue
		}
		for i, s := range f.Sites {
			ids = append(ids, s.ID)
			if f.Jumps[i].Site != s.ID {
				t.Errorf("the jump of site %x refers to %x", s.ID, f.Jumps[i].Site)
			}
		}
	}
	seen := map[ID]bool{}
	for _, id := range ids {
		if seen[id] || id == 0 || id >= 1<<63 {
			t.Errorf("ID %x", id)
		}
		seen[id] = true
	}
	if !slices.Equal(ids[:3], []ID{1, 2, 3}) || ids[4] != 4 {
		t.Errorf("IDs without need for it changed: %x", ids)
	}
	for _, isa := range ISAs {
		data, err := openELF(t, linked[isa]).Section(sectionStackmaps).Data()
		if err != nil {
			t.Fatal(err)
		}
		var got []ID
		for at := 0; at < len(data); {
			n := int(binary.LittleEndian.Uint32(data[at+12:]))
			for at += 16 + 24 + 8; n > 0; n-- {
				got = append(got, ID(binary.LittleEndian.Uint64(data[at:])))
				at += 40
			}
		}
		if !slices.Equal(got, ids) {
			t.Errorf("%v: records %x, units %x", isa, got, ids)
		}
	}

	// A record that is there twice stands for no second unit.
	linked = link(t, append(files, unit("a.o", "first", 5, 5), unit("b.o", "second", 5))...)
	if list, err = Functions(linked[X86_64]); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Unit == "a.o" {
			list[i].Sites = list[i].Sites[:1]
		}
	}
	wantError(t, UniqueIDs(linked, list), "x86_64: section .llvm_stackmaps: 3 records of site 0000000000000005, where the units have 2")
}

func TestUniqueIDsRefuses(t *testing.T) {
	linked := link(t, append(sampleFiles(t), joined(t, t.TempDir(), "a.o", assemble(t, stackmap(1)), Unit{}))...)
	s := openELF(t, linked[0]).Section(sectionStackmaps)
	for _, test := range []struct {
		at   uint64
		b    byte
		want string
	}{
		{0, 4, "not a stack map of version 3"},
		{4, 255, "ends too early"},
		{12, 255, "ends too early"},
		{16 + 24 + 8 + 14, 255, "ends too early"},
		{16 + 24 + 8 + 16 + 16 + 2, 255, "ends too early"},
	} {
		changed := slices.Clone(linked[0])
		changed[s.Offset+test.at] = test.b
		wantError(t, UniqueIDs([2][]byte{changed, linked[1]}, nil), test.want)
	}
}

func TestFunctionsRefuses(t *testing.T) {
	linked := link(t, sampleFiles(t)...)[0]
	set := func(name string, size uint64) []byte {
		b := slices.Clone(linked)
		var h elf.Header64
		if _, err := binary.Decode(b, binary.LittleEndian, &h); err != nil {
			t.Fatal(err)
		}
		for i, s := range openELF(t, b).Sections {
			if s.Name == name {
				binary.LittleEndian.PutUint64(b[int(h.Shoff)+i*sectionHeaderSize+32:], size)
			}
		}
		return b
	}
	for _, test := range []struct {
		file []byte
		want string
	}{
		{set(sectionFunctions, 16), "nothing of function "},
		{set(sectionUnit, 0), "belong to no function"},
		{set(sectionUnit, 10), "unit 0: unexpected EOF"},
		{[]byte("text"), "EOF"},
	} {
		_, err := Functions(test.file)
		wantError(t, err, test.want)
	}
}
