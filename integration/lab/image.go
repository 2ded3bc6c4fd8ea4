package lab

import (
	"archive/tar"
	"bufio"
	"context"
	"embed"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// buildVersion is to be raised when the code that builds makes something else
// out of the same packages and sources.
const buildVersion = "1"

// guestPackages are in a guest, with all they need.
var guestPackages = []string{"busybox-static", "criu", "strace"}

// guestModules are loaded at boot, in this order.
var guestModules = []string{
	"virtio_net", "virtio_blk",
	// How CRIU asks for sockets, in every dump.
	"af_packet", "unix_diag", "inet_diag", "tcp_diag", "udp_diag", "raw_diag", "af_packet_diag", "netlink_diag",
	// CRIU does not start without nfnetlink. nf_tables takes crc32c by name,
	// so that nothing says it depends on it.
	"nfnetlink", "crc32c_generic", "nf_tables",
	"veth", "tun",
	"overlay", "fuse", "nfsv3", "nfsv4",
}

//go:embed guest
var guestFiles embed.FS

//go:embed agent/*.go
var agentSource embed.FS

// Image is a guest to boot.
type Image struct {
	Arch   string // amd64 or arm64
	Kernel string // paths of files
	Initrd string
	// Packages lists what the guest is made of, a package and its version a
	// line.
	Packages string
}

// BuildGuest makes the kernel and initrd of a guest ("amd64" or "arm64") out of
// Debian's packages, or finds them in the cache. It needs the network only if
// something is new. progress may be nil.
func BuildGuest(ctx context.Context, arch string, progress func(format string, args ...any)) (*Image, error) {
	if _, ok := machines[arch]; !ok {
		return nil, fmt.Errorf("lab: no guests of the architecture %q, only of %v", arch, slices.Sorted(maps.Keys(machines)))
	}
	im, err := buildGuest(ctx, arch, progress)
	if err != nil {
		return nil, fmt.Errorf("lab: building the %s guest: %w", arch, err)
	}
	return im, nil
}

func buildGuest(ctx context.Context, arch string, log progress) (*Image, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	aptDir := filepath.Join(cache, "apt-"+arch)
	unlock, err := lock(ctx, aptDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	apt, err := newApt(ctx, aptDir, arch, log)
	if err != nil {
		return nil, err
	}
	debs, err := apt.resolve(ctx, guestPackages...)
	if err != nil {
		return nil, err
	}
	kernel, err := apt.kernel(ctx)
	if err != nil {
		return nil, err
	}
	packages := list(append(debs, kernel))

	key := recipe(buildVersion, arch, packages, strings.Join(guestModules, " "), sources(guestFiles), sources(agentSource))
	dir, err := built(filepath.Join(cache, "guest-"+arch+"-"+key), func(tmp string) error {
		begun := time.Now()
		defer func() { log.log("built the %s guest in %.1f s", arch, time.Since(begun).Seconds()) }()
		b := builder{ctx: ctx, arch: arch, root: initrd{}, modules: newModuleSet()}
		files, err := apt.fetch(ctx, append(debs, kernel))
		if err != nil {
			return err
		}
		last := len(files) - 1
		return b.build(tmp, files[:last], files[last])
	})
	if err != nil {
		return nil, err
	}
	return &Image{Arch: arch, Kernel: filepath.Join(dir, "vmlinuz"), Initrd: filepath.Join(dir, "initrd"), Packages: packages}, nil
}

// kernel is the package of the newest kernel for virtual machines in a cloud,
// the smallest one that has all that is needed.
func (a *apt) kernel(ctx context.Context) (deb, error) {
	meta := "linux-image-cloud-" + a.arch
	debs, err := a.resolve(ctx, meta)
	if err != nil {
		return deb{}, err
	}
	for _, d := range debs {
		if strings.HasPrefix(d.name, "linux-image-") && d.name != meta {
			return d, nil
		}
	}
	return deb{}, fmt.Errorf("the package %s depends on no linux-image", meta)
}

func list(debs []deb) string {
	var s strings.Builder
	for _, d := range debs {
		fmt.Fprintln(&s, d.name, d.version)
	}
	return s.String()
}

// sources is the content of all files in a small tree.
func sources(files embed.FS) string {
	var s strings.Builder
	eachFile(files, func(name string, data []byte) { fmt.Fprintf(&s, "%s %d\n%s", name, len(data), data) })
	return s.String()
}

func eachFile(files embed.FS, f func(name string, data []byte)) {
	var visit func(dir string)
	visit = func(dir string) {
		entries, _ := files.ReadDir(dir) // cannot fail: it was listed
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if e.IsDir() {
				visit(name)
				continue
			}
			data, _ := files.ReadFile(name)
			f(name, data)
		}
	}
	visit(".")
}

type builder struct {
	ctx     context.Context
	arch    string
	root    initrd
	modules *moduleSet
}

// build makes vmlinuz and initrd in the directory out.
func (b *builder) build(out string, debs []string, kernel string) error {
	for _, d := range debs {
		if err := b.root.addDeb(b.ctx, d, wantedInGuest); err != nil {
			return err
		}
	}
	vmlinuz, err := b.addKernel(kernel)
	if err != nil {
		return err
	}
	agent, err := b.agent()
	if err != nil {
		return err
	}
	b.root.file("usr/bin/tpfs-agent", 0o755, agent)
	b.skeleton()

	if err := os.WriteFile(filepath.Join(out, "vmlinuz"), vmlinuz, 0o644); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(out, "initrd"))
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := b.root.writeTo(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// wantedInGuest leaves out what only people read, and conversions of
// character sets.
func wantedInGuest(p string) bool {
	return !strings.HasPrefix(p, "usr/share/") && !strings.Contains(p, "/gconv/")
}

// addKernel takes the modules wanted out of the kernel's package, and the
// kernel itself.
func (b *builder) addKernel(file string) (vmlinuz []byte, err error) {
	err = readDeb(b.ctx, file, func(h *tar.Header, r io.Reader) error {
		p := merged(h.Name)
		isKernel := strings.HasPrefix(p, "boot/vmlinuz-")
		if h.Typeflag != tar.TypeReg || !isKernel && !strings.HasPrefix(p, "usr/lib/modules/") {
			return nil
		}
		data, err := io.ReadAll(r)
		if isKernel {
			vmlinuz = data
		} else {
			b.modules.add(p, data)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if vmlinuz == nil {
		return nil, fmt.Errorf("%s has no boot/vmlinuz-*", file)
	}
	order, err := b.modules.load(b.ctx, guestModules...)
	if err != nil {
		return nil, err
	}
	for _, name := range order {
		ko, err := b.modules.read(b.ctx, name)
		if err != nil {
			return nil, err
		}
		b.root.file("usr/lib/tpfs/"+name+".ko", 0o644, ko)
	}
	b.root.file("usr/lib/tpfs/modules", 0o644, []byte(strings.Join(order, "\n")+"\n"))
	return vmlinuz, nil
}

// agent builds the agent as a static program for the guest, out of the source
// in this program, so that it does not matter where that is run.
func (b *builder) agent() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tpfs-agent-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	eachFile(agentSource, func(name string, data []byte) {
		if err == nil && !strings.HasSuffix(name, "_test.go") {
			err = os.WriteFile(filepath.Join(dir, path.Base(name)), data, 0o644)
		}
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module agent\n\ngo 1.26\n"), 0o644)
	}
	if err != nil {
		return nil, err
	}
	exe := filepath.Join(dir, "agent")
	c := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", exe, ".")
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.arch, "GOFLAGS=", "GOWORK=off")
	if _, err := output(c); err != nil {
		return nil, err
	}
	return os.ReadFile(exe)
}

// skeleton adds what no package brings.
func (b *builder) skeleton() {
	for _, d := range usrLinks {
		b.root.dir("usr/" + d)
		b.root.link(d, "usr/"+d)
	}
	b.root.dir("proc", "sys", "dev", "tmp", "run", "mnt", "root", "etc", "var/tmp", "newroot")
	for _, applet := range []string{"sh", "env"} {
		b.root.link("usr/bin/"+applet, "busybox")
	}
	b.root.link("usr/sbin/init", "../bin/busybox")
	for name, to := range map[string]struct {
		path string
		mode uint32
	}{
		"init":    {"init", 0o755},
		"rc":      {"etc/rc", 0o755},
		"inittab": {"etc/inittab", 0o644},
	} {
		data, _ := guestFiles.ReadFile("guest/" + name) // embedded
		b.root.file(to.path, to.mode, data)
	}
	b.root.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\n"))
	b.root.file("etc/group", 0o644, []byte("root:x:0:\n"))
}
