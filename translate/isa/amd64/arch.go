// Package amd64 is the x86-64 architecture of CRIU's images.
package amd64

import (
	"debug/elf"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"

	"github.com/tpfs/tpfs/translate/isa"
)

// ISA is x86-64.
var ISA isa.ISA = amd64{}

type amd64 struct{}

func (amd64) Machine() elf.Machine            { return elf.EM_X86_64 }
func (amd64) Name() string                    { return "x86_64" }
func (amd64) March() criu_core.CoreEntryMarch { return criu_core.CoreEntry_X86_64 }
