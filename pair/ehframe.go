package pair

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Pointer encodings of .eh_frame (LSB core, "DWARF Exception Header Encoding").
const (
	encAbsptr = 0x00
	encULEB   = 0x01
	encUdata2 = 0x02
	encUdata4 = 0x03
	encUdata8 = 0x04
	encSLEB   = 0x09
	encSdata2 = 0x0a
	encSdata4 = 0x0b
	encSdata8 = 0x0c

	encFormat = 0x0f // bits of the format
	encPcrel  = 0x10 // relative to the pointer's own address; no other relation is supported
)

// maxCIEs and maxFDEs bound the entries of a section. Linkers merge equal CIEs.
const (
	maxCIEs = 1 << 14
	maxFDEs = 1 << 19
)

// maxRemembered bounds the stack of DW_CFA_remember_state. Compilers nest one
// or two deep.
const maxRemembered = 16

type ruleKind uint8

const (
	ruleSame   ruleKind = iota // still in its register
	ruleOffset                 // in memory at CFA+off
	ruleOther                  // undefined, in another register, or by an expression
)

type regRule struct {
	kind ruleKind
	off  int64
}

// row is what .eh_frame says of one place in the code, as far as frames with
// a frame pointer need it.
type row struct {
	cfaReg  uint64 // CFA = cfaReg + cfaOff
	cfaOff  int64
	cfaBad  bool // CFA by an expression or not defined
	ra, fp  regRule
	context regRule
	signed  bool // aarch64: the return address carries an authentication code
}

type cie struct {
	codeAlign uint64
	dataAlign int64
	augmented bool
	encoding  byte // of an FDE's addresses
	initial   row
}

type fde struct {
	cie        *cie
	start, end uint64
	program    []byte
}

// frameTable is a whole .eh_frame section.
type frameTable struct {
	isa  isa
	fdes []fde // ascending, apart from each other, none empty
}

// parseFrames reads a section .eh_frame that is loaded, or would be, at addr.
func parseFrames(data []byte, addr uint64, a isa) (*frameTable, error) {
	t := &frameTable{isa: a}
	cies := map[int]*cie{}
	c := cursor{data: data}
	for c.left() > 0 {
		at := c.off
		length := c.u32()
		if length == 0 {
			break // terminator
		}
		if length == 0xffffffff {
			return nil, fmt.Errorf("entry at %#x: 64-bit DWARF is not supported", at)
		}
		idAt := c.off
		body := c.bytes(uint64(length))
		if c.short || length < 4 {
			return nil, fmt.Errorf("entry at %#x: truncated", at)
		}
		e := cursor{data: body}
		if id := e.u32(); id == 0 {
			parsed, err := parseCIE(e, a)
			if err != nil {
				return nil, fmt.Errorf("CIE at %#x: %w", at, err)
			}
			if len(cies) == maxCIEs {
				return nil, fmt.Errorf("more than %d CIEs", maxCIEs)
			}
			cies[at] = parsed
		} else {
			parent := cies[idAt-int(id)]
			if parent == nil {
				return nil, fmt.Errorf("FDE at %#x: names no CIE before it", at)
			}
			f, err := parseFDE(e, parent, addr+uint64(idAt))
			if err != nil {
				return nil, fmt.Errorf("FDE at %#x: %w", at, err)
			}
			if len(t.fdes) == maxFDEs {
				return nil, fmt.Errorf("more than %d FDEs", maxFDEs)
			}
			if f.start < f.end {
				t.fdes = append(t.fdes, f)
			}
		}
	}
	if c.short {
		return nil, errors.New("truncated")
	}
	slices.SortFunc(t.fdes, func(a, b fde) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(t.fdes); i++ {
		if t.fdes[i].start < t.fdes[i-1].end {
			return nil, fmt.Errorf("two FDEs for the code at %#x", t.fdes[i].start)
		}
	}
	return t, nil
}

func parseCIE(c cursor, a isa) (*cie, error) {
	version := c.u8()
	if version != 1 && version != 3 {
		return nil, fmt.Errorf("version %d is not supported", version)
	}
	nul := bytes.IndexByte(c.data[c.off:], 0)
	if nul < 0 || nul > 16 {
		return nil, errors.New("bad augmentation string")
	}
	augmentation := string(c.bytes(uint64(nul)))
	c.u8()
	ci := &cie{encoding: encAbsptr}
	ci.codeAlign, ci.dataAlign = c.uleb(), c.sleb()
	var ra uint64
	if version == 1 {
		ra = uint64(c.u8())
	} else {
		ra = c.uleb()
	}
	if !c.short && ra != a.ra {
		return nil, fmt.Errorf("return address in column %d, where %s has it in %d", ra, a.name, a.ra)
	}
	if augmentation != "" {
		if augmentation[0] != 'z' {
			return nil, fmt.Errorf("augmentation %q is not supported", augmentation)
		}
		ci.augmented = true
		d := cursor{data: c.bytes(c.uleb())}
		for _, letter := range augmentation[1:] {
			switch letter {
			case 'R':
				ci.encoding = d.u8()
			case 'L':
				d.u8()
			case 'P':
				enc := d.u8()
				if _, err := readPointer(&d, enc&encFormat); err != nil {
					return nil, fmt.Errorf("personality: %w", err)
				}
			case 'S': // signal frame: no site lies in one
			default:
				return nil, fmt.Errorf("augmentation %q is not supported", augmentation)
			}
		}
		c.short = c.short || d.short
	}
	if c.short {
		return nil, errors.New("truncated")
	}
	m := cfaMachine{cie: ci, isa: a, row: row{cfaBad: true}}
	program := cursor{data: c.bytes(uint64(c.left()))}
	for program.left() > 0 {
		advance, err := m.step(&program, 0)
		if err != nil {
			return nil, err
		}
		if advance != 0 {
			return nil, errors.New("initial instructions advance the location")
		}
	}
	ci.initial = m.row
	return ci, nil
}

// parseFDE reads an FDE whose body, at its CIE pointer, has the address addr.
func parseFDE(c cursor, parent *cie, addr uint64) (fde, error) {
	f := fde{cie: parent}
	var err error
	if f.start, err = readAddress(&c, parent.encoding, addr); err != nil {
		return f, err
	}
	size, err := readPointer(&c, parent.encoding&encFormat)
	if err != nil {
		return f, err
	}
	if f.start > maxAddress || size > maxAddress {
		return f, fmt.Errorf("range of %#x bytes at %#x is beyond any address space", size, f.start)
	}
	f.end = f.start + size
	if parent.augmented {
		c.bytes(c.uleb()) // LSDA
	}
	if c.short {
		return f, errors.New("truncated")
	}
	f.program = c.bytes(uint64(c.left()))
	return f, nil
}

// readPointer reads a value of the given format; a signed one is extended.
func readPointer(c *cursor, format byte) (uint64, error) {
	switch format {
	case encAbsptr, encUdata8, encSdata8:
		return c.u64(), nil
	case encUdata4:
		return uint64(c.u32()), nil
	case encSdata4:
		return uint64(int64(int32(c.u32()))), nil
	case encUdata2:
		return uint64(c.u16()), nil
	case encSdata2:
		return uint64(int64(int16(c.u16()))), nil
	case encULEB:
		return c.uleb(), nil
	case encSLEB:
		return uint64(c.sleb()), nil
	}
	return 0, fmt.Errorf("pointer format %#x is not supported", format)
}

// readAddress reads an address in the given encoding from a cursor whose data
// has the address base.
func readAddress(c *cursor, encoding byte, base uint64) (uint64, error) {
	if encoding&^(encFormat|encPcrel) != 0 {
		return 0, fmt.Errorf("pointer encoding %#x is not supported", encoding)
	}
	at := base + uint64(c.off)
	v, err := readPointer(c, encoding&encFormat)
	if encoding&encPcrel != 0 {
		v += at
	}
	return v, err
}

// find returns the FDE that covers pc.
func (t *frameTable) find(pc uint64) (*fde, bool) {
	i, ok := slices.BinarySearchFunc(t.fdes, pc, func(f fde, pc uint64) int { return cmp.Compare(f.start, pc) })
	if !ok {
		i--
	}
	if i < 0 || pc >= t.fdes[i].end {
		return nil, false
	}
	return &t.fdes[i], true
}

// rows runs the FDE's program and calls visit with each row in turn and the
// address where it ends; the first row begins at the FDE's start, each other
// one where the row before it ends.
func (t *frameTable) rows(f *fde, visit func(end uint64, r row) error) error {
	m := cfaMachine{cie: f.cie, isa: t.isa, row: f.cie.initial}
	c := cursor{data: f.program}
	pc := f.start
	for c.left() > 0 {
		advance, err := m.step(&c, pc)
		if err != nil {
			return err
		}
		if advance == 0 {
			continue
		}
		if advance >= f.end-pc {
			break
		}
		pc += advance
		if err := visit(pc, m.row); err != nil {
			return err
		}
	}
	return visit(f.end, m.row)
}

// cfaMachine executes call frame instructions (DWARF 5, section 6.4.2) on
// the rules of the CFA and of the registers of a row alone.
type cfaMachine struct {
	cie   *cie
	isa   isa
	row   row
	saved []row
}

// rule is the rule of a register that matters, or a scratch one.
func (m *cfaMachine) rule(r *row, reg uint64) *regRule {
	switch reg {
	case m.isa.fp:
		return &r.fp
	case m.isa.ra:
		return &r.ra
	case m.isa.context:
		return &r.context
	}
	return new(regRule)
}

// step executes one instruction at location pc and returns by how much it
// moves the location.
func (m *cfaMachine) step(c *cursor, pc uint64) (advance uint64, err error) {
	const (
		advanceLoc = 0x40
		offset     = 0x80
		restore    = 0xc0

		nop            = 0x00
		setLoc         = 0x01
		advanceLoc1    = 0x02
		advanceLoc2    = 0x03
		advanceLoc4    = 0x04
		offsetExt      = 0x05
		restoreExt     = 0x06
		undefined      = 0x07
		sameValue      = 0x08
		register       = 0x09
		rememberState  = 0x0a
		restoreState   = 0x0b
		defCFA         = 0x0c
		defCFARegister = 0x0d
		defCFAOffset   = 0x0e
		defCFAExpr     = 0x0f
		expression     = 0x10
		offsetExtSF    = 0x11
		defCFASF       = 0x12
		defCFAOffsetSF = 0x13
		valOffset      = 0x14
		valOffsetSF    = 0x15
		valExpression  = 0x16
		negateRAState  = 0x2d // aarch64
		gnuArgsSize    = 0x2e
	)
	r := &m.row
	set := func(reg uint64, rule regRule) { *m.rule(r, reg) = rule }
	scaled := func(v int64) int64 { return v * m.cie.dataAlign } // wraps at worst; sites check the result

	op := c.u8()
	switch op & 0xc0 {
	case advanceLoc:
		advance = uint64(op&0x3f) * m.cie.codeAlign
	case offset:
		set(uint64(op&0x3f), regRule{ruleOffset, scaled(int64(c.uleb()))})
	case restore:
		reg := uint64(op & 0x3f)
		set(reg, *m.rule(&m.cie.initial, reg))
	default:
		switch op {
		case nop:
		case setLoc:
			// Only the absolute form: LLVM never emits it.
			if m.cie.encoding != encAbsptr {
				return 0, errors.New("DW_CFA_set_loc is not supported with relative addresses")
			}
			to := c.u64()
			if to < pc {
				return 0, errors.New("DW_CFA_set_loc goes backwards")
			}
			advance = to - pc
		case advanceLoc1:
			advance = uint64(c.u8()) * m.cie.codeAlign
		case advanceLoc2:
			advance = uint64(c.u16()) * m.cie.codeAlign
		case advanceLoc4:
			advance = uint64(c.u32()) * m.cie.codeAlign
		case offsetExt:
			set(c.uleb(), regRule{ruleOffset, scaled(int64(c.uleb()))})
		case offsetExtSF:
			set(c.uleb(), regRule{ruleOffset, scaled(c.sleb())})
		case restoreExt:
			reg := c.uleb()
			set(reg, *m.rule(&m.cie.initial, reg))
		case undefined:
			set(c.uleb(), regRule{kind: ruleOther})
		case sameValue:
			set(c.uleb(), regRule{kind: ruleSame})
		case register, valOffset:
			set(c.uleb(), regRule{kind: ruleOther})
			c.uleb()
		case valOffsetSF:
			set(c.uleb(), regRule{kind: ruleOther})
			c.sleb()
		case expression, valExpression:
			set(c.uleb(), regRule{kind: ruleOther})
			c.bytes(c.uleb())
		case rememberState:
			if len(m.saved) == maxRemembered {
				return 0, fmt.Errorf("DW_CFA_remember_state more than %d deep", maxRemembered)
			}
			m.saved = append(m.saved, *r)
		case restoreState:
			if len(m.saved) == 0 {
				return 0, errors.New("DW_CFA_restore_state without a remembered one")
			}
			*r = m.saved[len(m.saved)-1]
			m.saved = m.saved[:len(m.saved)-1]
		case defCFA:
			r.cfaReg, r.cfaOff, r.cfaBad = c.uleb(), int64(c.uleb()), false
		case defCFASF:
			r.cfaReg, r.cfaOff, r.cfaBad = c.uleb(), scaled(c.sleb()), false
		case defCFARegister:
			r.cfaReg = c.uleb()
		case defCFAOffset:
			r.cfaOff = int64(c.uleb())
		case defCFAOffsetSF:
			r.cfaOff = scaled(c.sleb())
		case defCFAExpr:
			r.cfaBad = true
			c.bytes(c.uleb())
		case negateRAState:
			r.signed = !r.signed
		case gnuArgsSize:
			c.uleb()
		default:
			return 0, fmt.Errorf("call frame instruction %#x is not supported", op)
		}
	}
	if c.short {
		return 0, errors.New("call frame instruction is truncated")
	}
	return advance, nil
}
