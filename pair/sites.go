package pair

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// maxFrame bounds a native frame, in bytes.
const maxFrame = 1 << 30

// sites joins the three sources of a call site on one ISA: the pair's tables
// (which sites there are), the stack maps (their return addresses and frame
// sizes) and .eh_frame (where the frame record is). Every site of the tables
// has to be there, once; other records of the stack maps are not sites.
func (p *Pair) sites(records []stackRecord, frames *frameTable) ([]Site, error) {
	byID := make(map[uint64]*stackRecord, len(records))
	twice := map[uint64]bool{}
	for i := range records {
		if byID[records[i].id] != nil {
			twice[records[i].id] = true
		}
		byID[records[i].id] = &records[i]
	}
	var sites []Site
	seen := map[uint64]bool{}
	for i := range p.Functions {
		f := &p.Functions[i]
		for _, s := range f.Sites {
			fail := func(format string, args ...any) error {
				return fmt.Errorf("function %s: call site %#x: "+format, append([]any{f.Name, s.ID}, args...)...)
			}
			r := byID[s.ID]
			switch {
			case seen[s.ID]:
				return nil, fail("the tables list it twice")
			case r == nil:
				return nil, fail("section %s has no record of it", sectionStackmaps)
			case twice[s.ID]:
				return nil, fail("section %s has two records of it", sectionStackmaps)
			case r.ret-1-f.Addr >= f.Size:
				return nil, fail("its return address %#x lies outside of the function", r.ret)
			case r.stackSize > maxFrame:
				return nil, fail("the function's frame has no fixed size, or one beyond %#x", maxFrame)
			}
			seen[s.ID] = true
			size := r.stackSize + frames.isa.pushed
			if size == 0 || size%16 != 0 {
				return nil, fail("frame of %d bytes, not a multiple of 16", size)
			}
			sites = append(sites, Site{ID: s.ID, Return: r.ret, FrameSize: size, Function: f, Callee: s.Callee})
		}
	}
	slices.SortFunc(sites, func(a, b Site) int { return cmp.Compare(a.Return, b.Return) })
	for i := 1; i < len(sites); i++ {
		if sites[i].Return == sites[i-1].Return {
			return nil, fmt.Errorf("function %s: call sites %#x and %#x have one return address, %#x",
				sites[i].Function.Name, sites[i-1].ID, sites[i].ID, sites[i].Return)
		}
	}
	if err := frames.fill(sites); err != nil {
		return nil, err
	}
	return sites, nil
}

// fill sets what .eh_frame says of each site; sites ascend by return address.
// Each FDE's program runs at most once.
func (t *frameTable) fill(sites []Site) error {
	for next := 0; next < len(sites); {
		s := &sites[next]
		// The row that holds during a call is that of the call instruction.
		f, ok := t.find(s.Return - 1)
		if !ok {
			return fmt.Errorf("function %s: return address %#x: no entry of %s covers it", s.Function.Name, s.Return, sectionEHFrame)
		}
		err := t.rows(f, func(end uint64, r row) error {
			for ; next < len(sites) && sites[next].Return-1 < end; next++ {
				if err := r.apply(&sites[next], t.isa); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s = &sites[min(next, len(sites)-1)]
			return fmt.Errorf("function %s: return address %#x: %s: %w", s.Function.Name, s.Return, sectionEHFrame, err)
		}
	}
	return nil
}

// apply sets a site's rules from the row at its call.
func (r *row) apply(s *Site, a isa) error {
	inFrame := func(off int64) bool { return off%8 == 0 && off <= -8 && off >= -int64(s.FrameSize) }
	switch {
	case r.cfaBad || r.cfaReg != a.fp:
		return errors.New("the CFA is not given by the frame pointer; compile with -fno-omit-frame-pointer")
	case r.fp.kind != ruleOffset || r.ra.kind != ruleOffset:
		return errors.New("the caller's frame pointer or the return address is not saved in the frame")
	case r.signed:
		return errors.New("the return address is signed; compile with -mbranch-protection=none")
	case !inFrame(r.fp.off) || !inFrame(r.ra.off) || r.fp.off == r.ra.off || r.cfaOff%8 != 0 || r.cfaOff < 0 || uint64(r.cfaOff) > s.FrameSize:
		return fmt.Errorf("frame record outside of the frame: CFA=FP%+d, FP at CFA%+d, return address at CFA%+d, frame of %d bytes", r.cfaOff, r.fp.off, r.ra.off, s.FrameSize)
	}
	s.CFAFromFP, s.RA, s.FP, s.Context = r.cfaOff, r.ra.off, r.fp.off, 0
	switch r.context.kind {
	case ruleSame:
	case ruleOffset:
		s.Context = r.context.off
		if !inFrame(s.Context) || s.Context == s.RA || s.Context == s.FP {
			return fmt.Errorf("the context is saved at CFA%+d, outside of the frame of %d bytes or in its frame record", s.Context, s.FrameSize)
		}
	default:
		return errors.New("the caller's context is neither in its register nor saved in the frame")
	}
	return nil
}
