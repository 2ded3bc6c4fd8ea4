// Package arm64 is the aarch64 architecture of CRIU's images.
package arm64

import (
	"debug/elf"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"

	"github.com/tpfs/tpfs/translate/isa"
)

// ISA is aarch64.
var ISA isa.ISA = arm64{}

type arm64 struct{}

func (arm64) Machine() elf.Machine            { return elf.EM_AARCH64 }
func (arm64) Name() string                    { return "aarch64" }
func (arm64) March() criu_core.CoreEntryMarch { return criu_core.CoreEntry_AARCH64 }
