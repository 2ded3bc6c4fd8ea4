package lab

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	suite         = "trixie" // its CRIU is the first that runs on kernels of 6.13 and later
	defaultMirror = "http://deb.debian.org/debian"
	keyring       = "/usr/share/keyrings/debian-archive-keyring.gpg"

	// listsAge is how old the lists of packages may be before they are
	// fetched again.
	listsAge = 7 * 24 * time.Hour
)

// apt is a private installation of apt that knows the packages of one
// architecture in one suite and none as installed, so that what it resolves
// is the whole closure. It touches nothing of the machine's own apt.
type apt struct {
	dir  string
	arch string // as Debian calls it
	log  progress
}

// deb is a package file as apt names it.
type deb struct {
	name, version string
	file          string // in the directory of fetched packages
	size          int64
	uri           string
}

// newApt makes the configuration and sees to it that lists of packages are
// there. A machine that is offline goes on with old ones.
func newApt(ctx context.Context, dir, arch string, log progress) (*apt, error) {
	a := &apt{dir: dir, arch: arch, log: log}
	for _, d := range []string{"etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	mirror := machineMirror(os.DirFS("/etc/apt"))
	source := fmt.Sprintf("deb [arch=%s signed-by=%s] %s %s main\n", arch, keyring, mirror, suite)
	for name, content := range map[string]string{
		"sources.list": source,
		"status":       "",
		"apt.conf":     a.config(machineAcquire(ctx)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}

	// The stamp holds the source, since lists of another one are of no use.
	stamp := filepath.Join(dir, "updated")
	was, err := os.ReadFile(stamp)
	have := err == nil && string(was) == source
	if fi, err := os.Stat(stamp); have && err == nil && time.Since(fi.ModTime()) < listsAge {
		return a, nil
	}
	log.log("fetching the list of %s packages from %s", arch, mirror)
	if _, err := a.get(ctx, "update"); err != nil {
		if have && ctx.Err() == nil {
			log.log("going on with old lists: %v", err)
			return a, nil
		}
		return nil, err
	}
	return a, os.WriteFile(stamp, []byte(source), 0o644)
}

func (a *apt) config(acquire string) string {
	return acquire + fmt.Sprintf(`
APT::Architecture "%[2]s";
APT::Architectures { "%[2]s"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::Etc "%[1]s/etc";
Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "%[1]s/state";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache";
Acquire::Languages "none";
Acquire::Retries "3";
`, a.dir, a.arch)
}

// get runs apt-get in the directory of fetched packages.
func (a *apt) get(ctx context.Context, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "apt-get", append([]string{"-qq", "-y"}, args...)...)
	c.Dir = filepath.Join(a.dir, "debs")
	c.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C")
	return output(c)
}

// resolve returns the packages that have to be there for those named, and
// those named, in the order of their names.
func (a *apt) resolve(ctx context.Context, names ...string) ([]deb, error) {
	out, err := a.get(ctx, append([]string{"--print-uris", "install"}, names...)...)
	if err != nil {
		return nil, err
	}
	return parseURIs(out)
}

// parseURIs reads what apt-get --print-uris prints, one package a line:
//
//	'http://…/busybox-static_1.37.0-6_arm64.deb' busybox-static_1%3a1.37.0-6_arm64.deb 847552 SHA256:…
func parseURIs(out []byte) ([]deb, error) {
	var debs []deb
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.HasPrefix(f[0], "'") {
			return nil, fmt.Errorf("apt-get printed %q where the address of a package was expected", line)
		}
		name, rest, _ := strings.Cut(f[1], "_")
		version, err := url.PathUnescape(rest[:max(0, strings.LastIndex(rest, "_"))])
		if err != nil || version == "" {
			return nil, fmt.Errorf("apt-get printed %q, of which no version can be read", line)
		}
		size, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("apt-get printed %q, of which no size can be read", line)
		}
		debs = append(debs, deb{name: name, version: version, file: f[1], size: size, uri: strings.Trim(f[0], "'")})
	}
	slices.SortFunc(debs, func(a, b deb) int { return strings.Compare(a.file, b.file) })
	return debs, nil
}

// fetch downloads the packages that are not there yet and returns the paths of
// all. apt-get has checked what it downloaded.
func (a *apt) fetch(ctx context.Context, debs []deb) ([]string, error) {
	var paths, missing []string
	var bytes int64
	for _, d := range debs {
		path := filepath.Join(a.dir, "debs", d.file)
		paths = append(paths, path)
		if fi, err := os.Stat(path); err != nil || fi.Size() != d.size {
			missing = append(missing, d.name+"="+d.version)
			bytes += d.size
		}
	}
	if len(missing) == 0 {
		return paths, nil
	}
	a.log.log("downloading %d %s packages, %d MB", len(missing), a.arch, bytes/1e6)
	if _, err := a.get(ctx, append([]string{"download"}, missing...)...); err != nil {
		return nil, err
	}
	for i, d := range debs {
		if fi, err := os.Stat(paths[i]); err != nil || fi.Size() != d.size {
			return nil, fmt.Errorf("apt-get download has not left %d bytes in %s", d.size, paths[i])
		}
	}
	return paths, nil
}

// output runs a command and returns what it wrote to its standard output; an
// error has what it wrote to the other.
func output(c *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// machineAcquire is the part of the machine's own configuration of apt that
// tells how to reach a mirror: proxies, and whether to heed dates.
func machineAcquire(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return "" // a proxy can be given in the environment too
	}
	var keep strings.Builder
	for line := range strings.Lines(string(out)) {
		for _, prefix := range []string{"Acquire::http", "Acquire::Check-Valid-Until ", "Acquire::Check-Date "} {
			if strings.HasPrefix(line, prefix) {
				keep.WriteString(line)
			}
		}
	}
	return keep.String()
}
