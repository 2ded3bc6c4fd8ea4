package main

import (
	"strings"
	"testing"
)

func TestSelected(t *testing.T) {
	for _, c := range []struct {
		title, names string
		want         bool
	}{
		{"lua/fib", "", true},
		{"lua/fib", "lua", true},
		{"lua/fib", "lua/fib", true},
		{"lua/fib", "lua/fi", false},
		{"lua/fib", "bzip2 lua/fib", true},
		{"luajit/fib", "lua", false},
		{"sqlite", "lua bzip2", false},
	} {
		if got := selected(c.title, strings.Fields(c.names)); got != c.want {
			t.Errorf("selected(%q, %q) = %v", c.title, c.names, got)
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	tab := &table{w: &out}
	tab.row(result{Name: "a", Seconds: pair{2, 4}, Instructions: map[string]pair{x8664: {1e6, 1e6}}})
	tab.row(result{Name: "b", Seconds: pair{4, 2}, Instructions: map[string]pair{x8664: {1e6, 4e6}}})
	tab.foot()
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"geometric mean 1.000 2.000", "worst 2.000 4.000"} {
		if got := strings.Join(strings.Fields(lines[2+i]), " "); got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
}
