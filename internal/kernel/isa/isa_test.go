package isa

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	best := Available()[0]
	for _, tc := range []struct {
		name string
		want *Set
		says string // what the error says; empty for none
	}{
		{"", best, ""},
		{"generic", Generic, ""},
		{best.String(), best, ""},
		{"sse", best, `environment variable WHIPPET_CPU: unknown level "sse": want generic, neon, avx2 or avx512; using ` + best.String()},
		{"NEON", best, "unknown level"},
	} {
		got, err := choose(tc.name)
		if got != tc.want || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("WHIPPET_CPU=%q: %v, error %v; want %v, error %q", tc.name, got, err, tc.want, tc.says)
		}
	}
	for _, s := range known {
		if s.Available() {
			continue
		}
		if got, err := choose(s.String()); got != best || err == nil || !strings.Contains(err.Error(), "this processor or build offers "+best.String()+" at most") {
			t.Errorf("WHIPPET_CPU=%s, which is not here: %v, error %v; want %v and an error that says so", s, got, err, best)
		}
	}
}

func TestUseRefusesWhatIsNotHere(t *testing.T) {
	missing := &Set{name: "missing"}
	defer func() {
		if recover() == nil || Active() == missing {
			t.Error("a set that this processor does not have was taken")
		}
	}()
	Use(missing)
}

type family struct {
	Tile  int
	One   func() string
	Both  [2]func() string
	Inner struct{ Two func() string }
}

// TestTable checks that a set which begins with one kernel gets the others from
// Generic, in whatever order the two are added, and that Use exchanges them.
func TestTable(t *testing.T) {
	says := func(s string) func() string { return func() string { return s } }
	generic := family{Tile: 4, One: says("go"), Both: [2]func() string{says("go"), says("go")}}
	generic.Inner.Two = says("go")
	begun := &Set{name: "begun", available: true}
	partial := family{Both: [2]func() string{1: says("new")}}

	var a, b Table[family]
	a.Add(Generic, generic)
	a.Add(begun, partial)
	b.Add(begun, partial)
	b.Add(Generic, generic)
	for _, table := range []*Table[family]{&a, &b} {
		old := Use(begun)
		k := table.Active()
		if k.Tile != 4 || k.One() != "go" || k.Both[0]() != "go" || k.Both[1]() != "new" || k.Inner.Two() != "go" {
			t.Errorf("a set with one kernel has tile %d and the kernels %s, %s, %s, %s; want 4 and all but the third from go",
				k.Tile, k.One(), k.Both[0](), k.Both[1](), k.Inner.Two())
		}
		Use(Generic)
		if got := table.Active().Both[1](); got != "go" {
			t.Errorf("back at generic the kernel is %s", got)
		}
		Use(old)
	}
	if a.Of(begun).One != nil {
		t.Error("Of shows a kernel that the set does not have")
	}
}

type argument struct{ p [9]*float32 }

func TestArgStaysOnTheStack(t *testing.T) {
	var table Table[struct{ Sum func(a *argument) }]
	var total float32
	k := struct{ Sum func(a *argument) }{func(a *argument) { total += *a.p[0] }}
	table.Add(Generic, k)
	x := float32(2)
	if n := testing.AllocsPerRun(100, func() {
		a := argument{p: [9]*float32{&x}}
		table.Active().Sum(Arg(&a))
	}); n != 0 {
		t.Errorf("a call of a kernel allocates %v times", n)
	}
	if total == 0 {
		t.Error("the kernel did not see its argument")
	}
}
