package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpfs/tpfs/integration/lab"
)

// busyTimeout is many times what the tests of a package take, since the guest
// is emulated and the machine may be busy.
const busyTimeout = 10 * time.Minute

// TestPoison runs the tests that stop live processes on the other
// architecture too: what make test runs on this machine, in the aarch64 guest.
func TestPoison(t *testing.T) {
	lab.Need(t)
	ctx := t.Context()
	g, err := lab.Start(ctx, lab.Config{Arch: "arm64", LogDir: os.Getenv("TPFS_LAB_LOGS"), Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.Put(ctx, filepath.Join(build(t, "counter"), "counter.aarch64"), "/test/counter", 0o755); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, pkg := range []string{"examples/counter/test", "stop"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel() // they sleep most of the time
			ctx := t.Context()
			name := strings.ReplaceAll(pkg, "/", "-")
			bin := filepath.Join(dir, name)
			c := exec.CommandContext(ctx, "go", "test", "-c", "-o", bin, "../"+pkg)
			c.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", c, err, out)
			}
			if err := g.Put(ctx, bin, "/test/"+name, 0o755); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(ctx, busyTimeout)
			defer cancel()
			out, err := g.Output(ctx, "cd /test && ./"+name+" -test.v -test.short -counter /test/counter")
			if err != nil {
				t.Fatal(err)
			}
			t.Log(out)
		})
	}
}
