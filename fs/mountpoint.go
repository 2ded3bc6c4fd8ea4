package fs

import (
	"bufio"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckMountpoint resolves a mountpoint, and refuses one that would do harm: it
// must be a directory outside source, and must not cover source or one of the
// further files that are needed while mounted. Errors are sentences.
func CheckMountpoint(mountpoint, source string, needed ...string) (string, error) {
	if info, err := MountAt(mountpoint); err == nil && info.Type == Type {
		return "", fmt.Errorf("%s is mounted already, from %s; unmount it first", mountpoint, info.Source)
	}
	dst, err := filepath.Abs(mountpoint)
	if err != nil {
		return "", err
	}
	dst, err = filepath.EvalSymlinks(dst)
	if err != nil {
		return "", mountpointError(mountpoint, err)
	}
	st, err := os.Stat(dst)
	if err != nil {
		return "", mountpointError(mountpoint, err)
	}
	if !st.IsDir() {
		return "", fmt.Errorf("the mountpoint %s is not a directory", mountpoint)
	}
	src, err := resolve(source)
	if err != nil {
		return "", err
	}
	if in, err := isBelow(src, dst); err != nil {
		return "", err
	} else if in {
		return "", fmt.Errorf("the mountpoint %s would hide its own source %s; take another directory", mountpoint, source)
	}
	if in, err := isBelow(dst, src); err != nil {
		return "", err
	} else if in {
		return "", fmt.Errorf("the mountpoint %s lies inside the source %s, which is never changed; take another directory", mountpoint, source)
	}
	for _, name := range needed {
		file, err := resolve(name)
		if err != nil {
			return "", err
		}
		if in, err := isBelow(file, dst); err != nil {
			return "", err
		} else if in {
			return "", fmt.Errorf("the mountpoint %s would hide %s, which is needed while mounted; take another directory", mountpoint, name)
		}
	}
	return dst, nil
}

func mountpointError(mountpoint string, err error) error {
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return fmt.Errorf("the mountpoint %s does not exist; make the directory first", mountpoint)
	case errors.Is(err, unix.ENOTCONN):
		return fmt.Errorf("the mountpoint %s holds a dead mount, whose server is gone; unmount it first", mountpoint)
	}
	return fmt.Errorf("the mountpoint %s: %w", mountpoint, err)
}

func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// isBelow tells whether path, which is resolved, is dir or lies below it. It
// compares files rather than names, since a directory can have several.
func isBelow(path, dir string) (bool, error) {
	d, err := os.Stat(dir)
	if err != nil {
		return false, err
	}
	for {
		p, err := os.Stat(path)
		if err != nil {
			return false, err
		}
		if os.SameFile(p, d) {
			return true, nil
		}
		up := filepath.Dir(path)
		if up == path {
			return false, nil
		}
		path = up
	}
}

// MountInfo is a line of the mount table.
type MountInfo struct {
	Dir    string // where it is mounted
	Dev    string // MAJOR:MINOR
	Type   string // "fuse.tpfs", "ext4"
	Source string
}

// MountAt is the topmost mount whose mountpoint is exactly dir. The error is
// iofs.ErrNotExist, in the sense of errors.Is, if there is none. A mount whose
// server is dead or hangs is found, too.
func MountAt(dir string) (MountInfo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return MountInfo{}, err
	}
	// The mountpoint itself is left alone at first: whoever looks at one
	// whose server hangs, hangs too.
	if up, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		if m, err := mountAt(filepath.Join(up, filepath.Base(abs))); !errors.Is(err, iofs.ErrNotExist) {
			return m, err
		}
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return mountAt(abs)
}

// mountAt is MountAt for a resolved path, which it does not touch: the server
// of a mount may ask for its own.
func mountAt(dir string) (MountInfo, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return MountInfo{}, err
	}
	defer f.Close()
	var found *MountInfo
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m, ok := parseMountInfo(lines.Text()); ok && m.Dir == dir {
			found = &m // a later one covers an earlier one
		}
	}
	if err := lines.Err(); err != nil {
		return MountInfo{}, err
	}
	if found == nil {
		return MountInfo{}, fmt.Errorf("%s is not a mountpoint: %w", dir, iofs.ErrNotExist)
	}
	return *found, nil
}

// parseMountInfo reads a line as described in proc_pid_mountinfo(5):
//
//	ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS [FIELD...] - TYPE SOURCE SUPER-OPTIONS
func parseMountInfo(line string) (MountInfo, bool) {
	// No other blank separates: names may have those that are not escaped.
	f := strings.Split(line, " ")
	if len(f) < 6 {
		return MountInfo{}, false
	}
	end := slices.Index(f[6:], "-")
	if end < 0 || len(f[6+end:]) < 3 {
		return MountInfo{}, false
	}
	b := f[6+end+1:]
	return MountInfo{Dir: unescape(f[4]), Dev: f[2], Type: b[0], Source: unescape(b[1])}, true
}

// unescape undoes the kernel's octal escapes of blanks and backslashes.
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
