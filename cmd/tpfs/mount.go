package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/fs"
	"github.com/tpfs/tpfs/translate"
	"github.com/tpfs/tpfs/translate/view"
)

var mountCommand = command{
	name:  "mount",
	args:  "SRC DST",
	short: "show the dump in SRC, translated, as the directory DST",
	long: `
SRC is a directory that criu dump has written. It is never changed. What the
restoring side writes into DST (logs, a pidfile, a socket) is kept apart, and
gone after the unmount. Problems of translation are in DST/.tpfs/errors.json,
and in the log.

The command returns when DST can be used; its server goes on in the background
until DST is unmounted, or it gets SIGINT or SIGTERM. If DST is in use then, the
server goes on until it is free; a second signal detaches DST at once.

With -o, options can be given as mount(8) does: arch=, bin=, sysroot=, flat,
va_bits=, log=, allow_other, debug; a comma within a value is written as \,.
A link to this program named mount.tpfs or mount.fuse.tpfs in /sbin serves
mount(8) and /etc/fstab.`,
	setup: func(flags *pflag.FlagSet) runFunc {
		m := &mountArgs{}
		m.register(flags)
		flags.BoolVarP(&m.foreground, "foreground", "f", false, "stay in the foreground")
		flags.StringVar(&m.log, "log", "", "append the server's log to `FILE`")
		options := flags.StringArrayP("options", "o", nil, "`OPTIONS` as of mount(8), separated by commas")
		return func(args []string, stdout, stderr io.Writer) error {
			m.source, m.dir = args[0], args[1]
			for _, text := range *options {
				if err := m.applyOptions(text, false); err != nil {
					return err
				}
			}
			return m.run(stdout, stderr)
		}
	},
}

// mountArgs is what a mount is asked for with.
type mountArgs struct {
	translateFlags
	source, dir string
	foreground  bool
	log         string
	allowOther  bool
	debug       bool
}

// mountHelper is for mount(8), which calls
//
//	mount.TYPE SRC DST [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
//
// as described in its section "External helpers".
func mountHelper(args []string, stdout, stderr io.Writer) error {
	m := &mountArgs{}
	m.register(pflag.NewFlagSet("", pflag.ContinueOnError)) // for the defaults
	flags := (&command{}).flagSet()
	sloppy := flags.BoolP("sloppy", "s", false, "")
	fake := flags.BoolP("fake", "f", false, "")
	flags.BoolP("no-mtab", "n", false, "")
	flags.BoolP("verbose", "v", false, "")
	namespace := flags.StringP("namespace", "N", "", "")
	flags.StringP("types", "t", "", "")
	options := flags.StringArrayP("options", "o", nil, "")
	if err := flags.Parse(args); err != nil {
		return usageErrorf("%w", err)
	}
	if err := exactArgs("mount", flags.Args(), "SRC DST"); err != nil {
		return err
	}
	if *namespace != "" {
		return usageErrorf("cannot mount into another namespace: use nsenter --mount=%s", *namespace)
	}
	m.source, m.dir = flags.Arg(0), flags.Arg(1)
	for _, text := range *options {
		if err := m.applyOptions(text, *sloppy); err != nil {
			return err
		}
	}
	if *fake {
		_, err := m.options(m.source)
		return err
	}
	return m.run(stdout, stderr)
}

// applyOptions takes options in the form of mount(8): "a,b=c", where a
// backslash makes the next character part of a value. Sloppy ignores those that
// are unknown, rather than to refuse them.
func (m *mountArgs) applyOptions(text string, sloppy bool) error {
	for _, o := range splitOptions(text) {
		key, value, hasValue := strings.Cut(o, "=")
		var err error
		switch key {
		case "arch":
			m.arch = value
		case "bin":
			m.bins = append(m.bins, value)
		case "sysroot":
			m.sysroot = value
		case "log":
			m.log = value
		case "va_bits":
			if m.vaBits, err = strconv.Atoi(value); err != nil {
				return usageErrorf("option %s: must be a number", o)
			}
		case "flat", "allow_other", "debug":
			if hasValue {
				return usageErrorf("option %s: takes no value", o)
			}
			switch key {
			case "flat":
				m.flat = true
			case "allow_other":
				m.allowOther = true
			case "debug":
				m.debug = true
			}
			continue
		default:
			if !sloppy && !isGeneric(key) {
				return usageErrorf("unknown mount option %q", o)
			}
			continue
		}
		if value == "" {
			return usageErrorf("option %s: needs a value", key)
		}
	}
	return nil
}

// isGeneric tells whether an option is one that mount(8) and its table use for
// all file systems, and that is nothing to us: the view is read-only, and the
// scratch layer is as we want it, whatever they say.
func isGeneric(key string) bool {
	if strings.HasPrefix(key, "x-") || strings.HasPrefix(key, "X-") {
		return true
	}
	switch key {
	case "", "defaults", "ro", "rw", "dev", "nodev", "suid", "nosuid", "exec", "noexec",
		"sync", "async", "dirsync", "atime", "noatime", "relatime", "norelatime", "strictatime",
		"diratime", "nodiratime", "lazytime", "nolazytime", "auto", "noauto", "user", "nouser",
		"users", "owner", "group", "nofail", "_netdev", "comment", "iversion", "noiversion",
		"mand", "nomand", "silent", "loud", "default_permissions", "fsname", "subtype":
		return true
	}
	return false
}

// splitOptions splits at commas that no backslash precedes.
func splitOptions(text string) []string {
	var list []string
	var option strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			option.WriteByte(text[i])
		case text[i] == ',':
			list = append(list, option.String())
			option.Reset()
		default:
			option.WriteByte(text[i])
		}
	}
	return append(list, option.String())
}

// mountable is a *translate.View. The tests of the mount have simpler ones.
type mountable interface {
	Root() view.Dir
	Errors() []error
	Close() error
}

var openMountable = func(o translate.Options) (mountable, error) { return translate.Open(o) }

// memoryLimit is what the garbage collector tries to keep to, in bytes. It
// leaves room below 64 MiB for what is not on its heap.
const memoryLimit = 48 << 20

func (m *mountArgs) run(stdout, stderr io.Writer) error {
	o, err := m.options(m.source)
	if err != nil {
		return err
	}
	starter := startedBy()
	if !m.foreground && starter == nil {
		return startServer(m.dir)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	logs, err := m.logFile(stderr)
	if err != nil {
		return err
	}
	logger := log.New(logs, "", log.LstdFlags)

	// From here on a signal ends the mount rather than the program, which
	// would leave a dead mount behind. So would a closed terminal or pipe.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	signal.Ignore(unix.SIGPIPE)

	dir, err := checkMountpoint(m.dir, o)
	if err != nil {
		return err
	}
	d, err := openMountable(o)
	if err != nil {
		return translateError(err)
	}
	defer d.Close()
	mount, err := fs.New(d.Root(), dir, fs.Options{
		FsName:     o.Source,
		AllowOther: m.allowOther || os.Geteuid() == 0,
		Errors:     d.Errors,
		Log:        func(s string) { logger.Print(printable(s)) },
		Debug:      m.debug,
	})
	if err != nil {
		return withCode(exitMount, err)
	}
	if starter == nil {
		fmt.Fprintf(stdout, "%s is shown for %s\non %s\nuntil Ctrl-C, or: tpfs umount %s\n",
			o.Source, translate.ArchName(o.Arch), dir, dir)
	} else if err := starter.ready(logs); err != nil {
		// Whoever wanted the mount is gone.
		logger.Print(err)
		return withCode(exitMount, mount.Detach())
	}
	logger.Printf("%s is shown for %s on %s", o.Source, translate.ArchName(o.Arch), dir)
	waitUnmounted(mount, signals, logger)
	logger.Printf("%s is unmounted", dir)
	return nil
}

// waitUnmounted returns when nobody uses the mount any longer. The first signal
// asks for that, the second insists, the third is obeyed at once.
func waitUnmounted(mount *fs.Mount, signals <-chan os.Signal, logger *log.Logger) {
	unmount := func() (busy bool) {
		err := mount.Unmount()
		if err != nil && !errors.Is(err, unix.EBUSY) {
			logger.Print(err)
		}
		return err != nil
	}
	var again <-chan time.Time
	for asked := 0; ; {
		select {
		case <-mount.Done():
			return
		case <-again:
			// The kernel does not tell when a mount becomes free.
			if !unmount() {
				again = nil
			}
		case s := <-signals:
			asked++
			switch asked {
			case 1:
				if unmount() {
					logger.Printf("%v: %s is in use; it is unmounted when it becomes free, or detached at the next signal", s, mount.Dir())
					again = time.Tick(time.Second)
				}
			case 2:
				again = nil
				logger.Printf("%v: %s is detached; open files can still be read", s, mount.Dir())
				if err := mount.Detach(); err != nil {
					logger.Print(err)
				}
			default:
				logger.Printf("%v: ending although files of %s are in use", s, mount.Dir())
				return
			}
		}
	}
}

// logFile is where the log goes: the file asked for, else in the foreground
// stderr. A server in the background without a file has none.
func (m *mountArgs) logFile(stderr io.Writer) (io.Writer, error) {
	switch {
	case m.log != "":
		f, err := os.OpenFile(m.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("the log: %w", err)
		}
		return f, nil
	case m.foreground:
		return stderr, nil
	}
	return io.Discard, nil
}

// checkMountpoint resolves the mountpoint, which must not cover anything that
// the translation reads.
func checkMountpoint(dir string, o translate.Options) (string, error) {
	d, err := criuimg.OpenDir(o.Source)
	if err != nil {
		return "", err
	}
	d.Close()
	needed := parents(o.Source)
	if o.Sysroot != "" {
		needed = append(needed, o.Sysroot)
	}
	for _, file := range o.Binaries {
		needed = append(needed, filepath.Join(o.Sysroot, file))
	}
	dir, err = fs.CheckMountpoint(dir, o.Source, needed...)
	return dir, withCode(exitMount, err)
}

// parents are the dumps that an incremental one builds upon. Whether they are
// any good is for the translation to say.
func parents(source string) []string {
	var list []string
	for len(list) < 100 { // a loop of links would have no end
		source = filepath.Join(source, "parent")
		real, err := filepath.EvalSymlinks(source)
		if err != nil {
			break
		}
		list = append(list, real)
		source = real
	}
	return list
}
