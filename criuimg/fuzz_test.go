package criuimg

import (
	"bytes"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"
)

// FuzzRead reads an image of any kind. What can be read can be written back
// byte for byte, and what can be decoded can be encoded and decoded again.
func FuzzRead(f *testing.F) {
	for i, k := range kinds {
		f.Add(byte(i), append(k.header(), 0, 0, 0, 0))
		for _, s := range synthetics {
			if sk, _ := KindOf(s.name); sk.Template == k.Template {
				data, _ := s.bytes()
				f.Add(byte(i), data[:min(len(data), 1000)])
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		k := kinds[int(kind)%len(kinds)]
		name := sampleName(k)
		img, err := Read(name, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if got, err := img.Bytes(); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("written back as %x, %v", got, err)
		}
		if !k.Framed() {
			return
		}
		r, err := NewReader(name, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			e, err := r.Next()
			if err == io.EOF && i == len(img.Entries) {
				break
			}
			if err != nil || !bytes.Equal(e.Raw(), img.Entries[i].Raw()) || e.payloadSize() != img.Entries[i].payloadSize() {
				t.Fatalf("entry %d: Read and Next differ: %v", i, err)
			}
		}
		var messages []proto.Message
		for _, e := range img.Entries {
			m, err := e.Message()
			if err == nil {
				e.SetMessage(m)
			}
			messages = append(messages, m)
		}
		changed, err := img.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		img, err = Read(name, bytes.NewReader(changed), int64(len(changed)))
		if err != nil || len(img.Entries) != len(messages) {
			t.Fatalf("changed to what cannot be read: %v", err)
		}
		again, err := img.Bytes()
		if err != nil || !bytes.Equal(again, changed) {
			t.Fatalf("%x, written again %x, %v", changed, again, err)
		}
	})
}
