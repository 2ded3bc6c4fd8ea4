package criuimg

import (
	"math"
	"strconv"
	"strings"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/apparmor"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/autofs"
	binfmt_misc "github.com/checkpoint-restore/go-criu/v7/crit/images/binfmt-misc"
	bpfmap_data "github.com/checkpoint-restore/go-criu/v7/crit/images/bpfmap-data"
	bpfmap_file "github.com/checkpoint-restore/go-criu/v7/crit/images/bpfmap-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/cgroup"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/cpuinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	criu_sa "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/eventpoll"
	ext_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ext-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fh"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fifo"
	file_lock "github.com/checkpoint-restore/go-criu/v7/crit/images/file-lock"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/fsnotify"
	ghost_file "github.com/checkpoint-restore/go-criu/v7/crit/images/ghost-file"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	ipc_msg "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-shm"
	ipc_var "github.com/checkpoint-restore/go-criu/v7/crit/images/ipc-var"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/memfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mnt"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/netdev"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/ns"
	packet_sock "github.com/checkpoint-restore/go-criu/v7/crit/images/packet-sock"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pagemap"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pidns"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pipe"
	pipe_data "github.com/checkpoint-restore/go-criu/v7/crit/images/pipe-data"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/regfile"
	remap_file_path "github.com/checkpoint-restore/go-criu/v7/crit/images/remap-file-path"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/rlimit"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/seccomp"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/siginfo"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/signalfd"
	sk_inet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-inet"
	sk_netlink "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-netlink"
	sk_packet "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-packet"
	sk_unix "github.com/checkpoint-restore/go-criu/v7/crit/images/sk-unix"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/stats"
	tcp_stream "github.com/checkpoint-restore/go-criu/v7/crit/images/tcp-stream"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/timens"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/timer"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/timerfd"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tty"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/tun"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/userns"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/utsns"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"
	"github.com/checkpoint-restore/go-criu/v7/magic"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Container is how a file is framed; see the package comment.
type Container int

const (
	Raw       Container = iota // no framing
	Common                     // common magic, magic of the kind, entries
	Service                    // service magic, magic of the kind, entries
	Inventory                  // magic of the kind, entries
)

// Kind describes the images of one sort, e.g. all core-N.img.
type Kind struct {
	// Template is the file name as CRIU builds it: %u stands for a decimal
	// number, %x for a hexadecimal one.
	Template string
	// Magic is the name CRIU's magic table has for the kind, e.g. "CORE";
	// empty if the kind is raw.
	Magic string
	// Container is how images of this kind are framed.
	Container Container

	magic   uint32
	grammar grammar
}

// Framed says whether images of this kind are made of entries.
func (k Kind) Framed() bool { return k.Container != Raw }

// Known says whether the entries of images of this kind can be decoded.
func (k Kind) Known() bool { return k.grammar.message != nil }

// HasPayload says whether bytes that are no protobuf may follow an entry.
func (k Kind) HasPayload() bool { return k.grammar.payload != nil }

// header is what images of this kind begin with.
func (k Kind) header() []byte {
	switch k.Container {
	case Common:
		return le.AppendUint32(le.AppendUint32(nil, commonMagic), k.magic)
	case Service:
		return le.AppendUint32(le.AppendUint32(nil, serviceMagic), k.magic)
	case Inventory:
		return le.AppendUint32(nil, k.magic)
	}
	return nil
}

// grammar says what the entries of a kind are, in order.
type grammar struct {
	// message gives the type of the entry at hand; nil if the kind's messages
	// are unknown.
	message func(s *state) protoreflect.MessageType
	// payload gives the number of bytes behind entry m and notes in s what
	// must follow; nil if there never is any.
	payload func(s *state, m proto.Message) uint64
}

// state is where in its grammar an image is.
type state struct {
	index  int    // of the entry at hand
	rest   uint64 // bytes from the end of the entry to the end of the image
	queued uint32 // messages of a System V queue that are still to come
}

// all is the grammar of images whose entries are all of type M.
func all[M proto.Message]() grammar {
	t := typeOf[M]()
	return grammar{message: func(*state) protoreflect.MessageType { return t }}
}

// with is the grammar of images whose entries are all of type M and are each
// followed by payload.
func with[M proto.Message](size func(M) uint64) grammar {
	g := all[M]()
	g.payload = func(_ *state, m proto.Message) uint64 { return size(m.(M)) }
	return g
}

// firstThen is for images whose first entry is of type A and all others of type B.
func firstThen[A, B proto.Message]() func(*state) protoreflect.MessageType {
	a, b := typeOf[A](), typeOf[B]()
	return func(s *state) protoreflect.MessageType {
		if s.index == 0 {
			return a
		}
		return b
	}
}

func typeOf[M proto.Message]() protoreflect.MessageType {
	var m M // a nil pointer to a generated message knows its type
	return m.ProtoReflect().Type()
}

// roundUp rounds n up to a multiple of a power of two. What does not fit stays
// the largest number, which is beyond any image.
func roundUp(n, to uint64) uint64 {
	if n > math.MaxUint64-to {
		return math.MaxUint64
	}
	return (n + to - 1) &^ (to - 1)
}

var pagemapGrammar = grammar{message: firstThen[*pagemap.PagemapHead, *pagemap.PagemapEntry]()}

var pipeDataGrammar = with(func(m *pipe_data.PipeDataEntry) uint64 { return uint64(m.GetBytes()) })

var ghostFileGrammar = grammar{
	message: firstThen[*ghost_file.GhostFileEntry, *ghost_file.GhostChunkEntry](),
	payload: func(s *state, m proto.Message) uint64 {
		switch m := m.(type) {
		case *ghost_file.GhostFileEntry:
			if m.GetChunks() {
				return 0
			}
			return s.rest
		case *ghost_file.GhostChunkEntry:
			return m.GetLen()
		}
		return 0
	},
}

var ipcMsgGrammar = grammar{
	message: func(s *state) protoreflect.MessageType {
		if s.queued > 0 {
			return typeOf[*ipc_msg.IpcMsg]()
		}
		return typeOf[*ipc_msg.IpcMsgEntry]()
	},
	payload: func(s *state, m proto.Message) uint64 {
		switch m := m.(type) {
		case *ipc_msg.IpcMsgEntry:
			s.queued = m.GetQnum()
		case *ipc_msg.IpcMsg:
			s.queued--
			return roundUp(uint64(m.GetMsize()), 8)
		}
		return 0
	},
}

// kinds is CRIU's table of images (criu/image-desc.c, 4.1.1) with the types
// its readers ask for (criu/protobuf-desc.c). vmas, sigacts, itimers,
// posix-timers, signal-*, rlimit, reg-files and so on are what older versions
// wrote and current ones still read.
var kinds = []Kind{
	{Template: "inventory.img", Magic: "INVENTORY", Container: Inventory, grammar: all[*inventory.InventoryEntry]()},

	{Template: "stats-dump", Magic: "STATS", Container: Service, grammar: all[*stats.StatsEntry]()},
	{Template: "stats-restore", Magic: "STATS", Container: Service, grammar: all[*stats.StatsEntry]()},
	{Template: "irmap-cache", Magic: "IRMAP_CACHE", Container: Service, grammar: all[*fh.IrmapCacheEntry]()},

	{Template: "pagemap-%u.img", Magic: "PAGEMAP", Container: Common, grammar: pagemapGrammar},
	{Template: "pagemap-shmem-%u.img", Magic: "PAGEMAP", Container: Common, grammar: pagemapGrammar},

	{Template: "pipes-data.img", Magic: "PIPES_DATA", Container: Common, grammar: pipeDataGrammar},
	{Template: "fifo-data.img", Magic: "FIFO_DATA", Container: Common, grammar: pipeDataGrammar},
	{Template: "sk-queues.img", Magic: "SK_QUEUES", Container: Common,
		grammar: with(func(m *sk_packet.SkPacketEntry) uint64 { return uint64(m.GetLength()) })},
	{Template: "tcp-stream-%x.img", Magic: "TCP_STREAM", Container: Common,
		grammar: with(func(m *tcp_stream.TcpStreamEntry) uint64 { return uint64(m.GetInqLen()) + uint64(m.GetOutqLen()) })},
	{Template: "bpfmap-data.img", Magic: "BPFMAP_DATA", Container: Common,
		grammar: with(func(m *bpfmap_data.BpfmapDataEntry) uint64 {
			return uint64(m.GetKeysBytes()) + uint64(m.GetValuesBytes())
		})},
	{Template: "ipcns-sem-%u.img", Magic: "IPCNS_SEM", Container: Common,
		grammar: with(func(m *ipc_sem.IpcSemEntry) uint64 { return roundUp(2*uint64(m.GetNsems()), 8) })},
	{Template: "ipcns-shm-%u.img", Magic: "IPCNS_SHM", Container: Common,
		grammar: with(func(m *ipc_shm.IpcShmEntry) uint64 {
			if m.GetInPagemaps() {
				return 0
			}
			return roundUp(m.GetSize(), 4)
		})},
	{Template: "ipcns-msg-%u.img", Magic: "IPCNS_MSG", Container: Common, grammar: ipcMsgGrammar},
	{Template: "ghost-file-%x.img", Magic: "GHOST_FILE", Container: Common, grammar: ghostFileGrammar},

	{Template: "core-%u.img", Magic: "CORE", Container: Common, grammar: all[*criu_core.CoreEntry]()},
	{Template: "ids-%u.img", Magic: "IDS", Container: Common, grammar: all[*criu_core.TaskKobjIdsEntry]()},
	{Template: "mm-%u.img", Magic: "MM", Container: Common, grammar: all[*mm.MmEntry]()},
	{Template: "vmas-%u.img", Magic: "VMAS", Container: Common, grammar: all[*vma.VmaEntry]()},
	{Template: "creds-%u.img", Magic: "CREDS", Container: Common, grammar: all[*creds.CredsEntry]()},
	{Template: "fs-%u.img", Magic: "FS", Container: Common, grammar: all[*fs.FsEntry]()},
	{Template: "sigacts-%u.img", Magic: "SIGACT", Container: Common, grammar: all[*criu_sa.SaEntry]()},
	{Template: "itimers-%u.img", Magic: "ITIMERS", Container: Common, grammar: all[*timer.ItimerEntry]()},
	{Template: "posix-timers-%u.img", Magic: "POSIX_TIMERS", Container: Common, grammar: all[*timer.PosixTimerEntry]()},
	{Template: "signal-s-%u.img", Magic: "SIGNAL", Container: Common, grammar: all[*siginfo.SiginfoEntry]()},
	{Template: "signal-p-%u.img", Magic: "SIGNAL", Container: Common, grammar: all[*siginfo.SiginfoEntry]()},
	{Template: "rlimit-%u.img", Magic: "RLIMIT", Container: Common, grammar: all[*rlimit.RlimitEntry]()},
	{Template: "fdinfo-%u.img", Magic: "FDINFO", Container: Common, grammar: all[*fdinfo.FdinfoEntry]()},
	{Template: "pstree.img", Magic: "PSTREE", Container: Common, grammar: all[*pstree.PstreeEntry]()},
	{Template: "seccomp.img", Magic: "SECCOMP", Container: Common, grammar: all[*seccomp.SeccompEntry]()},
	{Template: "apparmor.img", Magic: "APPARMOR", Container: Common, grammar: all[*apparmor.ApparmorEntry]()},
	{Template: "cpuinfo.img", Magic: "CPUINFO", Container: Common, grammar: all[*cpuinfo.CpuinfoEntry]()},
	{Template: "cgroup.img", Magic: "CGROUP", Container: Common, grammar: all[*cgroup.CgroupEntry]()},

	{Template: "files.img", Magic: "FILES", Container: Common, grammar: all[*fdinfo.FileEntry]()},
	{Template: "reg-files.img", Magic: "REG_FILES", Container: Common, grammar: all[*regfile.RegFileEntry]()},
	{Template: "ext-files.img", Magic: "EXT_FILES", Container: Common, grammar: all[*ext_file.ExtFileEntry]()},
	{Template: "ns-files.img", Magic: "NS_FILES", Container: Common, grammar: all[*ns.NsFileEntry]()},
	{Template: "eventfd.img", Magic: "EVENTFD_FILE", Container: Common, grammar: all[*eventfd.EventfdFileEntry]()},
	{Template: "eventpoll.img", Magic: "EVENTPOLL_FILE", Container: Common, grammar: all[*eventpoll.EventpollFileEntry]()},
	{Template: "eventpoll-tfd.img", Magic: "EVENTPOLL_TFD", Container: Common, grammar: all[*eventpoll.EventpollTfdEntry]()},
	{Template: "signalfd.img", Magic: "SIGNALFD", Container: Common, grammar: all[*signalfd.SignalfdEntry]()},
	{Template: "timerfd.img", Magic: "TIMERFD", Container: Common, grammar: all[*timerfd.TimerfdEntry]()},
	{Template: "inotify.img", Magic: "INOTIFY_FILE", Container: Common, grammar: all[*fsnotify.InotifyFileEntry]()},
	{Template: "inotify-wd.img", Magic: "INOTIFY_WD", Container: Common, grammar: all[*fsnotify.InotifyWdEntry]()},
	{Template: "fanotify.img", Magic: "FANOTIFY_FILE", Container: Common, grammar: all[*fsnotify.FanotifyFileEntry]()},
	{Template: "fanotify-mark.img", Magic: "FANOTIFY_MARK", Container: Common, grammar: all[*fsnotify.FanotifyMarkEntry]()},
	{Template: "pipes.img", Magic: "PIPES", Container: Common, grammar: all[*pipe.PipeEntry]()},
	{Template: "fifo.img", Magic: "FIFO", Container: Common, grammar: all[*fifo.FifoEntry]()},
	{Template: "unixsk.img", Magic: "UNIXSK", Container: Common, grammar: all[*sk_unix.UnixSkEntry]()},
	{Template: "inetsk.img", Magic: "INETSK", Container: Common, grammar: all[*sk_inet.InetSkEntry]()},
	{Template: "packetsk.img", Magic: "PACKETSK", Container: Common, grammar: all[*packet_sock.PacketSockEntry]()},
	{Template: "netlinksk.img", Magic: "NETLINK_SK", Container: Common, grammar: all[*sk_netlink.NetlinkSkEntry]()},
	{Template: "tunfile.img", Magic: "TUNFILE", Container: Common, grammar: all[*tun.TunfileEntry]()},
	{Template: "tty.img", Magic: "TTY_FILES", Container: Common, grammar: all[*tty.TtyFileEntry]()},
	{Template: "tty-info.img", Magic: "TTY_INFO", Container: Common, grammar: all[*tty.TtyInfoEntry]()},
	{Template: "tty-data.img", Magic: "TTY_DATA", Container: Common, grammar: all[*tty.TtyDataEntry]()},
	{Template: "memfd.img", Magic: "MEMFD_INODE", Container: Common, grammar: all[*memfd.MemfdInodeEntry]()},
	{Template: "bpfmap-file.img", Magic: "BPFMAP_FILE", Container: Common, grammar: all[*bpfmap_file.BpfmapFileEntry]()},
	{Template: "pidfd.img", Magic: "PIDFD", Container: Common}, // go-criu has no message for it
	{Template: "remap-fpath.img", Magic: "REMAP_FPATH", Container: Common, grammar: all[*remap_file_path.RemapFilePathEntry]()},
	{Template: "filelocks.img", Magic: "FILE_LOCKS", Container: Common, grammar: all[*file_lock.FileLockEntry]()},

	{Template: "utsns-%u.img", Magic: "UTSNS", Container: Common, grammar: all[*utsns.UtsnsEntry]()},
	{Template: "timens-%u.img", Magic: "TIMENS", Container: Common, grammar: all[*timens.TimensEntry]()},
	{Template: "pidns-%u.img", Magic: "PIDNS", Container: Common, grammar: all[*pidns.PidnsEntry]()},
	{Template: "userns-%u.img", Magic: "USERNS", Container: Common, grammar: all[*userns.UsernsEntry]()},
	{Template: "ipcns-var-%u.img", Magic: "IPC_VAR", Container: Common, grammar: all[*ipc_var.IpcVarEntry]()},
	{Template: "mountpoints-%u.img", Magic: "MNTS", Container: Common, grammar: all[*mnt.MntEntry]()},
	{Template: "netdev-%u.img", Magic: "NETDEV", Container: Common, grammar: all[*netdev.NetDeviceEntry]()},
	{Template: "netns-%u.img", Magic: "NETNS", Container: Common, grammar: all[*netdev.NetnsEntry]()},
	{Template: "autofs-%u.img", Magic: "AUTOFS", Container: Common, grammar: all[*autofs.AutofsEntry]()},
	{Template: "binfmt-misc.img", Magic: "BINFMT_MISC", Container: Common, grammar: all[*binfmt_misc.BinfmtMiscEntry]()},
	{Template: "binfmt-misc-%u.img", Magic: "BINFMT_MISC", Container: Common, grammar: all[*binfmt_misc.BinfmtMiscEntry]()},

	{Template: "pages-%u.img"},
	{Template: "ifaddr-%u.img"},
	{Template: "route-%u.img"},
	{Template: "route6-%u.img"},
	{Template: "rule-%u.img"},
	{Template: "iptables-%u.img"},
	{Template: "ip6tables-%u.img"},
	{Template: "nftables-%u.img"},
	{Template: "netns-ct-%u.img"},
	{Template: "netns-exp-%u.img"},
	{Template: "tmpfs-%u.tar.gz.img"},
	{Template: "tmpfs-dev-%u.tar.gz.img"},
}

// pidfdMagic is that of CRIU 4.1's pidfd.img, which go-criu's table lacks.
const pidfdMagic = 0x54435556

var commonMagic, serviceMagic uint32

func init() {
	table := magic.LoadMagic().ByName
	table["PIDFD"] = pidfdMagic
	commonMagic, serviceMagic = uint32(table["IMG_COMMON"]), uint32(table["IMG_SERVICE"])
	for i := range kinds {
		kinds[i].magic = uint32(table[kinds[i].Magic])
	}
}

// KindOf tells the kind of an image by its file name; false if CRIU 4.1 has no
// image of such a name.
func KindOf(name string) (Kind, bool) {
	for i := range kinds {
		if _, ok := matchTemplate(kinds[i].Template, name); ok {
			return kinds[i], true
		}
	}
	return Kind{}, false
}

// IDOf gives the number in the file name of an image (a thread, a namespace, a
// shared memory object, a socket: that depends on the kind); false if the
// image is of no known kind or its name has no number.
func IDOf(name string) (uint64, bool) {
	k, ok := KindOf(name)
	if !ok || !strings.Contains(k.Template, "%u") && !strings.Contains(k.Template, "%x") {
		return 0, false
	}
	return matchTemplate(k.Template, name)
}

// matchTemplate matches a name with a template that has at most one verb, and
// gives the number that stands in its place. Numbers are as printf writes
// them: CRIU would not find a name with a zero too many.
func matchTemplate(template, name string) (uint64, bool) {
	prefix, suffix, found := strings.Cut(template, "%")
	if !found {
		return 0, template == name
	}
	verb, suffix := suffix[0], suffix[1:]
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	rest, ok = strings.CutSuffix(rest, suffix)
	if !ok {
		return 0, false
	}
	base := 10
	if verb == 'x' {
		base = 16
	}
	n, err := strconv.ParseUint(rest, base, 64)
	return n, err == nil && strconv.FormatUint(n, base) == rest
}
