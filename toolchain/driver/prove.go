package driver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tpfs/tpfs/toolchain/layout"
)

// linkProved links the program so that each function is proved to be movable,
// or marked with the reason why it is not. Where a proof fails, the object is
// generated anew from its module, with careful settings for the function, and
// all is linked and proved again. It ends, as no function is tried twice.
func (d *driver) linkProved(o *options, p *program) error {
	careful := map[*layout.Object][]string{}
	for {
		if err := d.link(o, p); err != nil {
			return err
		}
		doubts, err := d.prove(p)
		if err != nil {
			return err
		}
		again, err := d.generateAgain(p, doubts, careful)
		if err != nil {
			return err
		}
		if !again {
			p.settle(doubts)
			return nil
		}
	}
}

// doubts are the functions for which there is no proof, by their numbers in
// program.functions, and the reasons.
type doubts map[int]string

// prove has the code of both ISAs proved.
func (d *driver) prove(p *program) (doubts, error) {
	found := doubts{}
	if err := p.compareSites(found); err != nil {
		return nil, err
	}
	if err := d.verify(p, found); err != nil {
		return nil, err
	}
	return found, nil
}

// add notes a reason; the first one counts. A function that cannot be moved
// anyway needs no proof.
func (d doubts) add(p *program, n int, reason string) {
	if _, known := d[n]; !known && p.functions[n].Reason == "" {
		d[n] = reason
	}
}

// compareSites looks for functions whose sites are not what the tables say: one
// ISA's code generator has left a call out, or made two of one.
func (p *program) compareSites(found doubts) error {
	for _, isa := range layout.ISAs {
		records, err := layout.SiteRecords(p.files[isa])
		if err != nil {
			return fmt.Errorf("%v: %w", isa, err)
		}
		for i, f := range p.functions {
			for _, s := range f.Sites {
				if n := records[s.ID]; n != 1 {
					found.add(p, i, fmt.Sprintf("the code for %v has the call of %s %d times", isa, cmp.Or(s.Callee, "a pointer"), n))
				}
			}
		}
	}
	return nil
}

// A violation is a line of tpcc-verify --json.
type violation struct {
	File     string `json:"file"`
	Function string `json:"function"`
	Site     string `json:"site"` // the return address, in hexadecimal
	Kind     string `json:"kind"`
	Why      string `json:"why"`
}

// verify runs the verifier, for all ISAs at once.
func (d *driver) verify(p *program, found doubts) error {
	if !slices.ContainsFunc(p.functions, func(f layout.Placed) bool { return len(f.Sites) > 0 }) {
		return nil
	}
	var said, complaints [len(layout.ISAs)]bytes.Buffer // apart, as they come at the same time
	var failed [len(layout.ISAs)]error
	var wait sync.WaitGroup
	for _, isa := range layout.ISAs {
		path, err := d.temp(isa.String())
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, p.files[isa], 0o777); err != nil {
			return err
		}
		cmd, err := d.command(verifier, "--json", path)
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr = &said[isa], &complaints[isa]
		wait.Go(func() { failed[isa] = d.finish(cmd) })
	}
	wait.Wait()
	for isa := range said {
		d.stderr.Write(complaints[isa].Bytes())
		// With violations, it says no.
		if failed[isa] != nil && said[isa].Len() == 0 {
			return failed[isa]
		}
		lines := json.NewDecoder(&said[isa])
		for lines.More() {
			var v violation
			if err := lines.Decode(&v); err != nil {
				return fmt.Errorf("%s: %w", verifier.name, err)
			}
			at, err := strconv.ParseUint(strings.TrimPrefix(v.Site, "0x"), 16, 64)
			if err != nil {
				return fmt.Errorf("%s: site %q", verifier.name, v.Site)
			}
			// The call may be the last of its function.
			if n, ok := p.functionAt(at - 1); ok {
				found.add(p, n, fmt.Sprintf("not proved: %s: %s", v.Kind, v.Why))
			}
		}
	}
	return nil
}

// functionAt finds the function that has the code at an address.
func (p *program) functionAt(at uint64) (n int, ok bool) {
	n, found := slices.BinarySearchFunc(p.functions, at, func(f layout.Placed, at uint64) int { return cmp.Compare(f.Addr, at) })
	if !found {
		n--
	}
	return n, n >= 0 && at-p.functions[n].Addr < p.functions[n].Size
}

// generateAgain puts new objects in the place of those with functions in doubt
// that have not been generated carefully yet. False if there are none.
func (d *driver) generateAgain(p *program, found doubts, careful map[*layout.Object][]string) (again bool, err error) {
	units := map[int]string{} // with something to try, by number of the object
	for _, n := range slices.Sorted(maps.Keys(found)) {
		f := &p.functions[n]
		object := p.objects[f.Nth]
		if slices.Contains(careful[object], f.Name) {
			continue
		}
		careful[object] = append(careful[object], f.Name)
		units[f.Nth] = f.Unit
		if d.verbose {
			fmt.Fprintf(d.stderr, "tpcc: %v: %s: %s\n", object, f.Name, found[n])
		}
	}
	for _, nth := range slices.Sorted(maps.Keys(units)) {
		object := p.objects[nth]
		module, err := object.Module()
		if err != nil {
			return false, err
		}
		if module == nil { // it is assembly
			continue
		}
		path, err := d.temp("module")
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(path, module.IR, 0o666); err != nil {
			return false, err
		}
		generated, err := d.generate(path, units[nth], module.Options, careful[object])
		if err != nil {
			return false, fmt.Errorf("%v: %w", object, err)
		}
		if err := object.Replace(generated); err != nil {
			return false, err
		}
		again = true
	}
	return again, nil
}

// settle marks the functions that are still in doubt. What cannot be moved has
// no sites.
func (p *program) settle(found doubts) {
	for n := range p.functions {
		f := &p.functions[n]
		if reason, ok := found[n]; ok {
			f.Reason = reason
		}
		if f.Reason != "" {
			f.Sites, f.Jumps = nil, nil
		}
	}
}
