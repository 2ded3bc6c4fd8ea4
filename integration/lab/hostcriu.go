package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// HostCRIU returns the command that runs trixie's CRIU on this machine, to
// which the arguments of criu are to be appended. The machine's own may be too
// old for its kernel. The program and its libraries lie in the cache and run
// with their own dynamic loader. progress may be nil.
func HostCRIU(ctx context.Context, progress func(format string, args ...any)) ([]string, error) {
	cmd, err := hostCRIU(ctx, progress)
	if err != nil {
		return nil, fmt.Errorf("lab: getting CRIU for this machine: %w", err)
	}
	return cmd, nil
}

func hostCRIU(ctx context.Context, log progress) ([]string, error) {
	arch := runtime.GOARCH // Debian calls amd64 and arm64 as Go does
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
	debs, err := apt.resolve(ctx, "criu")
	if err != nil {
		return nil, err
	}
	dir, err := built(filepath.Join(cache, "criu-"+arch+"-"+recipe(buildVersion, list(debs))), func(tmp string) error {
		files, err := apt.fetch(ctx, debs)
		if err != nil {
			return err
		}
		for _, f := range files {
			if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "-x", f, tmp)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	loaders, err := filepath.Glob(filepath.Join(dir, "usr/lib/*/ld-linux-*.so.*"))
	if err != nil || len(loaders) != 1 {
		return nil, fmt.Errorf("one dynamic loader is expected in %s, there are %d", filepath.Join(dir, "usr/lib"), len(loaders))
	}
	libraries := []string{filepath.Dir(loaders[0]), filepath.Join(dir, "usr/lib")}
	return []string{loaders[0], "--library-path", strings.Join(libraries, ":"), filepath.Join(dir, "usr/sbin/criu")}, nil
}
