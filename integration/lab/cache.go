package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// CacheDir is where the laboratory keeps what it downloads and builds: the
// directory TPFS_CACHE names, or tpfs in the user's cache directory.
func CacheDir() (string, error) {
	if dir := os.Getenv("TPFS_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("lab: no place for the cache: %w; set TPFS_CACHE", err)
	}
	return filepath.Join(dir, "tpfs"), nil
}

// A progress function is told in one line what takes long. nil is allowed
// wherever one is asked for; testing.T.Logf and log.Printf are such functions.
type progress func(format string, args ...any)

func (p progress) log(format string, args ...any) {
	if p != nil {
		p(format, args...)
	}
}

// recipe hashes all that decides what a build yields.
func recipe(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// built returns dir, after having built it if it is not there yet. It appears
// only when it is complete. The caller holds the lock.
func built(dir string, build func(tmp string) error) (string, error) {
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	tmp := dir + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return "", err
	}
	if err := build(tmp); err != nil {
		return "", errors.Join(err, os.RemoveAll(tmp))
	}
	return dir, os.Rename(tmp, dir)
}

// lock takes the lock of a directory, which it makes, against all other
// processes and goroutines. It waits for it until ctx ends.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	// flock cannot be waited for together with a context.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lab: locking %s: %w", f.Name(), err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lab: another process holds %s: %w", f.Name(), context.Cause(ctx))
		case <-tick.C:
		}
	}
}
