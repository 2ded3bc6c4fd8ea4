package criuimg

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// dumps is where the dumps lie that CRIU has written.
const dumps = "../testdata/dumps"

// TestRoundTripDump reads all images of real dumps. Written back they must be
// the same; what is encoded anew must say the same; pages must be where the
// pagemaps say.
func TestRoundTripDump(t *testing.T) {
	found := 0
	err := filepath.WalkDir(dumps, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() {
			return nil
		}
		if _, err := os.Stat(filepath.Join(path, "inventory.img")); err != nil {
			return nil
		}
		found++
		rel, err := filepath.Rel(dumps, path)
		check(t, err)
		t.Run(rel, func(t *testing.T) { roundTrip(t, path) })
		return nil
	})
	check(t, err)
	if found == 0 {
		t.Errorf("%s holds no dump", dumps)
	}
}

func roundTrip(t *testing.T, path string) {
	d := openTestDir(t, path)
	names, err := d.Names()
	check(t, err)
	for _, name := range names {
		f, err := d.Open(name)
		check(t, err)
		defer f.Close()
		img, err := Read(name, f, f.Size())
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := os.ReadFile(filepath.Join(path, name))
		check(t, err)
		if got, err := img.Bytes(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: written back differently: %v", name, err)
		}
		for _, e := range img.Entries {
			if e.typ == nil {
				continue // pidfd
			}
			m, err := e.Message()
			if err != nil {
				t.Error(err)
				continue
			}
			if len(e.Raw()) > 0 && proto.Size(m) == 0 {
				t.Errorf("%s: entry %d says nothing", name, e.Index)
			}
			e.SetMessage(proto.Clone(m))
			b, err := e.encode()
			check(t, err)
			again := e.typ.New().Interface()
			check(t, proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(b, again))
			if !proto.Equal(m, again) {
				t.Errorf("%s: entry %d: encoded anew it is another", name, e.Index)
			}
		}
		if img.Kind.Magic != "PAGEMAP" {
			continue
		}
		kind, id := Task, mustID(t, name)
		if img.Kind.Template == "pagemap-shmem-%u.img" {
			kind = Shmem
		}
		s, err := OpenPages(d, kind, id)
		check(t, err)
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		p := make([]byte, PageSize)
		for _, e := range s.Extents() {
			for a := e.Addr; a < e.End(); a += PageSize {
				if _, err := s.ReadAt(p, int64(a)); err != nil && e.Flags != PELazy {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		check(t, s.Close())
	}
}

func mustID(t *testing.T, name string) uint64 {
	id, ok := IDOf(name)
	if !ok {
		t.Fatalf("%s has no id", name)
	}
	return id
}

// TestPayloadOfCRIU reads images with payload as CRIU 4.1.1 wrote them of
// processes with
//   - a System V queue of messages of 3, 8 and 20 bytes and an empty one, sets
//     of 3 and 4 semaphores, shared memory of 5000 bytes;
//   - a deleted file of 32 MiB with "sparse" at 1 MiB and 5000 times "x" at 8 MiB;
//   - a pipe, a FIFO, a stream socket and a datagram socket with data in them.
func TestPayloadOfCRIU(t *testing.T) {
	d := openTestDir(t, "testdata/criu-4.1.1")
	pad := func(s string, n int) string { return s + strings.Repeat("\x00", n-len(s)) }
	tests := []struct {
		name    string
		payload []string // of each entry
	}{
		{"ipcns-msg-9.img", []string{"", pad("abc", 8), "abcdefgh", pad("abcdefghijklmnopqrs", 24), ""}},
		{"ipcns-sem-9.img", []string{pad("", 8), pad("", 8)}},
		{"ipcns-shm-9.img", []string{""}},
		{"ghost-file-1.img", []string{"", pad("sparse", 4096), pad(strings.Repeat("x", 5000), 8192)}},
		{"pipes-data.img", []string{strings.Repeat("hello pipe", 100)}},
		{"fifo-data.img", []string{"fifodata"}},
		{"sk-queues.img", []string{"queued data", "one", "twothree"}},
		{"stats-dump", []string{""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := d.Open(test.name)
			check(t, err)
			defer f.Close()
			img, err := Read(test.name, f, f.Size())
			check(t, err)
			var payload []string
			for _, e := range img.Entries {
				s := ""
				if p := e.Payload(); p != nil {
					b, err := io.ReadAll(p)
					check(t, err)
					s = string(b)
				}
				payload = append(payload, s)
			}
			if !slices.Equal(payload, test.payload) {
				t.Errorf("payload %.100q\nwant %.100q", payload, test.payload)
			}
		})
	}
	roundTrip(t, "testdata/criu-4.1.1")
}
