package criuimg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	bpfmap_data "github.com/checkpoint-restore/go-criu/v7/crit/images/bpfmap-data"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	ipc_msg "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-shm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pagemap"
	pipe_data "github.com/checkpoint-restore/go-criu/v7/crit/images/pipe-data"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/stats"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// piece is an entry of a synthetic image: a message (or its bytes) and what
// follows it.
type piece struct {
	msg     proto.Message
	raw     []byte // instead of msg
	payload string
}

func (p piece) bytes() []byte {
	if p.msg == nil {
		return p.raw
	}
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(p.msg)
	if err != nil {
		panic(err)
	}
	return b
}

// synthetic is an image made by hand: the words of its header, and its entries.
type synthetic struct {
	name   string
	header []uint32
	pieces []piece
	// mayEnd says after which number of entries the image is whole; nil: any.
	mayEnd []int
}

// bytes gives the image, and the offset of each entry's length field and of
// the end.
func (s synthetic) bytes() ([]byte, []int64) {
	var b []byte
	for _, w := range s.header {
		b = le.AppendUint32(b, w)
	}
	var offsets []int64
	for _, p := range s.pieces {
		offsets = append(offsets, int64(len(b)))
		raw := p.bytes()
		b = le.AppendUint32(b, uint32(len(raw)))
		b = append(b, raw...)
		b = append(b, p.payload...)
	}
	return b, append(offsets, int64(len(b)))
}

const (
	testCommon  = 0x54564319
	testService = 0x55105940
)

// The magics are written out here as they stand in CRIU's magic.h.
var synthetics = []synthetic{
	{name: "inventory.img", header: []uint32{0x58313116}, pieces: []piece{
		{msg: &inventory.InventoryEntry{ImgVersion: proto.Uint32(2), FdinfoPerId: proto.Bool(true)}},
	}},
	{name: "stats-dump", header: []uint32{testService, 0x57093306}, pieces: []piece{
		{msg: &stats.StatsEntry{Dump: &stats.DumpStatsEntry{FreezingTime: proto.Uint32(7)}}},
	}},
	{name: "pstree.img", header: []uint32{testCommon, 0x50273030}, pieces: []piece{
		{msg: &pstree.PstreeEntry{Pid: proto.Uint32(1), Threads: []uint32{1, 2}}},
		{raw: nil},
		{msg: &pstree.PstreeEntry{Pid: proto.Uint32(3)}},
	}},
	{name: "core-12.img", header: []uint32{testCommon, 0x55053847}, pieces: []piece{
		{msg: &criu_core.CoreEntry{Mtype: criu_core.CoreEntry_AARCH64.Enum()}},
	}},
	{name: "pidfd.img", header: []uint32{testCommon, 0x54435556}, pieces: []piece{
		{raw: []byte("not looked into")},
	}},
	{name: "pagemap-12.img", header: []uint32{testCommon, 0x56084025}, pieces: []piece{
		{msg: &pagemap.PagemapHead{PagesId: proto.Uint32(1)}},
		{msg: &pagemap.PagemapEntry{Vaddr: proto.Uint64(4096), NrPages: proto.Uint32(1), Flags: proto.Uint32(4)}},
	}},
	{name: "pipes-data.img", header: []uint32{testCommon, 0x56453709}, pieces: []piece{
		{msg: &pipe_data.PipeDataEntry{PipeId: proto.Uint32(1), Bytes: proto.Uint32(5)}, payload: "abcde"},
		{msg: &pipe_data.PipeDataEntry{PipeId: proto.Uint32(2), Bytes: proto.Uint32(0)}},
		{msg: &pipe_data.PipeDataEntry{PipeId: proto.Uint32(3), Bytes: proto.Uint32(50000)}, payload: strings.Repeat("x", 50000)},
	}},
	{name: "fifo-data.img", header: []uint32{testCommon, 0x59333054}, pieces: []piece{
		{msg: &pipe_data.PipeDataEntry{PipeId: proto.Uint32(1), Bytes: proto.Uint32(1)}, payload: "a"},
	}},
	{name: "sk-queues.img", header: []uint32{testCommon, 0x56264026}, pieces: []piece{
		{msg: &sk_packet.SkPacketEntry{IdFor: proto.Uint32(1), Length: proto.Uint32(3)}, payload: "abc"},
		{msg: &sk_packet.SkPacketEntry{IdFor: proto.Uint32(1), Length: proto.Uint32(4)}, payload: "abcd"},
	}},
	{name: "tcp-stream-1af.img", header: []uint32{testCommon, 0x51465506}, pieces: []piece{
		{msg: &tcp_stream.TcpStreamEntry{InqLen: proto.Uint32(3), OutqLen: proto.Uint32(2)}, payload: "inqou"},
	}},
	{name: "bpfmap-data.img", header: []uint32{testCommon, 0x64324033}, pieces: []piece{
		{msg: &bpfmap_data.BpfmapDataEntry{KeysBytes: proto.Uint32(2), ValuesBytes: proto.Uint32(4)}, payload: "kkvvvv"},
	}},
	{name: "ipcns-sem-10.img", header: []uint32{testCommon, 0x59573019}, pieces: []piece{
		{msg: &ipc_sem.IpcSemEntry{Nsems: proto.Uint32(3)}, payload: "\x01\x00\x02\x00\x03\x00\x00\x00"},
		{msg: &ipc_sem.IpcSemEntry{Nsems: proto.Uint32(4)}, payload: "\x01\x00\x02\x00\x03\x00\x04\x00"}, // not padded any further
	}},
	{name: "ipcns-shm-10.img", header: []uint32{testCommon, 0x46283044}, pieces: []piece{
		{msg: &ipc_shm.IpcShmEntry{Size: proto.Uint64(8192), InPagemaps: proto.Bool(true)}},
		{msg: &ipc_shm.IpcShmEntry{Size: proto.Uint64(5)}, payload: "abcde\x00\x00\x00"},
		{msg: &ipc_shm.IpcShmEntry{Size: proto.Uint64(4), InPagemaps: proto.Bool(false)}, payload: "abcd"},
	}},
	{name: "ipcns-msg-10.img", header: []uint32{testCommon, 0x55453737}, mayEnd: []int{0, 3, 4}, pieces: []piece{
		{msg: &ipc_msg.IpcMsgEntry{Qbytes: proto.Uint32(16384), Qnum: proto.Uint32(2)}},
		{msg: &ipc_msg.IpcMsg{Mtype: proto.Uint64(1), Msize: proto.Uint32(3)}, payload: "abc\x00\x00\x00\x00\x00"},
		{msg: &ipc_msg.IpcMsg{Mtype: proto.Uint64(1), Msize: proto.Uint32(8)}, payload: "abcdefgh"},
		{msg: &ipc_msg.IpcMsgEntry{Qbytes: proto.Uint32(16384), Qnum: proto.Uint32(0)}},
	}},
	{name: "ghost-file-b.img", header: []uint32{testCommon, 0x52583605}, pieces: []piece{
		{msg: &ghost_file.GhostFileEntry{Mode: proto.Uint32(0o100644), Chunks: proto.Bool(true), Size: proto.Uint64(1 << 20)}},
		{msg: &ghost_file.GhostChunkEntry{Off: proto.Uint64(0), Len: proto.Uint64(3)}, payload: "abc"},
		{msg: &ghost_file.GhostChunkEntry{Off: proto.Uint64(65536), Len: proto.Uint64(2)}, payload: "de"},
	}},
}

func isWhole(s synthetic, entries int) bool {
	return s.mayEnd == nil || slices.Contains(s.mayEnd, entries)
}

func TestReadAndWriteBack(t *testing.T) {
	for _, s := range synthetics {
		t.Run(s.name, func(t *testing.T) {
			data, offsets := s.bytes()
			img, err := Read(s.name, bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if len(img.Entries) != len(s.pieces) {
				t.Fatalf("%d entries, want %d", len(img.Entries), len(s.pieces))
			}
			for i, e := range img.Entries {
				p := s.pieces[i]
				if e.Index != i || e.Offset != offsets[i] || !bytes.Equal(e.Raw(), p.bytes()) {
					t.Errorf("entry %d: index %d at %d, %x; want %d, %x", i, e.Index, e.Offset, e.Raw(), offsets[i], p.bytes())
				}
				payload := ""
				if e.Payload() != nil {
					b, err := io.ReadAll(e.Payload())
					if err != nil {
						t.Fatal(err)
					}
					payload = string(b)
				}
				if payload != p.payload {
					t.Errorf("entry %d: payload %q, want %q", i, payload, p.payload)
				}
				if p.msg == nil {
					continue
				}
				m, err := e.Message()
				if err != nil {
					t.Fatal(err)
				}
				if !proto.Equal(m, p.msg) {
					t.Errorf("entry %d: %v, want %v", i, m, p.msg)
				}
				e.SetMessage(m)
			}
			got, err := img.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, data) {
				t.Errorf("written back as\n%x, want\n%x", got, data)
			}
		})
	}
}

// A ghost file without chunks is an entry and the rest of the file.
func TestGhostFileWithoutChunks(t *testing.T) {
	for _, payload := range []string{"", "x", "\x00\x00\x00\x00"} {
		s := synthetic{name: "ghost-file-b.img", header: []uint32{testCommon, 0x52583605}, pieces: []piece{
			{msg: &ghost_file.GhostFileEntry{Mode: proto.Uint32(0o100644)}, payload: payload},
		}}
		data, _ := s.bytes()
		img, err := Read(s.name, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if len(img.Entries) != 1 || img.Entries[0].payloadSize() != uint64(len(payload)) {
			t.Errorf("payload %q: %d entries, %d bytes of payload", payload, len(img.Entries), img.Entries[0].payloadSize())
		}
		if got, err := img.Bytes(); err != nil || !bytes.Equal(got, data) {
			t.Errorf("payload %q: written back as %x, %v", payload, got, err)
		}
	}
}

// Cut anywhere, an image is refused, unless the cut is where an entry ends and
// nothing more is promised.
func TestTruncated(t *testing.T) {
	for _, s := range synthetics {
		t.Run(s.name, func(t *testing.T) {
			data, offsets := s.bytes()
			for n := 0; n < len(data); n++ {
				if n > 200 && n < len(data)-200 {
					continue
				}
				cut := data[:n]
				img, err := Read(s.name, bytes.NewReader(cut), int64(n))
				at, whole := slices.BinarySearch(offsets, int64(n))
				whole = whole && isWhole(s, at)
				if whole != (err == nil) {
					t.Errorf("cut to %d bytes: error %v, entry boundary %v", n, err, whole)
				}
				if err != nil {
					if e, ok := errors.AsType[*Error](err); !ok || e.Image != s.name {
						t.Errorf("cut to %d bytes: %v is no *Error that names the image", n, err)
					}
					continue
				}
				if got, err := img.Bytes(); err != nil || !bytes.Equal(got, cut) {
					t.Errorf("cut to %d bytes: written back as %x, %v", n, got, err)
				}
			}
		})
	}
}

func TestDamagedLength(t *testing.T) {
	for _, s := range synthetics {
		t.Run(s.name, func(t *testing.T) {
			data, offsets := s.bytes()
			for i, off := range offsets[:len(s.pieces)] {
				left := int64(len(data)) - off - 4
				for _, length := range []uint32{math.MaxUint32, math.MaxInt32, MaxEntry + 1, uint32(left) + 1} {
					damaged := slices.Clone(data)
					le.PutUint32(damaged[off:], length)
					_, err := Read(s.name, bytes.NewReader(damaged), int64(len(damaged)))
					want := fmt.Sprintf("%s: entry %d at byte %d: length %d runs past the end of the image (%d bytes)", s.name, i, off, length, len(data))
					if err == nil || err.Error() != want {
						t.Errorf("error %v\nwant  %s", err, want)
					}
				}
			}
		})
	}
}

func TestDamagedPayloadLength(t *testing.T) {
	const max = math.MaxUint32
	tests := []synthetic{
		{name: "pipes-data.img", pieces: []piece{{msg: &pipe_data.PipeDataEntry{Bytes: proto.Uint32(max)}}}},
		{name: "fifo-data.img", pieces: []piece{{msg: &pipe_data.PipeDataEntry{Bytes: proto.Uint32(1)}}}},
		{name: "sk-queues.img", pieces: []piece{{msg: &sk_packet.SkPacketEntry{Length: proto.Uint32(max)}}}},
		{name: "tcp-stream-1.img", pieces: []piece{{msg: &tcp_stream.TcpStreamEntry{InqLen: proto.Uint32(max), OutqLen: proto.Uint32(max)}}}},
		{name: "bpfmap-data.img", pieces: []piece{{msg: &bpfmap_data.BpfmapDataEntry{KeysBytes: proto.Uint32(max), ValuesBytes: proto.Uint32(1)}}}},
		{name: "ipcns-sem-1.img", pieces: []piece{{msg: &ipc_sem.IpcSemEntry{Nsems: proto.Uint32(max)}}}},
		{name: "ipcns-shm-1.img", pieces: []piece{{msg: &ipc_shm.IpcShmEntry{Size: proto.Uint64(math.MaxUint64)}}}},
		{name: "ipcns-shm-1.img", pieces: []piece{{msg: &ipc_shm.IpcShmEntry{Size: proto.Uint64(math.MaxUint64 - 3)}}}},
		{name: "ipcns-msg-1.img", pieces: []piece{{msg: &ipc_msg.IpcMsgEntry{Qnum: proto.Uint32(1)}}, {msg: &ipc_msg.IpcMsg{Msize: proto.Uint32(max)}}}},
		{name: "ipcns-msg-1.img", pieces: []piece{{msg: &ipc_msg.IpcMsgEntry{Qnum: proto.Uint32(max)}}}},
		{name: "ghost-file-1.img", pieces: []piece{{msg: &ghost_file.GhostFileEntry{Chunks: proto.Bool(true)}}, {msg: &ghost_file.GhostChunkEntry{Len: proto.Uint64(math.MaxUint64)}}}},
	}
	for _, s := range tests {
		k, _ := KindOf(s.name)
		s.header = []uint32{testCommon, k.magic}
		data, _ := s.bytes()
		if img, err := Read(s.name, bytes.NewReader(data), int64(len(data))); err == nil {
			t.Errorf("%s: %v: read as %d entries", s.name, s.pieces, len(img.Entries))
		}
	}
}

func TestDamagedHeader(t *testing.T) {
	for _, s := range synthetics {
		data, _ := s.bytes()
		for i := range 4 * len(s.header) {
			damaged := slices.Clone(data)
			damaged[i] ^= 0x40
			if _, err := Read(s.name, bytes.NewReader(damaged), int64(len(damaged))); err == nil {
				t.Errorf("%s: read with byte %d damaged", s.name, i)
			}
		}
	}
	v1 := le.AppendUint32(nil, 0x55053847)
	_, err := Read("core-1.img", bytes.NewReader(v1), 4)
	if err == nil {
		t.Error("an image of format 1 is read")
	}
	v1 = append(v1, 0, 0, 0, 0)
	if _, err = Read("core-1.img", bytes.NewReader(v1), 8); err == nil || !strings.Contains(err.Error(), "format 1") {
		t.Errorf("an image of format 1: %v", err)
	}
}

// Raw and unknown images are not looked into.
func TestRawImages(t *testing.T) {
	for _, name := range []string{"pages-1.img", "iptables-9.img", "tmpfs-4.tar.gz.img", "amdgpu-kfd-7.img", "core-1.img.bak"} {
		for _, content := range []string{"", "\x19\x43\x56\x54whatever", "x"} {
			img, err := Read(name, strings.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			if len(img.Entries) != 0 {
				t.Errorf("%s: %d entries", name, len(img.Entries))
			}
			if got, err := img.Bytes(); err != nil || string(got) != content {
				t.Errorf("%s: written back as %q, %v", name, got, err)
			}
			if _, err := NewReader(name, strings.NewReader(content), int64(len(content))); err == nil {
				t.Errorf("%s: NewReader takes it", name)
			}
		}
	}
}

func TestUnknownTypeIsNotDecoded(t *testing.T) {
	data, _ := synthetic{name: "pidfd.img", header: []uint32{testCommon, 0x54435556}, pieces: []piece{{raw: []byte{8, 1}}}}.bytes()
	img, err := Read("pidfd.img", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := img.Entries[0].Message(); err == nil {
		t.Errorf("decoded as %v", m)
	}
}

// What tpfs does not know of a message, or what is no UTF-8 in it, is still
// there when the message is changed.
func TestChangedMessageKeepsTheRest(t *testing.T) {
	raw := (piece{msg: &regfile.RegFileEntry{Id: proto.Uint32(1), Flags: proto.Uint32(2)}}).bytes()
	raw = protowire.AppendTag(raw, 6, protowire.BytesType)
	raw = protowire.AppendString(raw, "/bin/\xff\xfe") // the name of a file can be any bytes
	unknown := protowire.AppendString(protowire.AppendTag(nil, 4000, protowire.BytesType), "from the future")
	raw = append(raw, unknown...)
	data, _ := synthetic{name: "reg-files.img", header: []uint32{testCommon, 0x50363636}, pieces: []piece{{raw: raw}, {raw: []byte("\xff no protobuf")}}}.bytes()
	img, err := Read("reg-files.img", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := As[*regfile.RegFileEntry](img.Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	m.Flags = proto.Uint32(3)
	img.Entries[0].SetMessage(m)
	got, err := img.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	img, err = Read("reg-files.img", bytes.NewReader(got), int64(len(got)))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = As[*regfile.RegFileEntry](img.Entries[0]); err != nil {
		t.Fatal(err)
	}
	if m.GetFlags() != 3 || m.GetName() != "/bin/\xff\xfe" || !bytes.Equal(m.ProtoReflect().GetUnknown(), unknown) {
		t.Errorf("read back as %v", m)
	}
	if string(img.Entries[1].Raw()) != "\xff no protobuf" {
		t.Errorf("the other entry became %q", img.Entries[1].Raw())
	}
	if _, err := img.Entries[1].Message(); err == nil || !strings.HasPrefix(err.Error(), "reg-files.img: entry 1 at byte ") {
		t.Errorf("error %v", err)
	}
}

func TestNewImage(t *testing.T) {
	img, err := NewImage("stats-restore", &stats.StatsEntry{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := img.Bytes()
	if want := "\x40\x59\x10\x55\x06\x33\x09\x57\x00\x00\x00\x00"; err != nil || string(b) != want {
		t.Errorf("%x, %v; want %x", b, err, want)
	}
	refused := []struct {
		name string
		msgs []proto.Message
	}{
		{"core-1.img", []proto.Message{&mm.MmEntry{}}},
		{"pagemap-1.img", []proto.Message{&pagemap.PagemapEntry{}}},
		{"pages-1.img", nil},
		{"nonsense", nil},
		{"pidfd.img", []proto.Message{&fdinfo.FileEntry{}}},
		{"pipes-data.img", []proto.Message{&pipe_data.PipeDataEntry{Bytes: proto.Uint32(1)}}},
		{"ipcns-msg-1.img", []proto.Message{&ipc_msg.IpcMsgEntry{Qnum: proto.Uint32(1)}}},
	}
	for _, r := range refused {
		if _, err := NewImage(r.name, r.msgs...); err == nil {
			t.Errorf("%s of %T is made", r.name, r.msgs)
		}
	}
}

// An entry that was changed must still say how much payload follows it.
func TestChangedPayloadLength(t *testing.T) {
	data, _ := synthetic{name: "pipes-data.img", header: []uint32{testCommon, 0x56453709}, pieces: []piece{
		{msg: &pipe_data.PipeDataEntry{Bytes: proto.Uint32(5)}, payload: "abcde"},
	}}.bytes()
	img, err := Read("pipes-data.img", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	img.Entries[0].SetMessage(&pipe_data.PipeDataEntry{Bytes: proto.Uint32(4)})
	if _, err := img.Bytes(); err == nil {
		t.Error("written with the wrong length")
	}
}

func TestMemoryBounds(t *testing.T) {
	t.Run("empty entries", func(t *testing.T) {
		data := le.AppendUint32(le.AppendUint32(nil, testCommon), 0x50273030)
		data = append(data, make([]byte, 4*1000)...)
		if _, err := read("pstree.img", bytes.NewReader(data), int64(len(data)), 1000*entryCost); err != nil {
			t.Error(err)
		}
		if _, err := read("pstree.img", bytes.NewReader(data), int64(len(data)), 1000*entryCost-1); err == nil {
			t.Error("read into more memory than it may take")
		}
	})
	readAll := func(name string, entries ...[]byte) error {
		k, _ := KindOf(name)
		s := synthetic{header: []uint32{testCommon, k.magic}}
		for _, e := range entries {
			s.pieces = append(s.pieces, piece{raw: e})
		}
		data, _ := s.bytes()
		img, err := Read(name, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return err
		}
		for _, e := range img.Entries {
			if _, err := e.Message(); err != nil {
				return err
			}
		}
		return nil
	}
	empty := append(protowire.AppendTag(nil, 1, protowire.BytesType), 0)
	half := bytes.Repeat(empty, MaxMessages/2-1) // with the entry itself half of what is allowed
	t.Run("empty messages", func(t *testing.T) {
		if err := readAll("seccomp.img", half, half); err != nil {
			t.Error(err)
		}
		if err := readAll("seccomp.img", half, half, nil); err == nil {
			t.Error("more messages than allowed are decoded")
		}
		if err := readAll("seccomp.img", slices.Concat(half, half, empty, empty)); err == nil {
			t.Error("more messages than allowed are decoded in one entry")
		}
	})
	t.Run("messages within each other", func(t *testing.T) {
		nested := func(depth int) []byte {
			raw := []byte{}
			for range depth - 3 {
				raw = protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), raw) // cgroup_dir_entry.children
			}
			raw = protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), raw)  // cg_controller_entry.dirs
			return protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), raw) // cgroup_entry.controllers
		}
		if err := readAll("cgroup.img", nested(maxDepth)); err != nil {
			t.Error(err)
		}
		if err := readAll("cgroup.img", nested(maxDepth+1)); err == nil {
			t.Error("deeper messages than allowed are decoded")
		}
	})
	t.Run("an entry that is too large", func(t *testing.T) {
		data := le.AppendUint32(le.AppendUint32(nil, testCommon), 0x50273030)
		data = le.AppendUint32(data, MaxEntry+1)
		_, err := Read("pstree.img", bytes.NewReader(data), 1<<40)
		if err == nil || !strings.Contains(err.Error(), "the limit is") {
			t.Errorf("error %v", err)
		}
	})
}

// A file that is cut while it is read gives an error, not a shorter image.
func TestFileCutMeanwhile(t *testing.T) {
	for _, s := range synthetics {
		data, _ := s.bytes()
		for _, n := range []int{0, 3, len(data) - 1} {
			img, err := Read(s.name, bytes.NewReader(data[:n]), int64(len(data)))
			if err == nil {
				_, err = img.Bytes() // payload is read only now
			}
			if err == nil {
				t.Errorf("%s cut to %d bytes while being read: no error", s.name, n)
			}
		}
	}
}

func TestReaderRepeatsItsError(t *testing.T) {
	data := le.AppendUint32(le.AppendUint32(nil, testCommon), 0x50273030)
	data = append(data, 1, 2)
	r, err := NewReader("pstree.img", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	_, first := r.Next()
	_, second := r.Next()
	if first == nil || first == io.EOF || second != first {
		t.Errorf("%v, then %v", first, second)
	}
}
