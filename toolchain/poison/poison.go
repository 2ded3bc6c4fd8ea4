// Package poison makes the tables that the poison mode of programs needs, and
// reads what it has counted in them: the Go side of toolchain/rt/poison.c.
package poison

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"github.com/tpfs/tpfs/pair"
)

// Suffix is what the name of a program's table has more than the program's.
const Suffix = ".sites"

// headerSize is that of the counters, before the first site.
const headerSize = 4 * 8

// Table makes the table of a program of a pair, with nothing counted yet.
func Table(program string) ([]byte, error) {
	f, err := pair.Open(program)
	if err != nil {
		return nil, err
	}
	self, ok := f.Binary(f.Machine)
	if !ok {
		return nil, fmt.Errorf("%s has no metadata of its own", program)
	}
	var sites []*pair.Site
	for _, fn := range f.Functions {
		for _, call := range fn.Sites {
			site, ok := self.SiteByID(call.ID)
			if !ok {
				return nil, fmt.Errorf("%s: %s has a site that is nowhere", program, fn.Name)
			}
			sites = append(sites, site)
		}
	}
	slices.SortFunc(sites, func(a, b *pair.Site) int { return cmp.Compare(a.Return, b.Return) })
	table := make([]byte, headerSize)
	for _, s := range sites {
		table = binary.LittleEndian.AppendUint64(table, s.Return)
		table = binary.LittleEndian.AppendUint32(table, uint32(s.CFAFromFP))
		table = binary.LittleEndian.AppendUint32(table, uint32(-s.Context))
	}
	return table, nil
}

// Write puts the table of a program beside it.
func Write(program string) error {
	table, err := Table(program)
	if err != nil {
		return err
	}
	return os.WriteFile(program+Suffix, table, 0o666)
}

// Counts is what all processes of a program have done. A park was refused if
// not all frames could be moved; LastRefused is the address of such a frame.
type Counts struct{ Parks, Poisoned, Refused, LastRefused uint64 }

// Read gives what has been counted in a table.
func Read(table []byte) (Counts, error) {
	var c Counts
	if len(table) < headerSize {
		return c, fmt.Errorf("a table of sites with %d bytes is too short", len(table))
	}
	_, err := binary.Decode(table, binary.LittleEndian, &c)
	return c, err
}

// Add adds what another program has done.
func (c *Counts) Add(other Counts) {
	c.Parks += other.Parks
	c.Poisoned += other.Poisoned
	c.Refused += other.Refused
	c.LastRefused = cmp.Or(other.LastRefused, c.LastRefused)
}

func (c Counts) String() string {
	s := fmt.Sprintf("%d parks, %d poisoned, %d refused", c.Parks, c.Poisoned, c.Refused)
	if c.Refused > 0 {
		s += fmt.Sprintf(", the last at %#x", c.LastRefused)
	}
	return s
}
