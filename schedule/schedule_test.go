package schedule

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRateGroups(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		n    int
		want []float64
	}{
		{Flat(0.25), 3, []float64{0.25, 0.25, 0.25}},
		{Flat(0), 1, []float64{0}},
		{SliceTo(5), 3, []float64{0.5, 0.5, 5}},
		{SliceTo(5), 1, []float64{5}},
		{Slice(0.25, 4), 3, []float64{0.25, 1, 4}},
		{Slice(0.25, 4), 1, []float64{4}},
		{Slice(4, 0.25), 5, []float64{4, 2, 1, 0.5, 0.25}},
		{PerGroup(1, 2), 2, []float64{1, 2}},
	} {
		got, err := c.rate.Groups(c.n)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v for %d groups: %v, %v, want %v", c.rate, c.n, got, err, c.want)
		}
	}
}

func TestRateGroupsErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		rate Rate
		n    int
		want string
	}{
		{"not given", Rate{}, 3, "no learning rate given"},
		{"no groups", Flat(1), 0, "0 layer groups"},
		{"negative", Flat(-1), 3, "learning rate -1"},
		{"NaN", SliceTo(math.NaN()), 3, "learning rate NaN"},
		{"infinite", Slice(1, math.Inf(1)), 3, "learning rate +Inf"},
		{"negative start", Slice(-1, 1), 3, "learning rate -1"},
		{"start of 0", Slice(0, 1), 3, "both ends must be above 0"},
		{"list too short", PerGroup(1, 2), 3, "2 learning rates [1 2] for 3 layer groups"},
		{"negative in a list", PerGroup(1, -2), 2, "learning rate -2"},
	} {
		if _, err := c.rate.Groups(c.n); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
		}
	}
}

func TestEvenMults(t *testing.T) {
	if got := EvenMults(1, 2, 0); got != nil {
		t.Errorf("none: %v", got)
	}
	if got := EvenMults(2, 8, 3); !slices.Equal(got, []float64{2, 4, 8}) {
		t.Errorf("2 to 8 in 3: %v", got)
	}
}

func TestParseRate(t *testing.T) {
	for _, c := range []struct {
		text string
		want Rate
		back string
	}{
		{"", Rate{}, ""},
		{"3e-3", Flat(3e-3), "0.003"},
		{" 0 ", Flat(0), "0"},
		{"slice(3e-3)", SliceTo(3e-3), "slice(0.003)"},
		{"slice( 1e-6 , 1e-4 )", Slice(1e-6, 1e-4), "slice(1e-06,0.0001)"},
		{"[1e-5,1e-4]", PerGroup(1e-5, 1e-4), "[1e-05,0.0001]"},
	} {
		got, err := ParseRate(c.text)
		if err != nil || got.String() != c.back || got.String() != c.want.String() || got.IsZero() != (c.text == "") {
			t.Errorf("%q: %v, %v, want %s", c.text, got, err, c.back)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"fast", `"fast" is not a number`},
		{"-1", `"-1" is not a finite number`},
		{"NaN", "not a finite number"},
		{"1e999", "is not a number"},
		{"slice(", "does not end in )"},
		{"slice()", `"" is not a number`},
		{"slice(1,2,3)", "one or two numbers"},
		{"slice(0,1)", "above 0"},
		{"[1,2", "does not end in ]"},
		{"[1,,2]", `"" is not a number`},
		{"1)", "is not a number"},
	} {
		if _, err := ParseRate(c.text); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "slice(start,stop)") {
			t.Errorf("%q: error %v, want one that says %q and what to write", c.text, err, c.want)
		}
	}
}

func TestRateInJSON(t *testing.T) {
	type settings struct{ LR, Base Rate }
	in := settings{LR: Slice(1e-6, 1e-4)}
	b, err := json.Marshal(in)
	if err != nil || string(b) != `{"LR":"slice(1e-06,0.0001)","Base":""}` {
		t.Fatalf("%s, %v", b, err)
	}
	var out settings
	if err := json.Unmarshal(b, &out); err != nil || out.LR.String() != in.LR.String() || !out.Base.IsZero() {
		t.Errorf("read back as %+v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"LR":"slice"}`), &out); err == nil {
		t.Error("a damaged rate was read")
	}
}

// What ParseRate takes, String writes and ParseRate reads again as the same,
// and Groups never panics.
func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"", "3e-3", "slice(3e-3)", "slice(1e-6,1e-4)", "[1,2,3]", "slice(,)", "[", "0x1p-3", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRate(s)
		if err != nil {
			return
		}
		again, err := ParseRate(r.String())
		if err != nil || again.String() != r.String() {
			t.Errorf("%q is %v, which reads as %v, %v", s, r, again, err)
		}
		for n := range 5 {
			lrs, err := r.Groups(n)
			if err == nil && len(lrs) != n {
				t.Errorf("%q gives %d rates for %d groups", s, len(lrs), n)
			}
		}
	})
}

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		epoch, epochs, iter, iters int
		want                       float64
	}{
		{0, 2, 0, 4, 0},
		{0, 2, 3, 4, 0.375},
		{1, 2, 0, 4, 0.5},
		{1, 2, 3, 4, 0.875},
		{0, 0, 3, 4, 0},
		{0, 2, 3, 0, 0},
	} {
		if got := Position(c.epoch, c.epochs, c.iter, c.iters); got != c.want {
			t.Errorf("epoch %d of %d, step %d of %d: %v, want %v", c.epoch, c.epochs, c.iter, c.iters, got, c.want)
		}
	}
}

// Shares of 0 at either end or in the middle are passed over; outside [0,1] a
// schedule goes on along its first or last curve instead of panicking.
func TestCombineEdges(t *testing.T) {
	for _, c := range []struct {
		name   string
		shares []float64
		scheds []Func
		pos    float64
		want   float64
	}{
		{"empty first share", []float64{0, 1}, []Func{No(1), Lin(2, 3)}, 0, 2},
		{"empty last share at the end", []float64{1, 0}, []Func{Lin(1, 2), No(9)}, 1, 2},
		{"empty last share before the end", []float64{1, 0}, []Func{Lin(1, 2), No(9)}, 0.5, 1.5},
		{"empty middle share", []float64{0.5, 0, 0.5}, []Func{Lin(0, 1), No(9), Lin(1, 2)}, 0.5, 1},
		{"two empty last shares", []float64{1, 0, 0}, []Func{Lin(1, 2), No(8), No(9)}, 1, 2},
		{"the end of the last share", []float64{0.5, 0.5}, []Func{Lin(0, 1), Lin(1, 2)}, 1, 2},
		{"a boundary belongs to the right", []float64{0.5, 0.5}, []Func{No(1), No(2)}, 0.5, 2},
		{"before 0", []float64{0.5, 0.5}, []Func{Lin(0, 1), Lin(1, 2)}, -0.5, -1},
		{"after 1", []float64{0.5, 0.5}, []Func{Lin(0, 1), Lin(1, 2)}, 1.5, 3},
	} {
		f, err := Combine(c.shares, c.scheds)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := f(c.pos); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestScheduleErrors(t *testing.T) {
	one := []float64{1e-3}
	moms := DefaultMoms
	err2 := func(_ any, err error) error { return err }
	sgdr := func(lr []float64, cycles, length, mult int) error {
		_, _, err := SGDR(lr, cycles, length, mult)
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no shares", err2(Combine(nil, nil)), "0 shares for 0 schedules"},
		{"shares and schedules differ", err2(Combine([]float64{1}, []Func{No(1), No(2)})), "1 shares for 2 schedules"},
		{"negative share", err2(Combine([]float64{-1, 2}, []Func{No(1), No(2)})), "share 0 is -1"},
		{"NaN share", err2(Combine([]float64{math.NaN()}, []Func{No(1)})), "share 0 is NaN"},
		{"not all of it", err2(Combine([]float64{0.5, 0.4}, []Func{No(1), No(2)})), "add up to 0.9"},
		{"nil schedule", err2(Combine([]float64{1}, []Func{nil})), "schedule 0 is nil"},
		{"pct_start above 1", err2(OneCycle(one, 25, 1e5, 1.5, moms)), "pct_start is 1.5"},
		{"pct_start NaN", err2(OneCycle(one, 25, 1e5, math.NaN(), moms)), "pct_start is NaN"},
		{"div of 0", err2(OneCycle(one, 0, 1e5, 0.25, moms)), "div is 0"},
		{"momentum of 1", err2(OneCycle(one, 25, 1e5, 0.25, [3]float64{0.95, 1, 0.95})), "momentum 1"},
		{"no rates", err2(OneCycle(nil, 25, 1e5, 0.25, moms)), "no learning rates"},
		{"negative rate", err2(OneCycle([]float64{-1}, 25, 1e5, 0.25, moms)), "learning rate -1"},
		{"flat-cosine div_final", err2(FlatCos(one, 0, 0.75)), "div_final is 0"},
		{"constant NaN", err2(Constant([]float64{math.NaN()})), "learning rate NaN"},
		{"no cycles", sgdr(one, 0, 1, 2), "0 cycles"},
		{"endless cycles", sgdr(one, 100, 1, 2), "too many epochs"},
		{"cycles that overflow", sgdr(one, 3, 1, math.MaxInt), "too many epochs"},
		{"cycles that overflow to negative", sgdr(one, 3, 2, math.MaxInt), "too many epochs"},
		{"more cycles than memory", sgdr(one, math.MaxInt, 1, 1), "too many"},
		{"fine-tune, negative epochs", err2(FineTune(-1, FineTuneOptions{})), "-1 epochs"},
		{"fine-tune, negative rate", err2(FineTune(1, FineTuneOptions{BaseLR: -1})), "learning rate -1"},
		{"fine-tune, lr_mult", err2(FineTune(1, FineTuneOptions{LRMult: -1})), "lr_mult is -1"},
		{"fine-tune, pct_start", err2(FineTune(1, FineTuneOptions{PctStart: 2})), "pct_start is 2"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, c.err, c.want)
		}
	}
}

func TestConstantLeavesMomentum(t *testing.T) {
	s, err := Constant([]float64{1, 2})
	if err != nil || s.Groups() != 2 {
		t.Fatalf("%v, %v", s, err)
	}
	lr, mom := make([]float64, 2), []float64{0.9, 0.8}
	s.At(0.3, lr, mom)
	if !slices.Equal(lr, []float64{1, 2}) || !slices.Equal(mom, []float64{0.9, 0.8}) {
		t.Errorf("rates %v, momenta %v", lr, mom)
	}
}

func TestFineTunePhases(t *testing.T) {
	for _, c := range []struct {
		name   string
		epochs int
		o      FineTuneOptions
		want   []string // rate of each phase
	}{
		{"fastai's defaults", 2, FineTuneOptions{}, []string{"slice(0.002)", "slice(1e-05,0.001)"}},
		{"no frozen phase", 2, FineTuneOptions{FreezeEpochs: -1}, []string{"slice(1e-05,0.001)"}},
		{"frozen only", 0, FineTuneOptions{FreezeEpochs: 3}, []string{"slice(0.002)"}},
		{"another rate", 1, FineTuneOptions{BaseLR: 4, LRMult: 2}, []string{"slice(4)", "slice(1,2)"}},
		{"nothing", 0, FineTuneOptions{FreezeEpochs: -1}, nil},
	} {
		phases, err := FineTune(c.epochs, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, p := range phases {
			got = append(got, p.LR.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: rates %v, want %v", c.name, got, c.want)
		}
	}
}

// Shares that float32 cannot hold: positions inside them as PyTorch 1.13 finds
// them, with fastai's combine_scheds on four straight lines.
func TestCombineRoundsAsPyTorch(t *testing.T) {
	f, err := Combine([]float64{0.1, 0.3, 0.37, 0.23}, []Func{Lin(0, 1), Lin(1, 2), Lin(2, 3), Lin(3, 4)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ pos, want float64 }{
		{0, 0},
		{0.05, 0.5},
		{0.1, 1},
		{0.2, 1.3333333134651184},
		{0.4, 2},
		{0.41, 2.0270269978791475},
		{0.77, 2.9999998211860657},
		{0.9, 3.5652171969413757},
		{0.999, 3.9956522583961487},
	} {
		if got := f(c.pos); !within(got, c.want) {
			t.Errorf("at %v: %v, want %v", c.pos, got, c.want)
		}
	}
}
