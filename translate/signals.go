package translate

import (
	"fmt"

	criu_sa "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-sa"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/pair"
)

// saRestorer is SA_RESTORER, the same on both architectures.
const saRestorer = 0x04000000

// translateActions gives each signal handler the destination's own restorer.
// Handlers themselves are functions of the pair, at equal addresses. Without
// SA_RESTORER, as on aarch64 it may be, a handler would return through the
// vDSO, which does not go over.
func translateActions(actions []*criu_sa.SaEntry, from, to *pair.Binary) error {
	for i, a := range actions {
		const ignore = 1 // SIG_IGN; SIG_DFL is 0
		if a.GetSigaction() <= ignore {
			continue
		}
		// CRIU leaves out SIGKILL and SIGSTOP, whose actions cannot be set.
		sig := i + 1
		if sig >= 9 {
			sig++
		}
		if sig >= 19 {
			sig++
		}
		if a.GetCompatSigaction() {
			return fmt.Errorf("signal %d: its handler was set by a 32-bit system call", sig)
		}
		if a.GetFlags()&saRestorer != 0 && a.GetRestorer() != from.Points.Restorer {
			return fmt.Errorf("signal %d: its handler returns through %#x, not through the pair's restorer at %#x: it was not set by the pair's runtime",
				sig, a.GetRestorer(), from.Points.Restorer)
		}
		a.Flags = proto.Uint64(a.GetFlags() | saRestorer)
		a.Restorer = proto.Uint64(to.Points.Restorer)
	}
	return nil
}
