// Package dumptest gives tests the golden dumps, to be changed at will, and the
// pair that they were made of, together with one that they were not made of.
package dumptest

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/pair"
)

// X86 is the golden dump of a process that was parked on x86-64, ARM that of
// one that was asleep on aarch64; each of them has one thread, the number of
// which is its process's.
const (
	X86, X86PID = "x86_64-parked", 61013
	ARM, ARMPID = "aarch64-asleep", 101013
)

// Programs are the paths of the pair on the machines that were dumped.
var Programs = map[elf.Machine]string{
	elf.EM_X86_64:  "/nfs/bin/counter",
	elf.EM_AARCH64: "/nfs/bin/counter.aarch64",
}

// testdata finds the module's directory of that name from the test's.
func testdata(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata")
		}
	}
	t.Fatal("the test does not run inside the module")
	return ""
}

// Golden is the path of a golden dump.
func Golden(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(testdata(t), "dumps", name)
}

// Root is the root directory of the machines that were dumped, as far as it matters.
func Root(t testing.TB) string {
	t.Helper()
	return filepath.Join(testdata(t), "root")
}

// Copy is a copy of a golden dump.
func Copy(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(Golden(t, name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Change rewrites the entries of an image of a copy, one after the other.
func Change[M proto.Message](t testing.TB, dir, name string, f func(M)) {
	t.Helper()
	d, err := criuimg.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	img, err := d.ReadImage(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range img.Entries {
		m, err := criuimg.As[M](e)
		if err != nil {
			t.Fatal(err)
		}
		f(m)
		e.SetMessage(m)
	}
	b, err := img.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// RootWith is a copy of Root in which a program has another content; nil
// removes it.
func RootWith(t testing.TB, program string, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(Root(t))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, program)
	var err error
	if content == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, content, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// RootOfOtherPair is a root directory where the same paths hold another pair: a
// good one, which differs from the golden dumps' in its build ids, as after a
// change to the source that moved no call.
func RootOfOtherPair(t testing.TB) string {
	t.Helper()
	d := pair.Description{Binaries: map[elf.Machine]pair.BinaryDescription{}}
	var linked [][]byte
	var names []string
	for m, name := range Programs {
		path := filepath.Join(Root(t), name)
		f, err := pair.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := f.Binary(m)
		d.Thread, d.Reset, d.Functions = f.Thread, f.Reset, f.Functions
		d.Binaries[m] = pair.BinaryDescription{Points: b.Points}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// As the linker left it: without the sections that sealing adds.
		content = bytes.ReplaceAll(content, []byte(".note.tpfs"), []byte(".note.gone"))
		content = bytes.ReplaceAll(content, []byte(".tpfs."), []byte(".gone."))
		other := bytes.Clone(f.BuildID)
		other[0]++
		linked = append(linked, bytes.ReplaceAll(content, f.BuildID, other))
		names = append(names, name)
	}
	a, b, err := pair.Seal(linked[0], linked[1], d)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, content := range [][]byte{a, b} {
		path := filepath.Join(dir, names[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
