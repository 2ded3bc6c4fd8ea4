package translate

import (
	"strings"
	"testing"

	criu_sa "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-sa"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/pair"
)

func TestActions(t *testing.T) {
	from := &pair.Binary{Points: pair.Points{Restorer: 0x1000}}
	to := &pair.Binary{Points: pair.Points{Restorer: 0x2000}}
	action := func(handler, flags, restorer uint64) *criu_sa.SaEntry {
		return &criu_sa.SaEntry{Sigaction: proto.Uint64(handler), Flags: proto.Uint64(flags), Restorer: proto.Uint64(restorer), Mask: proto.Uint64(9)}
	}
	for _, tt := range []struct {
		name     string
		in, want *criu_sa.SaEntry
		err      string
	}{
		{"default", action(0, 0, 0), action(0, 0, 0), ""},
		{"ignored, with a restorer nobody uses", action(1, saRestorer, 7), action(1, saRestorer, 7), ""},
		{"handler", action(0x400, saRestorer|4, 0x1000), action(0x400, saRestorer|4, 0x2000), ""},
		{"handler without a restorer, as aarch64 allows", action(0x400, 4, 0), action(0x400, saRestorer|4, 0x2000), ""},
		{"foreign restorer", action(0x400, saRestorer, 0x1004), nil, "signal 20: its handler returns through 0x1004"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The 18th action is that of SIGTSTP: SIGKILL and SIGSTOP have none.
			actions := make([]*criu_sa.SaEntry, 17, 18)
			for i := range actions {
				actions[i] = action(0, 0, 0)
			}
			err := translateActions(append(actions, tt.in), from, to)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || !proto.Equal(tt.in, tt.want) {
				t.Errorf("%v, %v; want %v", tt.in, err, tt.want)
			}
		})
	}
}
