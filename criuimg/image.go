package criuimg

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// MaxImage bounds in bytes what Read keeps of an image: its entries, each
	// with entryCost. Payload does not count, it is not loaded.
	MaxImage = 256 << 20
	// MaxEntry bounds in bytes one encoded entry.
	MaxEntry = 16 << 20
	// MaxMessages bounds the messages of an image: its entries, and what lies
	// within them at any depth. Without it two-byte messages would decode to a
	// hundred times their size. The most are in files.img of processes with
	// hundreds of thousands of open files, three for each.
	MaxMessages = 1 << 21

	// entryCost is what an Entry takes besides its encoding, rounded up.
	entryCost = 192
	// maxDepth is how deep messages may lie within each other; only cgroup
	// directories do so at will.
	maxDepth = 1000
)

var le = binary.LittleEndian

// Entry is one message of an image, with the payload that follows it.
type Entry struct {
	Index  int   // from 0
	Offset int64 // of the entry's length field in the file, in bytes; 0 in a new image

	image   string
	typ     protoreflect.MessageType // nil: unknown
	raw     []byte
	count   int // messages in raw, itself among them; 0 if the type is unknown
	msg     proto.Message
	changed bool
	payload *io.SectionReader // nil: none
}

// Raw is the entry's protobuf as it was read; nil for an entry of a new image.
// It must not be changed.
func (e *Entry) Raw() []byte { return e.raw }

// Payload is what follows the entry in the file, nil if nothing does. It reads
// from the source of the image, which must still be open.
func (e *Entry) Payload() *io.SectionReader { return e.payload }

// Message decodes the entry when first asked and gives the same message ever
// after. Required fields may be missing, unknown ones are kept. A message that
// was changed in place is written only after SetMessage. Message is not safe
// for use by several goroutines.
func (e *Entry) Message() (proto.Message, error) {
	if e.msg != nil {
		return e.msg, nil
	}
	m, err := e.decode()
	if err != nil {
		return nil, err
	}
	e.msg = m
	return m, nil
}

// decode decodes the entry and does not keep the message: of an image with
// payload all entries are looked at, more than should stay in memory.
func (e *Entry) decode() (proto.Message, error) {
	if e.typ == nil {
		return nil, e.errorf("its type is unknown to this version of tpfs")
	}
	m := e.typ.New().Interface()
	if err := (proto.UnmarshalOptions{AllowPartial: true, RecursionLimit: maxDepth + 1}).Unmarshal(e.raw, m); err != nil {
		return nil, e.errorf("not a %s: %v", e.typ.Descriptor().Name(), err)
	}
	return m, nil
}

// SetMessage makes m the entry's message, to be encoded anew when the image is
// written. Its type must be what the image has in this place.
func (e *Entry) SetMessage(m proto.Message) {
	e.msg, e.changed = m, true
}

func (e *Entry) errorf(format string, args ...any) error {
	return entryErrorf(e.image, e.Index, e.Offset, format, args...)
}

// encode gives the bytes to be written for the entry's message.
func (e *Entry) encode() ([]byte, error) {
	if !e.changed {
		return e.raw, nil
	}
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(e.msg)
	if err != nil {
		return nil, e.errorf("cannot be encoded: %v", err)
	}
	if len(b) > MaxEntry {
		return nil, e.errorf("%d bytes, the limit is %d", len(b), MaxEntry)
	}
	return b, nil
}

func (e *Entry) payloadSize() uint64 {
	if e.payload == nil {
		return 0
	}
	return uint64(e.payload.Size())
}

// countMessages takes the messages within b, which is of type md, from left
// and gives what is left; negative if that is too little or if they lie deeper
// than depth. What cannot be parsed is left to the decoder to complain about.
func countMessages(md protoreflect.MessageDescriptor, b []byte, left, depth int) int {
	if depth == 0 {
		return -1
	}
	fields := md.Fields()
	for len(b) > 0 && left >= 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			break
		}
		if fd := fields.ByNumber(num); fd != nil && fd.Message() != nil && typ == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(b)
			left = countMessages(fd.Message(), inner, left-1, depth-1)
		}
		b = b[n:]
	}
	return left
}

// frames cuts a file into lengths and what they measure.
type frames struct {
	name string
	src  io.ReaderAt
	size int64
	off  int64 // of what is read next
	next int   // index of the next entry
	buf  *bufio.Reader
}

func newFrames(name string, r io.ReaderAt, size, off int64) *frames {
	f := &frames{name: name, src: r, size: size, buf: bufio.NewReaderSize(nil, 32<<10)}
	f.seek(off)
	return f
}

func (f *frames) seek(off int64) {
	f.off = off
	f.buf.Reset(io.NewSectionReader(f.src, off, f.size-off))
}

// skip passes over n bytes, which the file must have.
func (f *frames) skip(n int64) {
	if n > int64(f.buf.Buffered()) {
		f.seek(f.off + n)
		return
	}
	f.buf.Discard(int(n)) // cannot fail: it is buffered
	f.off += n
}

// read gives the next frame, in buf if it fits there. At the end of the file
// it gives io.EOF.
func (f *frames) read(buf []byte) ([]byte, error) {
	left := f.size - f.off
	switch {
	case left == 0:
		return nil, io.EOF
	case left < 4:
		return nil, f.errorf("the image ends within the entry's length (%d bytes)", f.size)
	}
	var length [4]byte
	if _, err := io.ReadFull(f.buf, length[:]); err != nil {
		return nil, f.readError(err)
	}
	n := int64(le.Uint32(length[:]))
	if n > left-4 {
		return nil, f.errorf("length %d runs past the end of the image (%d bytes)", n, f.size)
	}
	if n > MaxEntry {
		return nil, f.errorf("length %d, the limit is %d", n, MaxEntry)
	}
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(f.buf, buf); err != nil {
		return nil, f.readError(err)
	}
	f.off += 4 + n
	f.next++
	return buf, nil
}

func (f *frames) readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.ErrUnexpectedEOF // the file was cut while being read
	}
	return f.errorf("cannot be read: %v", err)
}

// errorf makes an error about the entry that is to be read next.
func (f *frames) errorf(format string, args ...any) error {
	return entryErrorf(f.name, f.next, f.off, format, args...)
}

// Reader reads an image entry by entry.
type Reader struct {
	kind   Kind
	frames *frames
	state  state
	err    error
}

// NewReader begins to read an image of the given size in bytes. The name is
// that of the file, by which its kind is known. It fails if the image is raw or
// of an unknown kind, or if its magics are not those of its kind.
func NewReader(name string, r io.ReaderAt, size int64) (*Reader, error) {
	k, known := KindOf(name)
	if !known || !k.Framed() {
		return nil, imageErrorf(name, "is not an image that is made of entries")
	}
	n, err := checkHeader(name, k, r, size)
	if err != nil {
		return nil, err
	}
	return &Reader{kind: k, frames: newFrames(name, r, size, n)}, nil
}

// checkHeader gives the length of an image's header.
func checkHeader(name string, k Kind, r io.ReaderAt, size int64) (int64, error) {
	want := k.header()
	if size < int64(len(want)) {
		return 0, imageErrorf(name, "the image ends within its header (%d bytes)", size)
	}
	got := make([]byte, len(want))
	if n, err := r.ReadAt(got, 0); n < len(got) {
		return 0, imageErrorf(name, "its header cannot be read: %v", err)
	}
	for i := 0; i < len(want); i += 4 {
		g, w := le.Uint32(got[i:]), le.Uint32(want[i:])
		switch {
		case g == w:
		case i == 0 && g == k.magic:
			return 0, entryErrorf(name, -1, 0, "has no common magic: image format 1, which CRIU does not restore any more")
		default:
			return 0, entryErrorf(name, -1, int64(i), "magic 0x%08x, a %s image has 0x%08x", g, k.Magic, w)
		}
	}
	return int64(len(want)), nil
}

// Kind is what the image's name stands for.
func (r *Reader) Kind() Kind { return r.kind }

// Next gives the next entry, io.EOF after the last. After an error it gives
// the same error again.
func (r *Reader) Next() (*Entry, error) {
	if r.err != nil {
		return nil, r.err
	}
	var e *Entry
	e, r.err = r.readEntry()
	return e, r.err
}

func (r *Reader) readEntry() (*Entry, error) {
	f := r.frames
	e := &Entry{Index: f.next, Offset: f.off, image: f.name}
	var err error
	if e.raw, err = f.read(nil); err != nil {
		if err == io.EOF && r.state.queued > 0 {
			return nil, imageErrorf(f.name, "%d messages of the last queue are missing", r.state.queued)
		}
		return nil, err
	}
	r.state.index = e.Index
	if r.kind.grammar.message != nil {
		e.typ = r.kind.grammar.message(&r.state)
		left := countMessages(e.typ.Descriptor(), e.raw, MaxMessages-1, maxDepth)
		if left < 0 {
			return nil, e.errorf("more than %d messages, or more than %d within each other", MaxMessages, maxDepth)
		}
		e.count = MaxMessages - left
	}
	if !r.kind.HasPayload() {
		return e, nil
	}
	m, err := e.decode()
	if err != nil {
		return nil, err
	}
	r.state.rest = uint64(f.size - f.off)
	n := r.kind.grammar.payload(&r.state, m)
	if n > r.state.rest {
		return nil, e.errorf("its %d bytes of payload run past the end of the image (%d bytes)", n, f.size)
	}
	if n > 0 {
		e.payload = io.NewSectionReader(f.src, f.off, int64(n))
		f.skip(int64(n))
	}
	return e, nil
}

// Image is an image in memory, but for its payload.
type Image struct {
	Name    string
	Kind    Kind     // the zero Kind, which is raw, if the name is unknown
	Entries []*Entry // none if the image is raw

	// Body is the whole file if the image is raw, else nil. It reads from the
	// source of the image, which must still be open.
	Body *io.SectionReader
}

// Read reads an image of the given size in bytes; the name is that of the
// file, by which its kind is known. Raw images and images of unknown kinds are
// not looked into. What is kept of r, payload and raw images, is read only
// when the image is written.
func Read(name string, r io.ReaderAt, size int64) (*Image, error) {
	return read(name, r, size, MaxImage)
}

func read(name string, r io.ReaderAt, size int64, limit int) (*Image, error) {
	k, _ := KindOf(name)
	img := &Image{Name: name, Kind: k}
	if !k.Framed() {
		img.Body = io.NewSectionReader(r, 0, size)
		return img, nil
	}
	reader, err := NewReader(name, r, size)
	if err != nil {
		return nil, err
	}
	kept, messages := 0, 0
	for {
		e, err := reader.Next()
		if err == io.EOF {
			return img, nil
		}
		if err != nil {
			return nil, err
		}
		if kept += len(e.raw) + entryCost; kept > limit {
			return nil, e.errorf("the image takes more than %d bytes of memory", limit)
		}
		if messages += e.count; messages > MaxMessages {
			return nil, e.errorf("the image has more than %d messages", MaxMessages)
		}
		img.Entries = append(img.Entries, e)
	}
}

// NewImage makes an image of messages. They must be of the types an image of
// that name has, in its order.
func NewImage(name string, messages ...proto.Message) (*Image, error) {
	k, known := KindOf(name)
	if !known || !k.Framed() {
		return nil, imageErrorf(name, "is not an image that is made of entries")
	}
	img := &Image{Name: name, Kind: k}
	for i, m := range messages {
		img.Entries = append(img.Entries, &Entry{Index: i, image: name, msg: m, changed: true})
	}
	return img, img.check()
}

// check finds entries that have no place in the image, before somebody else
// reads it and takes payload for a length or the other way round.
func (img *Image) check() error {
	g := img.Kind.grammar
	var s state
	for i, e := range img.Entries {
		s.index = i
		if g.message == nil {
			if e.changed {
				return e.errorf("its type is unknown to this version of tpfs")
			}
			continue
		}
		want := g.message(&s).Descriptor()
		if e.msg != nil && e.msg.ProtoReflect().Descriptor() != want {
			return e.errorf("a %s, the image has a %s here", e.msg.ProtoReflect().Descriptor().Name(), want.Name())
		}
		if g.payload == nil {
			continue
		}
		m := e.msg
		if m == nil {
			var err error
			if m, err = e.decode(); err != nil {
				return err
			}
		}
		s.rest = e.payloadSize()
		if n := g.payload(&s, m); n != s.rest {
			return e.errorf("speaks of %d bytes of payload, there are %d", n, s.rest)
		}
	}
	if s.queued > 0 {
		return imageErrorf(img.Name, "%d messages of the last queue are missing", s.queued)
	}
	return nil
}

// WriteTo writes the image. What was not changed is written as it was read.
func (img *Image) WriteTo(w io.Writer) (int64, error) {
	if !img.Kind.Framed() {
		if img.Body == nil {
			return 0, nil
		}
		return copySection(w, img.Body)
	}
	if err := img.check(); err != nil {
		return 0, err
	}
	var sum int64
	write := func(b []byte) error {
		n, err := w.Write(b)
		sum += int64(n)
		return err
	}
	if err := write(img.Kind.header()); err != nil {
		return sum, err
	}
	var length [4]byte
	for _, e := range img.Entries {
		b, err := e.encode()
		if err != nil {
			return sum, err
		}
		le.PutUint32(length[:], uint32(len(b)))
		if err := write(length[:]); err != nil {
			return sum, err
		}
		if err := write(b); err != nil {
			return sum, err
		}
		if e.payload == nil {
			continue
		}
		n, err := copySection(w, e.payload)
		sum += n
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// copySection copies all of s, whoever has read from it before.
func copySection(w io.Writer, s *io.SectionReader) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(s, 0, s.Size()))
	if err == nil && n < s.Size() {
		err = io.ErrUnexpectedEOF // the file was cut while being read
	}
	return n, err
}

// Bytes gives what WriteTo writes. It refuses images with more than MaxImage
// bytes of payload; use WriteTo for these.
func (img *Image) Bytes() ([]byte, error) {
	payload := uint64(0)
	if img.Body != nil {
		payload = uint64(img.Body.Size())
	}
	for _, e := range img.Entries {
		payload += e.payloadSize() // parts of one file: no overflow
	}
	if payload > MaxImage {
		return nil, imageErrorf(img.Name, "%d bytes of payload, at most %d are loaded", payload, MaxImage)
	}
	var b bytes.Buffer
	if _, err := img.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
