package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// A generator writes a random program with what csmith's do not have: values of
// all types across calls and as arguments, arrays of variable size, exceptions,
// variadic functions, computed gotos. Its types and what can be done with them
// are in random/random.h.
type generator struct {
	*rand.Rand
	strings.Builder
	functions []signature
	scope     []variable
	names     int
	nesting   int  // of blocks
	room      int  // statements that the function may still have
	labels    bool // it has some: more could be in scopes that no goto may enter
}

type signature struct {
	name, result string
	parameters   []string // types
}

// A variable has a name that is an expression, as "*p" or "a[i % 5]".
type variable struct {
	expression, kind string
	fixed            bool // not to be written
}

var kinds = []string{
	"i8", "u16", "i32", "i64", "u64", "i128", "u77", "b1", "f32", "f64", "f128", "v4i32", "v8i64", "v2f64", "s3", "s16", "s48",
}

// writeGenerated writes the program of a seed.
func writeGenerated(t *testing.T, seed int, source string) {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(uint64(seed), 0))}
	g.program()
	if err := os.WriteFile(source, []byte(g.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

func (g *generator) kind() string { return kinds[g.IntN(len(kinds))] }

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprint(prefix, g.names)
}

func (g *generator) line(format string, args ...any) {
	fmt.Fprintf(g, "%*s%s\n", 2*g.nesting, "", fmt.Sprintf(format, args...))
}

func (g *generator) program() {
	g.line(`#include "random.h"`)
	for range 3 + g.IntN(4) {
		s := signature{name: g.name("function"), result: g.kind()}
		for range g.IntN(9) {
			s.parameters = append(s.parameters, g.kind())
		}
		g.functions = append(g.functions, s)
		g.line("static %s %s(%s);", s.result, s.name, s.types())
		g.line("static %s (*volatile %s_pointer)(%s) = %s;", s.result, s.name, s.types(), s.name)
	}
	for _, s := range g.functions {
		g.function(s)
	}
	g.scope = nil
	g.line("\nlong test(long argument) {")
	for _, s := range g.functions {
		g.line("  put(%s_long(%s));", s.result, g.callOf(s, "3"))
	}
	g.line("  return argument;\n}")
}

func (s signature) types() string {
	return strings.Join(append(slices.Clone(s.parameters), "int"), ", ")
}

func (g *generator) function(s signature) {
	g.scope, g.labels = nil, false
	var parameters []string
	catches := g.IntN(3) == 0
	for _, kind := range s.parameters {
		name := g.name("p")
		parameters = append(parameters, kind+" "+name)
		g.scope = append(g.scope, variable{name, kind, catches})
	}
	noinline := [...]string{"", "noinline "}[g.IntN(2)]
	g.line("\nstatic %s%s %s(%s) {", noinline, s.result, s.name, strings.Join(append(parameters, "int depth"), ", "))
	g.nesting++
	g.line("if (depth < 0 || fuel-- < 0)\n    return %s;", g.expression(s.result, 0))
	if catches {
		g.catch(s)
	} else {
		g.room = 12
		g.statements()
	}
	g.line("return %s;", g.expression(s.result, 3))
	g.nesting--
	g.line("}")
}

// catch handles the exceptions of a call. Only what the function does not write
// has a value in the handler.
func (g *generator) catch(s signature) {
	size := ""
	if g.IntN(3) == 0 {
		size = g.name("size")
		g.line("char %s[(%s & 63) + 1];", size, g.expression("i64", 1))
		g.line("%s[0] = depth;", size)
	}
	h := g.name("h")
	g.line("struct handler %s = {handlers};", h)
	caught := g.name("caught")
	g.line("int %s = setjmp(%s.buffer);", caught, h)
	g.line("if (%s == 0) {", caught)
	g.line("  handlers = &%s;", h)
	g.line("  %s result = %s;", s.result, g.call(s.result, 2))
	g.line("  handlers = %s.previous;", h)
	g.line("  return result;")
	g.line("}")
	g.scope = append(g.scope, variable{caught, "i32", true})
	if size != "" {
		g.scope = append(g.scope, variable{size + "[0]", "i8", true})
	}
}

// block writes statements in braces, after a head.
func (g *generator) block(format string, args ...any) {
	g.line(format+" {", args...)
	g.nesting++
	outer := len(g.scope)
	g.statements()
	g.scope = g.scope[:outer]
	g.nesting--
	g.line("}")
}

func (g *generator) statements() {
	for range 1 + g.IntN(4) {
		if g.room--; g.room < 0 {
			return
		}
		g.statement()
	}
}

func (g *generator) statement() {
	choice := g.IntN(14)
	if g.nesting > 4 && choice >= 9 {
		choice -= 9
	}
	switch choice {
	case 0, 1:
		kind, name := g.kind(), g.name("v")
		g.line("%s %s = %s;", kind, name, g.expression(kind, 3))
		g.scope = append(g.scope, variable{name, kind, false})
	case 2, 3:
		if v, ok := g.variable(""); ok {
			g.line("%s = %s;", v.expression, g.expression(v.kind, 3))
		}
	case 4:
		kind := g.kind()
		g.line("put(%s_long(%s));", kind, g.expression(kind, 3))
	case 5:
		g.array()
	case 6:
		if v, ok := g.variable(""); ok {
			name := g.name("p")
			g.line("%s *%s = &%s;", v.kind, name, v.expression)
			g.scope = append(g.scope, variable{"*" + name, v.kind, false})
		}
	case 7:
		g.line("if (%s)\n%*sraise(%s);", g.condition(7), 2*g.nesting+2, "", g.expression("i64", 1))
	case 8:
		g.line("put(gather(%s));", g.gathered())
	case 9:
		g.block("if (%s)", g.condition(1))
		if g.IntN(2) == 0 {
			g.block("else")
		}
	case 10, 11:
		i := g.name("index")
		g.scope = append(g.scope, variable{i, "i32", true})
		g.block("for (int %s = %d; %s < %d; %s++)", i, g.IntN(3), i, 2+g.IntN(5), i)
		g.scope = g.scope[:len(g.scope)-1]
	case 12:
		g.line("switch (%s & 3) {", g.expression("i64", 2))
		for n := range 1 + g.IntN(4) {
			g.block("case %d:", n)
			if g.IntN(3) > 0 {
				g.line("break;")
			}
		}
		g.line("}")
	case 13:
		if !g.labels {
			g.labels = true
			g.gotos()
		}
	}
}

// array declares one, of a variable size perhaps.
func (g *generator) array() {
	kind, name, size := g.kind(), g.name("a"), 1+g.IntN(6)
	elements := fmt.Sprint(size)
	if g.IntN(2) == 0 {
		elements += fmt.Sprintf(" + (%s & 3)", g.expression("i64", 2))
	}
	i := g.name("index")
	g.line("%s %s[%s];", kind, name, elements)
	g.line("for (int %s = 0; %s < %d; %s++)", i, i, size, i)
	g.line("  %s[%s] = %s_from(%s * %d);", name, i, kind, i, 1+g.IntN(99))
	g.scope = append(g.scope, variable{fmt.Sprintf("%s[%d]", name, g.IntN(size)), kind, false})
	if index, ok := g.readable("u16"); ok {
		g.scope = append(g.scope, variable{fmt.Sprintf("%s[%s %% %d]", name, index.expression, size), kind, false})
	}
}

// gotos writes a small machine of computed gotos.
func (g *generator) gotos() {
	prefix, n := g.name("l"), 2+g.IntN(3)
	var labels []string
	for i := range n {
		labels = append(labels, fmt.Sprintf("&&%s_%d", prefix, i))
	}
	count := g.name("count")
	g.line("int %s = %d;", count, 3+g.IntN(5))
	g.line("static const void *const %s[] = {%s};", prefix, strings.Join(labels, ", "))
	g.line("goto *%s[(unsigned long)(%s) %% %d];", prefix, g.expression("i64", 1), n)
	g.scope = append(g.scope, variable{count, "i32", true})
	for i := range n {
		g.block("%s_%d:", prefix, i)
		g.line("if (%s-- > 0)\n%*sgoto *%s[(unsigned long)(%s) %% %d];", count, 2*g.nesting+2, "", prefix, g.expression("i64", 1), n)
	}
}

// gathered are the arguments of gather.
func (g *generator) gathered() string {
	letters := map[string]string{"i": "i32", "l": "i64", "w": "i128", "d": "f64", "q": "f128", "t": "s16", "s": "s48"}
	types, arguments := "", ""
	for range 1 + g.IntN(6) {
		letter := string("ilwdqts"[g.IntN(7)])
		types += letter
		arguments += ", " + g.expression(letters[letter], 1)
	}
	return `"` + types + `"` + arguments
}

// condition is true once in a while, the less often the larger mask is.
func (g *generator) condition(mask int) string {
	return fmt.Sprintf("(%s & %d) == %d", g.expression("i64", 2), mask, g.IntN(mask+1))
}

// variable finds one that may be written, of a kind if that is not empty.
func (g *generator) variable(kind string) (variable, bool) {
	return g.pick(func(v variable) bool { return !v.fixed && (kind == "" || v.kind == kind) })
}

func (g *generator) readable(kind string) (variable, bool) {
	return g.pick(func(v variable) bool { return v.kind == kind })
}

func (g *generator) pick(fits func(variable) bool) (variable, bool) {
	var found []variable
	for _, v := range g.scope {
		if fits(v) {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		return variable{}, false
	}
	return found[g.IntN(len(found))], true
}

// expression gives one of a kind, of a bounded depth.
func (g *generator) expression(kind string, depth int) string {
	if depth <= 0 || g.IntN(4) == 0 {
		if v, ok := g.readable(kind); ok && g.IntN(8) > 0 {
			return v.expression
		}
		return fmt.Sprintf("%s_from(%d)", kind, g.IntN(2000)-1000)
	}
	switch g.IntN(8) {
	case 0, 1, 2:
		operation := [...]string{"add", "sub", "mul"}[g.IntN(3)]
		return fmt.Sprintf("%s_%s(%s, %s)", kind, operation, g.expression(kind, depth-1), g.expression(kind, depth-1))
	case 3, 4:
		other := g.kind()
		return fmt.Sprintf("%s_from(%s_long(%s))", kind, other, g.expression(other, depth-1))
	case 5, 6:
		return fmt.Sprintf("%s_moved(%s)", kind, g.expression(kind, depth-1))
	default:
		return g.call(kind, depth-1)
	}
}

// call calls a function whose result becomes one of a kind.
func (g *generator) call(kind string, depth int) string {
	s := g.functions[g.IntN(len(g.functions))]
	call := g.callOf(s, "depth - 1")
	if s.result == kind {
		return call
	}
	return fmt.Sprintf("%s_from(%s_long(%s))", kind, s.result, call)
}

func (g *generator) callOf(s signature, depth string) string {
	var arguments []string
	for _, kind := range s.parameters {
		arguments = append(arguments, g.expression(kind, 0))
	}
	name := s.name + [...]string{"", "_pointer"}[g.IntN(2)]
	return fmt.Sprintf("%s(%s)", name, strings.Join(append(arguments, depth), ", "))
}
