package translate

import (
	"encoding/binary"
	"fmt"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/translate/isa"
)

// layOut rebuilds a native stack for the binary to: the same chain of call
// sites, in the frames that to's code makes for them, from the same outermost
// address downwards. All other words of the range are dead. It gives the thread
// as it stands there: in the park stub, where it will find that the pause word
// is zero, or in the system-call stub.
//
// root is the return address that ends the chain on the destination; b are the
// bounds of the native stack.
//
// A frame's words are those the unwinding information names: the return
// address, the caller's frame pointer and, where the function uses the context
// register itself, the caller's context. Contexts are addresses of portable
// frames and so the same on each ISA. docs/pair-format.md has the layout of
// the stub's frame.
func layOut(m *memory, st *pair.Stack, to *pair.Binary, root uint64, b span, t isa.Thread) (isa.Thread, error) {
	// First the addresses, from the outermost frame inwards, since a stack is
	// written only if all of it fits.
	var saved []word
	cfa, ret, fp, context := st.RootCFA, root, uint64(0), st.Context
	for i := len(st.Frames) - 1; i >= 0; i-- {
		frame := &st.Frames[i]
		from := frame.Site
		site, ok := to.SiteByID(from.ID)
		if !ok {
			return t, fmt.Errorf("frame %d: the call in %s at %#x has no counterpart for %s",
				i, from.Function.Name, from.Return, ArchName(to.Machine))
		}
		saved = append(saved, word{cfa + uint64(site.RA), ret}, word{cfa + uint64(site.FP), fp})
		if site.Context != 0 {
			saved = append(saved, word{cfa + uint64(site.Context), context})
		} else if frame.Context != context {
			return t, fmt.Errorf("frame %d: on %s, %s has no context of its own, as it has on the other architecture",
				i, ArchName(to.Machine), from.Function.Name)
		}
		jumps, err := jumpWords(m, frame, to, cfa)
		if err != nil {
			return t, fmt.Errorf("frame %d: %w", i, err)
		}
		saved = append(saved, jumps...)
		fp = cfa - uint64(site.CFAFromFP)
		ret, context = site.Return, frame.Context
		cfa -= site.FrameSize
		if cfa < b.start || cfa > b.end {
			return t, stackOverflow(b, st, i)
		}
	}
	// The innermost frame is that of the stub the thread is in, its record
	// right below its CFA.
	t.FP = cfa - 16
	saved = append(saved, word{cfa - 8, ret}, word{t.FP, fp})
	t.Context = context
	t.SP, t.PC = t.FP, to.Points.ParkWait
	var words []byte
	if c := st.Call; c != nil {
		t.SP, t.PC = t.FP-to.Points.SysFrame, to.Points.SysResume
		words = stubWords(c)
	}
	if t.SP < b.start || t.SP > cfa {
		return t, stackOverflow(b, st, 0)
	}

	low := min(t.SP, max(st.Low, b.start))
	if err := m.fill(low, st.RootCFA, isa.Dead); err != nil {
		return t, err
	}
	for _, w := range saved {
		if err := m.setWord(w.addr, w.value); err != nil {
			return t, err
		}
	}
	return t, m.write(t.FP-uint64(len(words)), words)
}

type word struct{ addr, value uint64 }

// jumpWords are the native words of the slots that setjmp(3) uses in a
// function's portable frame, for a frame whose CFA is cfa in the binary to. A
// slot that was not used yet gets them too: nobody reads it.
func jumpWords(m *memory, f *pair.Frame, to *pair.Binary, cfa uint64) ([]word, error) {
	fn := f.Site.Function
	if len(fn.Jumps) == 0 {
		return nil, nil
	}
	base := f.Context
	if fn.Indirect {
		var err error
		if base, err = m.word(base); err != nil {
			return nil, fmt.Errorf("the address of %s's portable frame at %#x: %w", fn.Name, f.Context, err)
		}
	}
	var words []word
	for _, j := range fn.Jumps {
		site, ok := to.SiteByID(j.Site)
		if !ok {
			return nil, fmt.Errorf("the call of setjmp in %s has no counterpart for %s", fn.Name, ArchName(to.Machine))
		}
		slot := base + j.Offset
		words = append(words, word{slot, cfa - site.FrameSize}, word{slot + 8, cfa - uint64(site.CFAFromFP)}, word{slot + 16, site.Return})
	}
	return words, nil
}

func stackOverflow(b span, st *pair.Stack, frame int) error {
	return fmt.Errorf("frame %d of %d: the native stack %#x-%#x is too small for the frames of the destination",
		frame, len(st.Frames), b.start, b.end)
}

// stubWords are the words below the frame pointer of the system-call stub,
// from the lowest up: result, number, six arguments, phase.
func stubWords(c *pair.Call) []byte {
	words := []uint64{c.Result, c.Number}
	words = append(words, c.Args[:]...)
	phase := uint64(0)
	if c.Done {
		phase = 1
	}
	var b []byte
	for _, w := range append(words, phase) {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}
