package pair

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The seeds are the golden files' own sections, whole and as they come out of
// the encoders; inputs that once failed are in testdata/fuzz.

// bounded runs a reader of untrusted bytes and checks what it allocates: a
// small multiple of what it was given, whatever the bytes say of themselves.
func bounded(t *testing.T, size int, read func()) {
	t.Helper()
	if n := allocated(read); n > 256*uint64(size)+1<<20 {
		t.Fatalf("%d bytes of memory for %d of input", n, size)
	}
}

// oneLine checks an error: it is shown on a terminal, in one sentence.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		t.Fatalf("error %q", s)
	}
}

// seedFiles are the two golden pairs, all four files sealed.
func seedFiles(f *testing.F) map[string][]byte {
	files := map[string][]byte{}
	for _, m := range machines {
		files["tiny "+machineName(m)] = tinySealed(m)
	}
	for _, path := range []string{goldenX86, goldenARM} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		files[path] = data
	}
	return files
}

// FuzzStackmaps: what can be parsed can be written, one function for each
// record, and parsed again.
func FuzzStackmaps(f *testing.F) {
	for _, data := range seedFiles(f) {
		f.Add(content(data, sectionStackmaps))
	}
	one := rawMap(2, 1, 3, []uint64{0x1000, 24, 2, 0x2000, 40, 1, 5}, rawRecord(7, 0x10, 1, 1), rawRecord(8, 0x20, 2, 2), rawRecord(9, 0x30, 0, 3))
	f.Add(slices.Concat(one, make([]byte, 8), one))
	f.Fuzz(func(t *testing.T, data []byte) {
		var records []stackRecord
		var err error
		bounded(t, len(data), func() { records, err = parseStackmaps(data) })
		if err != nil {
			oneLine(t, err)
			return
		}
		var functions []StackmapFunction
		for _, r := range records {
			if r.ret > maxAddress+1<<32 {
				t.Fatalf("return address %#x", r.ret)
			}
			offset := uint32(r.ret)
			functions = append(functions, StackmapFunction{r.ret - uint64(offset), r.stackSize, []StackmapRecord{{r.id, offset}}})
		}
		again, err := parseStackmaps(encodeStackmaps(functions))
		if err != nil || !slices.Equal(again, records) {
			t.Fatalf("written and read again: %+v, not %+v: %v", again, records, err)
		}
	})
}

// FuzzEHFrame: the FDEs of what can be parsed ascend and lie apart, each is
// found by its addresses, and its rows cover it without a gap. A call site in
// any row is refused or gets a frame record inside its frame.
func FuzzEHFrame(f *testing.F) {
	for name, data := range seedFiles(f) {
		addr := uint64(0)
		edit(data, func(h *headers) { addr = h.section(sectionEHFrame).Addr })
		f.Add(strings.HasSuffix(name, "aarch64"), addr, content(data, sectionEHFrame))
	}
	// All instructions, with and without augmentation.
	var e ehFrame
	e.fde(e.cie(x86ISA), 0x1000, 0x1000,
		cfaNop, cfaSetLoc, 8, 0x10, 0, 0, 0, 0, 0, 0, cfaAdvanceLoc1, 1, cfaAdvanceLoc2, 1, 0, cfaAdvanceLoc4, 1, 0, 0, 0, cfaAdvanceLoc|5,
		cfaRememberState, cfaOffsetExtended, 6, 2, cfaRestoreExtended, 6, cfaUndefined, 3, cfaSameValue, 6, cfaRegister, 3, 4, cfaRestoreState,
		cfaDefCFA, 6, 16, cfaDefCFARegister, 6, cfaDefCFAOffset, 32, cfaExpression, 3, 1, 0, cfaOffsetExtendedSF, 6, 0x7e, cfaDefCFASF, 6, 0x7e,
		cfaDefCFAOffsetSF, 0x7e, cfaValOffset, 3, 1, cfaValOffsetSF, 3, 1, cfaValExpression, 3, 0, cfaGNUArgsSize, 16, cfaOffset|6, 2,
		cfaAdvanceLoc|9, cfaDefCFAExpression, 1, 0, cfaRestore|6, cfaNegateRAState)
	c := e.entry(0, rawCIE(3, "zPLRS", 16, "\x03abcd\x1b\x0a", cfaDefCFA, 7, 8, cfaOffset|16, 1))
	e.entry(uint32(len(e.b)+4-c), []byte{0, 0x40, 0x20, 0, 4, 1, 2, 3, 4, cfaNop})
	f.Add(false, uint64(ehAddr), e.b)
	f.Fuzz(func(t *testing.T, arm bool, addr uint64, data []byte) {
		a := x86ISA
		if arm {
			a = armISA
		}
		var frames *frameTable
		var err error
		bounded(t, len(data), func() { frames, err = parseFrames(data, addr, a) })
		if err != nil {
			oneLine(t, err)
			return
		}
		for i := range frames.fdes {
			d := &frames.fdes[i]
			if d.start >= d.end || d.end > 2*maxAddress || (i > 0 && d.start < frames.fdes[i-1].end) {
				t.Fatalf("FDE %d at %#x-%#x", i, d.start, d.end)
			}
			for _, pc := range []uint64{d.start, d.end - 1} {
				if got, ok := frames.find(pc); !ok || got != d {
					t.Fatalf("%#x: %+v, not %+v", pc, got, d)
				}
			}
			if got, ok := frames.find(d.end); ok && got.start != d.end {
				t.Fatalf("%#x: %+v", d.end, got)
			}
			at := d.start
			var sites []Site // one in each row
			err := frames.rows(d, func(end uint64, r row) error {
				if end <= at || end > d.end {
					t.Fatalf("a row from %#x to %#x in %#x-%#x", at, end, d.start, d.end)
				}
				sites = append(sites, Site{Return: at + 1, FrameSize: 64, Function: &Function{Name: "f"}})
				at = end
				return nil
			})
			if err != nil {
				oneLine(t, err)
				continue
			}
			if at != d.end {
				t.Fatalf("rows end at %#x, not %#x", at, d.end)
			}
			for i := range sites {
				if err := frames.fill(sites[i : i+1]); err != nil {
					oneLine(t, err)
					continue
				}
				checkSite(t, &sites[i])
			}
		}
	})
}

// checkSite checks a site's frame record.
func checkSite(t *testing.T, s *Site) {
	t.Helper()
	inside := func(off int64) bool { return off%8 == 0 && off <= -8 && off >= -int64(s.FrameSize) }
	if s.FrameSize == 0 || s.FrameSize%16 != 0 || !inside(s.RA) || !inside(s.FP) || s.RA == s.FP ||
		s.CFAFromFP%8 != 0 || s.CFAFromFP < 0 || uint64(s.CFAFromFP) > s.FrameSize {
		t.Fatalf("site %+v", s)
	}
}

// FuzzTables: what can be decoded is the same when it is encoded and decoded
// again, and then byte for byte.
func FuzzTables(f *testing.F) {
	for _, data := range seedFiles(f) {
		f.Add(content(data, sectionTables))
	}
	small := someTables()
	small.functions[2].Name = "x"
	f.Add(small.encode())
	f.Add((&tables{}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		var decoded *tables
		var err error
		bounded(t, len(data), func() { decoded, err = decodeTables(data) })
		if err != nil {
			oneLine(t, err)
			return
		}
		text := 0 // each name on its own: those of the input may overlap
		for _, fn := range decoded.functions {
			text += len(fn.Name) + len(fn.Reason)
			for _, s := range fn.Sites {
				text += len(s.Callee)
			}
		}
		if text > maxStrings {
			return
		}
		raw := decoded.encode()
		again, err := decodeTables(raw)
		if err != nil || !reflect.DeepEqual(again, decoded) {
			t.Fatalf("encoded and decoded again: %+v, not %+v: %v", again, decoded, err)
		}
		if !bytes.Equal(again.encode(), raw) {
			t.Fatal("encoded again, the bytes differ")
		}
	})
}

// FuzzNote: what can be decoded is the same when it is encoded and decoded
// again; points that pass the check lie in the text.
func FuzzNote(f *testing.F) {
	for _, data := range seedFiles(f) {
		f.Add(content(data, sectionNote))
	}
	f.Add(rawNote(1, 3, [2]uint64{tagRoot, 1}, [2]uint64{100, 2}, [2]uint64{tagMustKnow, 3}))
	segments := tinyBinary(elf.EM_X86_64).Segments
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Points
		var err error
		bounded(t, len(data), func() { p, err = decodeNote(data) })
		if err != nil {
			oneLine(t, err)
			return
		}
		again, err := decodeNote(encodeNote(p))
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("encoded and decoded again: %+v, not %+v: %v", again, p, err)
		}
		if err := p.check(segments); err != nil {
			oneLine(t, err)
			return
		}
		for _, a := range append(p.ends(), p.ParkWait, p.ParkEnd-1, p.SysResume, p.SysInsn, p.SysEnd-1) {
			if a < 0x400000 || a >= 0x400440 {
				t.Fatalf("%#x is a point of %+v", a, p)
			}
		}
	})
}

// smallFile makes the least file that reads as the same pair as the given one:
// metadata alone, as the other file has it too.
func smallFile(f *testing.F, sealed []byte) []byte {
	im, err := openImage(bytes.NewReader(sealed), int64(len(sealed)))
	if err != nil {
		f.Fatal(err)
	}
	m, err := im.metadata()
	if err != nil {
		f.Fatal(err)
	}
	other := sectionOther + machineName(elf.EM_X86_64)
	if m.machine == elf.EM_X86_64 {
		other = sectionOther + machineName(elf.EM_AARCH64)
	}
	small, err := appendSections((&part{metadata: m}).embed(), []newSection{
		{name: sectionTables, typ: elf.SHT_PROGBITS, align: 16, data: content(sealed, sectionTables)},
		{name: other, typ: elf.SHT_PROGBITS, align: 16, data: content(sealed, other)},
	})
	if err != nil {
		f.Fatal(err)
	}
	return small
}

// FuzzRead reads a whole file. Since a digest guards most of it, a file that is
// good but for its ID gets the right one. What can be read is consistent, as
// far as unwinding a stack through each of its call sites.
func FuzzRead(f *testing.F) {
	for name, data := range seedFiles(f) {
		whole, err := readBytes(data)
		if err != nil {
			f.Fatal(err)
		}
		small := smallFile(f, data)
		if file, err := readBytes(small); err != nil || !reflect.DeepEqual(file.Pair, whole.Pair) {
			f.Fatalf("%s: the small file reads as another pair: %v", name, err)
		}
		f.Add(small)
	}
	f.Add(tinyLinked(elf.EM_X86_64)[:0x200])
	f.Fuzz(func(t *testing.T, data []byte) {
		var file *File
		var err error
		bounded(t, len(data), func() { file, err = readBytes(data) })
		if err != nil {
			oneLine(t, err)
			if !strings.HasPrefix(err.Error(), "the file: ") {
				t.Fatal(err)
			}
			if file, err = readBytes(withRightID(data)); err != nil {
				return
			}
		}
		checkPair(t, file)
	})
}

// withRightID gives a file the ID that its metadata has to have. It returns
// nil if more is wrong with the file.
func withRightID(data []byte) []byte {
	im, err := openImage(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil
	}
	p, digest, err := im.pair()
	if err != nil || digest == p.ID {
		return nil
	}
	s, err := im.section(sectionTables)
	if err != nil {
		return nil
	}
	out := bytes.Clone(data)
	copy(out[s.Off+tablesIDOffset:], digest[:])
	return out
}

// checkPair checks all that users of a pair rely on.
func checkPair(t *testing.T, file *File) {
	t.Helper()
	p := file.Pair
	own, ok := p.Binary(file.Machine)
	if !ok || len(p.binaries) != 2 || !bytes.Equal(own.BuildID, file.BuildID) {
		t.Fatalf("%+v", file)
	}
	if w := p.Thread; max(w.NativeLow, w.NativeHigh) > 1<<20 || min(w.NativeLow, w.NativeHigh) < -1<<20 {
		t.Fatalf("thread words %+v", w)
	}
	for i := range p.Functions {
		fn := &p.Functions[i]
		for _, pc := range []uint64{fn.Addr, fn.Addr + fn.Size - 1} {
			if got, ok := p.FunctionAt(pc); !ok || got != fn {
				t.Fatalf("%#x: %+v, not %+v", pc, got, fn)
			}
		}
	}
	for m, b := range p.binaries {
		if b.Machine != m || len(b.Points.Roots) != len(own.Points.Roots) || !slices.Equal(b.Segments, own.Segments) || len(b.sites) != len(own.sites) {
			t.Fatalf("%v: %+v", m, b)
		}
		for i := range b.sites {
			s := &b.sites[i]
			checkSite(t, s)
			at, _ := b.SiteAt(s.Return)
			byID, _ := b.SiteByID(s.ID)
			counterpart, ok := own.SiteByID(s.ID)
			if at != s || byID != s || !ok || counterpart.Function != s.Function || counterpart.Callee != s.Callee {
				t.Fatalf("%v: site %+v", m, s)
			}
			if i > 0 && b.sites[i-1].Return >= s.Return {
				t.Fatalf("%v: sites are out of order at %#x", m, s.Return)
			}
			if fn, ok := p.FunctionAt(s.Return - 1); !ok || fn != s.Function {
				t.Fatalf("%v: %#x is in %+v, not %+v", m, s.Return, fn, s.Function)
			}
			checkUnwind(t, b, s)
		}
	}
}

// checkUnwind unwinds a stack of one frame, in each of the stubs.
func checkUnwind(t *testing.T, b *Binary, s *Site) {
	t.Helper()
	if w := (ThreadWords{NativeLow: 48, NativeHigh: 56}); b.pair.Thread != w || s.FrameSize > 1<<16 {
		return // newThread makes these, and small stacks
	}
	size := aboveRoot + int(s.FrameSize+recordSize+b.Points.SysFrame)
	size += size % 16
	for _, th := range []*thread{
		newThread(b, size).call(s.ID).park(),
		newThread(b, size).call(s.ID).syscall(0, 0),
		newThread(b, size).call(s.ID).syscall(1, 5),
	} {
		st, err := b.Unwind(th.regs, th)
		if err != nil || !reflect.DeepEqual(*st, th.want) {
			t.Fatalf("%v: site %+v: unwound to %+v, not %+v: %v", b.Machine, s, st, th.want, err)
		}
	}
}

// FuzzUnwind unwinds a thread of the tiny pair with any registers and any
// memory. A stack that is accepted is one that the program could have made:
// made anew, on either ISA, it unwinds to the same calls.
func FuzzUnwind(f *testing.F) {
	binaries := tinyBinary(elf.EM_X86_64).pair.binaries
	for m, b := range binaries {
		for _, stop := range []func(th *thread){
			func(th *thread) { th.park() },
			func(th *thread) { th.syscall(0, 0) },
			func(th *thread) { th.syscall(0, 0).regs.PC = b.Points.SysInsn + 2 },
			func(th *thread) { th.syscall(1, 7).park() },
		} {
			for _, chain := range [][]uint64{{mainCallsLeaf}, {mainCallsMiddle, middleCallsLeaf, leafParks}} {
				th := newThread(b, 512).call(chain...)
				stop(th)
				r := th.regs
				f.Add(m == elf.EM_AARCH64, r.PC, r.SP, r.FP, r.Result, r.TP, th.mem)
			}
		}
	}
	f.Fuzz(func(t *testing.T, arm bool, pc, sp, fp, result, tp uint64, mem []byte) {
		b := binaries[elf.EM_X86_64]
		if arm {
			b = binaries[elf.EM_AARCH64]
		}
		th := &thread{b: b, mem: mem, regs: Registers{PC: pc, SP: sp, FP: fp, Result: result, TP: tp}}
		r := &countingReader{r: th}
		var st *Stack
		var err error
		bounded(t, len(mem), func() { st, err = b.Unwind(th.regs, r) })
		// The thread words, the records of the stubs, and each word of the
		// frames at most.
		if r.n > 6+len(mem)/8 {
			t.Fatalf("%d reads of %d bytes of memory", r.n, len(mem))
		}
		if err != nil {
			var no *NotMovable
			if !errors.As(err, &no) || no.PC != pc || no.Function == "" || no.Frame < -1 || st != nil {
				t.Fatalf("%+v, %#v", st, err)
			}
			oneLine(t, err)
			return
		}
		if st.Low != sp || st.Low < st.NativeLow || st.RootCFA > st.NativeHigh || !slices.Contains(b.Points.Roots, st.Root) ||
			(st.Point == Blocked) != (st.Call != nil) || len(st.Frames) == 0 || st.RootCFA != st.Frames[len(st.Frames)-1].CFA {
			t.Fatalf("%+v", st)
		}
		var ids []uint64 // outermost first
		low := st.Low
		for _, fr := range st.Frames {
			if fr.CFA-fr.Site.FrameSize < low || fr.CFA%16 != 0 || fr.FP != fr.CFA-uint64(fr.Site.CFAFromFP) {
				t.Fatalf("frame %+v above %#x", fr, low)
			}
			low = fr.CFA
			ids = slices.Insert(ids, 0, fr.Site.ID)
		}
		for _, to := range binaries {
			made := newThread(to, aboveRoot+len(ids)*96+recordSize+int(to.Points.SysFrame)).call(ids...)
			switch c := st.Call; {
			case c == nil:
				made.park()
			case c.Done:
				made.block(*c, 1)
			default:
				made.block(*c, 0)
			}
			again, err := to.Unwind(made.regs, made)
			if err != nil || !reflect.DeepEqual(*again, made.want) || !reflect.DeepEqual(again.Call, st.Call) || again.Point != st.Point {
				t.Fatalf("made anew on %v, %+v unwinds to %+v: %v", to.Machine, st, again, err)
			}
		}
	})
}

// countingReader counts reads.
type countingReader struct {
	r io.ReaderAt
	n int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.n++
	return c.r.ReadAt(p, off)
}
