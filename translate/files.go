package translate

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/translate/isa"
)

// openFlagFields are the fields, in the entries of every kind of file, that
// hold flags of open(2): those the file was opened with, and those fanotify
// gives to the files it opens.
var openFlagFields = []protoreflect.Name{"flags", "evflags"}

// translateFiles rewrites files.img: the flags of every open file, and for the
// executables the destination's binaries, by their number.
func translateFiles(img *criuimg.Image, from, to isa.ISA, exes map[uint32]*executable) error {
	for _, e := range img.Entries {
		m, err := e.Message()
		if err != nil {
			return err
		}
		f := m.(*fdinfo.FileEntry)
		permuteOpenFlags(f, from, to)
		if exe, ok := exes[f.GetId()]; ok {
			if f.GetReg() == nil {
				return fmt.Errorf("%s: entry %d: the executable is not a regular file", img.Name, e.Index)
			}
			setExecutable(f.GetReg(), exe)
		}
		e.SetMessage(f)
	}
	return nil
}

func permuteOpenFlags(f *fdinfo.FileEntry, from, to isa.ISA) {
	f.ProtoReflect().Range(func(_ protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		kind, ok := v.Interface().(protoreflect.Message)
		if !ok {
			return true // the entry's own number and type
		}
		for _, name := range openFlagFields {
			fd := kind.Descriptor().Fields().ByName(name)
			if fd == nil || fd.Kind() != protoreflect.Uint32Kind || !kind.Has(fd) {
				continue
			}
			flags := to.OwnOpenFlags(from.CommonOpenFlags(uint32(kind.Get(fd).Uint())))
			kind.Set(fd, protoreflect.ValueOfUint32(flags))
		}
		return true
	})
}

// setExecutable makes an entry speak of the destination's binary in all that
// CRIU checks when it opens a file (validate_file, criu/files-reg.c).
func setExecutable(r *regfile.RegFileEntry, exe *executable) {
	r.Name = proto.String(exe.name)
	r.Size = proto.Uint64(uint64(exe.Size))
	r.Mode = proto.Uint32(modeBits(exe.Mode))
	r.BuildId = buildIDWords(exe.BuildID)
	r.Checksum, r.ChecksumConfig, r.ChecksumParameter = nil, nil, nil
}

// modeBits is st_mode of stat(2) for a regular file.
func modeBits(m fs.FileMode) uint32 {
	bits := syscall.S_IFREG | uint32(m.Perm())
	for _, b := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, syscall.S_ISUID}, {fs.ModeSetgid, syscall.S_ISGID}, {fs.ModeSticky, syscall.S_ISVTX}} {
		if m&b.mode != 0 {
			bits |= b.bit
		}
	}
	return bits
}

// A build id is stored as little-endian words, the last one filled with zeros.

func buildIDWords(id []byte) []uint32 {
	var words []uint32
	for c := range slices.Chunk(id, 4) {
		var w [4]byte
		copy(w[:], c)
		words = append(words, binary.LittleEndian.Uint32(w[:]))
	}
	return words
}

func buildIDBytes(words []uint32) []byte {
	var id []byte
	for _, w := range words {
		id = binary.LittleEndian.AppendUint32(id, w)
	}
	return id
}
