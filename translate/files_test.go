package translate

import (
	"io/fs"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fsnotify"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pipe"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	sk_unix "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-unix"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tty"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/translate/isa/amd64"
	"github.com/tpfs/tpfs/translate/isa/arm64"
)

// TestOpenFlags has entries of several kinds, with flags of x86-64 and of
// aarch64: O_RDWR and O_LARGEFILE, O_DIRECTORY, O_DIRECT.
func TestOpenFlags(t *testing.T) {
	u := proto.Uint32
	for _, tt := range []struct {
		name       string
		amd64, arm *fdinfo.FileEntry
	}{
		{
			"regular",
			&fdinfo.FileEntry{Reg: &regfile.RegFileEntry{Flags: u(0x8002)}},
			&fdinfo.FileEntry{Reg: &regfile.RegFileEntry{Flags: u(0x20002)}},
		},
		{
			"directory",
			&fdinfo.FileEntry{Reg: &regfile.RegFileEntry{Flags: u(0x18000)}},
			&fdinfo.FileEntry{Reg: &regfile.RegFileEntry{Flags: u(0x24000)}},
		},
		{
			"packet pipe",
			&fdinfo.FileEntry{Pipe: &pipe.PipeEntry{Flags: u(0x4001), PipeId: u(0x4000)}},
			&fdinfo.FileEntry{Pipe: &pipe.PipeEntry{Flags: u(0x10001), PipeId: u(0x4000)}},
		},
		{
			"terminal",
			&fdinfo.FileEntry{Tty: &tty.TtyFileEntry{Flags: u(0x8002)}},
			&fdinfo.FileEntry{Tty: &tty.TtyFileEntry{Flags: u(0x20002)}},
		},
		{
			"socket, whose uflags are not of open",
			&fdinfo.FileEntry{Usk: &sk_unix.UnixSkEntry{Flags: u(0x8802), Uflags: u(0x8000)}},
			&fdinfo.FileEntry{Usk: &sk_unix.UnixSkEntry{Flags: u(0x20802), Uflags: u(0x8000)}},
		},
		{
			"fanotify, with the flags of the files it opens",
			&fdinfo.FileEntry{Ffy: &fsnotify.FanotifyFileEntry{Flags: u(0x8802), Faflags: u(0x8000), Evflags: u(0x8000)}},
			&fdinfo.FileEntry{Ffy: &fsnotify.FanotifyFileEntry{Flags: u(0x20802), Faflags: u(0x8000), Evflags: u(0x20000)}},
		},
		{
			"no flags at all",
			&fdinfo.FileEntry{Id: u(0x8000), Efd: &eventfd.EventfdFileEntry{Counter: proto.Uint64(0x8000)}},
			&fdinfo.FileEntry{Id: u(0x8000), Efd: &eventfd.EventfdFileEntry{Counter: proto.Uint64(0x8000)}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			there := proto.Clone(tt.amd64).(*fdinfo.FileEntry)
			permuteOpenFlags(there, amd64.ISA, arm64.ISA)
			if !proto.Equal(there, tt.arm) {
				t.Errorf("to aarch64: %v, want %v", there, tt.arm)
			}
			permuteOpenFlags(there, arm64.ISA, amd64.ISA)
			if !proto.Equal(there, tt.amd64) {
				t.Errorf("and back: %v, want %v", there, tt.amd64)
			}
		})
	}
}

func TestSetExecutable(t *testing.T) {
	r := &regfile.RegFileEntry{
		Name: proto.String("/bin/p"), Size: proto.Uint64(1), Mode: proto.Uint32(0o100700), BuildId: []uint32{7},
		Checksum: proto.Uint32(1), ChecksumConfig: proto.Uint32(2), ChecksumParameter: proto.Uint32(3),
		Pos: proto.Uint64(5),
	}
	setExecutable(r, &executable{name: "/bin/p.aarch64", File: &pair.File{
		Size: 4711, Mode: 0o755 | fs.ModeSetuid, BuildID: []byte{1, 2, 3, 4, 5},
	}})
	want := &regfile.RegFileEntry{
		Name: proto.String("/bin/p.aarch64"), Size: proto.Uint64(4711), Mode: proto.Uint32(0o104755),
		BuildId: []uint32{0x04030201, 5}, Pos: proto.Uint64(5),
	}
	if !proto.Equal(r, want) {
		t.Errorf("%v, want %v", r, want)
	}
}
