package lab

import (
	"os"
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
