package schedule

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// run is one schedule of testdata/schedules.json: what fastai's optimizer held
// at each step.
type run struct {
	Epoch, Iter []int
	PctTrain    []float64 `json:"pct_train"`
	LR, Mom     [][]float64
}

func goldenRuns(t *testing.T) map[string]run {
	t.Helper()
	raw, err := os.ReadFile("testdata/schedules.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	runs := map[string]run{}
	for name, msg := range all {
		var r run
		if json.Unmarshal(msg, &r) == nil && len(r.LR) > 0 {
			runs[name] = r
		}
	}
	return runs
}

// within reports whether got equals want to a relative 1e-12. Only the order
// of float64 operations may differ from Python's: the float32 step inside
// combine_scheds is reproduced, so nothing near its 6e-8 is forgiven.
func within(got, want float64) bool {
	return math.Abs(got-want) <= 1e-12*math.Abs(want)
}

// part is one fit of a run: from a step, with its own schedule and length.
type part struct {
	from, epochs, iters int
	sched               *Schedule
}

func compare(t *testing.T, r run, parts []part) {
	t.Helper()
	steps := 0
	for _, p := range parts {
		lr := make([]float64, p.sched.Groups())
		mom := make([]float64, p.sched.Groups())
		for i := range mom {
			mom[i] = 0.9 // the optimizer's own momentum, for schedules that leave it
		}
		for s := range p.epochs * p.iters {
			i := p.from + s
			if r.Epoch[i] != s/p.iters || r.Iter[i] != s%p.iters {
				t.Fatalf("step %d: the stored run is at epoch %d step %d, the test at %d, %d", i, r.Epoch[i], r.Iter[i], s/p.iters, s%p.iters)
			}
			pos := Position(r.Epoch[i], p.epochs, r.Iter[i], p.iters)
			if pos != r.PctTrain[i] {
				t.Errorf("step %d: position %v, want %v", i, pos, r.PctTrain[i])
			}
			p.sched.At(pos, lr, mom)
			for g := range lr {
				if !within(lr[g], r.LR[i][g]) {
					t.Errorf("step %d group %d: learning rate %v, want %v", i, g, lr[g], r.LR[i][g])
				}
				if !within(mom[g], r.Mom[i][g]) {
					t.Errorf("step %d group %d: momentum %v, want %v", i, g, mom[g], r.Mom[i][g])
				}
			}
			steps++
		}
	}
	if steps != len(r.LR) {
		t.Errorf("compared %d steps, the stored run has %d", steps, len(r.LR))
	}
}

func TestSchedulesAreFastais(t *testing.T) {
	runs := goldenRuns(t)
	oneCycle := func(rate Rate, groups int) func(t *testing.T) *Schedule {
		return func(t *testing.T) *Schedule {
			lrs, err := rate.Groups(groups)
			if err != nil {
				t.Fatal(err)
			}
			s, err := OneCycle(lrs, DefaultDiv, DefaultDivFinal, DefaultPctStart, DefaultMoms)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	flat := []float64{3e-3, 3e-3, 3e-3}
	for _, c := range []struct {
		run           string
		epochs, iters int
		sched         func(t *testing.T) *Schedule
	}{
		{"one_cycle_1group_1x100", 1, 100, oneCycle(Flat(3e-3), 1)},
		{"one_cycle_1group_4x25", 4, 25, oneCycle(Flat(3e-3), 1)},
		{"one_cycle_3groups_slice_1e-6_1e-4_1x100", 1, 100, oneCycle(Slice(1e-6, 1e-4), 3)},
		{"one_cycle_3groups_slice_3e-3_1x100", 1, 100, oneCycle(SliceTo(3e-3), 3)},
		{"one_cycle_3groups_float_3e-3_1x100", 1, 100, oneCycle(Flat(3e-3), 3)},
		{"fit_flat_cos_2x10", 2, 10, func(t *testing.T) *Schedule {
			s, err := FlatCos(flat, DefaultDivFinal, DefaultFlatPctStart)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}},
		{"fit_sgdr_2cycles_len1_x10", 3, 10, func(t *testing.T) *Schedule {
			s, epochs, err := SGDR(flat, 2, 1, 2)
			if err != nil || epochs != 3 {
				t.Fatalf("SGDR gave %d epochs and %v, want 3", epochs, err)
			}
			return s
		}},
	} {
		t.Run(c.run, func(t *testing.T) {
			r, ok := runs[c.run]
			if !ok {
				t.Fatal("no such run in testdata/schedules.json")
			}
			compare(t, r, []part{{0, c.epochs, c.iters, c.sched(t)}})
		})
	}
}

func TestFineTuneIsFastais(t *testing.T) {
	runs := goldenRuns(t)
	phases, err := FineTune(2, FineTuneOptions{})
	if err != nil || len(phases) != 2 {
		t.Fatalf("FineTune(2) gave %d phases, %v", len(phases), err)
	}
	if !phases[0].Frozen || phases[1].Frozen {
		t.Errorf("frozen: %v then %v, want true then false", phases[0].Frozen, phases[1].Frozen)
	}
	for name, iters := range map[string]int{"fine_tune_2_niter7": 7, "fine_tune_2_niter92": 92} {
		t.Run(name, func(t *testing.T) {
			var parts []part
			from := 0
			for _, p := range phases {
				s, err := p.Schedule(3)
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, part{from, p.Epochs, iters, s})
				from += p.Epochs * iters
			}
			compare(t, runs[name], parts)
		})
	}
}

func TestFuncsAreFastais(t *testing.T) {
	raw, err := os.ReadFile("testdata/schedules.json")
	if err != nil {
		t.Fatal(err)
	}
	type curve struct {
		Start, End float64
		Pos, Val   []float64
	}
	var g struct {
		Functions map[string]curve `json:"sched_functions"`
		Poly      curve            `json:"sched_poly_power2"`
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		want curve
		f    Func
	}{
		"lin":  {g.Functions["lin"], Lin(1, 2)},
		"cos":  {g.Functions["cos"], Cos(1, 2)},
		"exp":  {g.Functions["exp"], Exp(1, 2)},
		"poly": {g.Poly, Poly(1, 2, 2)},
	} {
		if len(c.want.Pos) != 11 {
			t.Errorf("%s: %d stored positions, want 11", name, len(c.want.Pos))
		}
		for i, p := range c.want.Pos {
			if got := c.f(p); !within(got, c.want.Val[i]) {
				t.Errorf("%s at %v: %v, want %v", name, p, got, c.want.Val[i])
			}
		}
	}
	if got := No(3)(0.7); got != 3 {
		t.Errorf("No(3) is %v at 0.7", got)
	}
}
