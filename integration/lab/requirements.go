package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Requirement is something the laboratory needs of the machine.
type Requirement struct {
	What    string // a program or file
	Package string // of Debian, that brings it; "" if no package does
	Missing bool
}

// Requirements tells what the laboratory needs and whether it is here.
func Requirements() []Requirement {
	program := func(name, pkg string) Requirement {
		_, err := exec.LookPath(name)
		return Requirement{name, pkg, err != nil}
	}
	file := func(pattern, pkg string) Requirement {
		found, _ := filepath.Glob(pattern)
		return Requirement{pattern, pkg, len(found) == 0}
	}
	return []Requirement{
		{"Linux", "", runtime.GOOS != "linux"},
		{"root", "", os.Geteuid() != 0},
		file("/dev/fuse", ""),
		program("go", "golang"),
		program("apt-get", "apt"),
		program("dpkg-deb", "dpkg"),
		program("xz", "xz-utils"),
		file(keyring, "debian-archive-keyring"),
		program("qemu-system-x86_64", "qemu-system-x86"),
		program("qemu-system-aarch64", "qemu-system-arm"),
		program("ganesha.nfsd", "nfs-ganesha"),
		file("/usr/lib/*/ganesha/libfsalvfs.so", "nfs-ganesha-vfs"),
	}
}

// Check returns an error that lists all that is missing and what to install,
// or nil.
func Check() error { return missing(Requirements()) }

func missing(all []Requirement) error {
	var what, packages []string
	for _, r := range all {
		if r.Missing {
			what = append(what, r.What)
			if r.Package != "" && !slices.Contains(packages, r.Package) {
				packages = append(packages, r.Package)
			}
		}
	}
	if len(what) == 0 {
		return nil
	}
	err := fmt.Errorf("lab: this machine lacks %s", strings.Join(what, ", "))
	if len(packages) > 0 {
		err = fmt.Errorf("%w; apt-get install --no-install-recommends %s", err, strings.Join(packages, " "))
	}
	return err
}
