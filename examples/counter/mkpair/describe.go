package main

import (
	"bytes"
	"debug/elf"
	"fmt"

	"github.com/tpfs/tpfs/pair"
)

// threadWords are the offsets of the runtime's struct tp_thread (rt/tp.h).
var threadWords = pair.ThreadWords{NativeLow: 48, NativeHigh: 56}

// describe says of two linked programs what the linked files do not.
func describe(programs [2]*program, linked [2][]byte) (pair.Description, error) {
	d := pair.Description{Thread: threadWords, Binaries: map[elf.Machine]pair.BinaryDescription{}}
	sizes := map[string]uint64{}
	var addrs map[string]uint64
	for i, p := range programs {
		symbols, err := symbolsOf(linked[i])
		if err != nil {
			return d, err
		}
		b, err := describeBinary(p, symbols)
		if err != nil {
			return d, fmt.Errorf("%v: %w", p.machine, err)
		}
		d.Binaries[p.machine] = b
		addrs = map[string]uint64{}
		for _, f := range p.funcs {
			s := symbols[f.name]
			addrs[f.name] = s.Value // the same on each ISA, as the layout made it
			sizes[f.name] = max(sizes[f.name], s.Size)
		}
	}
	p := programs[0]
	sites := p.sites()
	for _, f := range p.funcs {
		fn := pair.Function{Name: f.name, Addr: addrs[f.name], Size: sizes[f.name]}
		if !f.compiled {
			fn.Reason = "assembly of the runtime"
		}
		for _, s := range sites[f.name] {
			fn.Sites = append(fn.Sites, pair.CallSite{ID: s.id, Callee: s.callee})
		}
		d.Functions = append(d.Functions, fn)
	}
	return d, nil
}

func describeBinary(p *program, symbols map[string]elf.Symbol) (pair.BinaryDescription, error) {
	var b pair.BinaryDescription
	for _, point := range []struct {
		symbol string
		value  *uint64
	}{
		{"__tp_park_wait", &b.Points.ParkWait},
		{"__tp_park_end", &b.Points.ParkEnd},
		{"__tp_sys_resume", &b.Points.SysResume},
		{"__tp_sys_insn", &b.Points.SysInsn},
		{"__tp_sys_end", &b.Points.SysEnd},
		{"__tp_sys_frame", &b.Points.SysFrame},
		{"__tp_restorer", &b.Points.Restorer},
		{"__tp_pause", &b.Points.PauseWord},
	} {
		s, ok := symbols[point.symbol]
		if !ok {
			return b, fmt.Errorf("the runtime has no %s", point.symbol)
		}
		*point.value = s.Value
	}
	root, ok := symbols["__tp_root"]
	if !ok {
		return b, fmt.Errorf("the runtime has no __tp_root")
	}
	b.Points.Roots = []uint64{root.Value}

	sites := p.sites()
	for _, f := range p.funcs {
		if len(sites[f.name]) == 0 {
			continue
		}
		m := pair.StackmapFunction{Addr: symbols[f.name].Value, StackSize: f.stack}
		for _, s := range sites[f.name] {
			m.Records = append(m.Records, pair.StackmapRecord{ID: s.id, ReturnOffset: uint32(s.ret)})
		}
		b.Stackmaps = append(b.Stackmaps, m)
	}
	return b, nil
}

func symbolsOf(file []byte) (map[string]elf.Symbol, error) {
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	list, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	symbols := map[string]elf.Symbol{}
	for _, s := range list {
		symbols[s.Name] = s
	}
	return symbols, nil
}
