package lab

import (
	"os"
	"path/filepath"
	"testing"
)

// Need fails a test on a machine that cannot run the laboratory, so that a
// green run means that everything was run. Only who sets TPFS_SKIP_LAB=1 gets
// the test skipped.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv("TPFS_SKIP_LAB") == "1" {
		t.Skip("TPFS_SKIP_LAB=1")
	}
	if err := Check(); err != nil {
		t.Fatal(err)
	}
}

// Logs makes a directory for what a test leaves behind: if it fails, the
// directory stays and its path is printed, else it is removed. With TPFS_LAB_LOGS
// set, it is inside that directory, and stays in any case.
func Logs(t testing.TB) string {
	t.Helper()
	top := os.Getenv("TPFS_LAB_LOGS")
	if top != "" {
		dir := filepath.Join(top, t.Name())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { t.Logf("the logs are in %s", dir) })
		return dir
	}
	dir, err := os.MkdirTemp("", "tpfs-logs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs are in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
