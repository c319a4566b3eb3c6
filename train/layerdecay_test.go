package train

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/schedule"
)

// TestLayerDecayScalesSteps compares a step of plain SGD with one whose rates fall with
// depth: each parameter goes the share of the way that its layer has.
func TestLayerDecayScalesSteps(t *testing.T) {
	const decay = 0.5
	start := modelBits(tinyLearner(t, 1))
	moved := func(opts ...Option) map[string][]float32 {
		l := tinyLearner(t, 1, append(opts, Optimizer(&optim.SGD{}), WeightDecay(0))...)
		stop := CallbackFunc(func(e Event, l *Learner) error {
			if e == AfterStep {
				return ErrCancelFit
			}
			return nil
		})
		if err := l.Fit(context.Background(), 1, schedule.Flat(0.1), With(stop)); err != nil {
			t.Fatal(err)
		}
		return modelBits(l)
	}
	plain, decayed := moved(), moved(LayerDecay(decay))
	l := tinyLearner(t, 1)
	layer, layers, err := l.Model.LayersByName()
	if err != nil || layers < 3 {
		t.Fatalf("%d layers: %v", layers, err)
	}
	for _, ps := range l.params {
		for _, p := range ps {
			scale := math.Pow(decay, float64(layers-1-layer[p.Name]))
			for i, from := range start[p.Name] {
				got, whole := float64(decayed[p.Name][i]-from), float64(plain[p.Name][i]-from)
				if math.Abs(got-scale*whole) > 1e-7+1e-5*math.Abs(whole) {
					t.Fatalf("%s[%d] of layer %d of %d moved by %g; want %g of %g", p.Name, i, layer[p.Name], layers, got, scale, whole)
				}
			}
		}
	}
	sameBits(t, "a decay of 1", plain, moved(LayerDecay(1)))
}

// TestLayerDecayPlans: fine-tuning gives all groups the head's rate, which the decay
// then spreads.
func TestLayerDecayPlans(t *testing.T) {
	l := tinyLearner(t, 1, LayerDecay(0.75))
	plan, err := l.FineTunePlan(2, BaseLR(2e-3))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{2e-3, 1e-3} {
		for g, lr := range plan[i].LR {
			if lr != want || plan[i].LayerDecay != 0.75 {
				t.Errorf("phase %d, group %d: rate %g and layer decay %g, want %g and 0.75", i, g, lr, plan[i].LayerDecay, want)
			}
		}
	}
}

// TestLayerDecayResumes interrupts a run after each of its steps; it ends in the same
// bits, also if the learner that goes on was not told of the decay again.
func TestLayerDecayResumes(t *testing.T) {
	run := func(l *Learner, ctx context.Context, extra ...Callback) error {
		return l.FineTune(ctx, 1, BaseLR(0.02), With(extra...))
	}
	alone := tinyLearner(t, 1, LayerDecay(0.6))
	if err := run(alone, context.Background()); err != nil {
		t.Fatal(err)
	}
	want := modelBits(alone)
	for k := range 2 * tinyIters {
		dir := t.TempDir()
		l := tinyLearner(t, 1, LayerDecay(0.6))
		l.Checkpoints = &Checkpoints{Dir: dir}
		ctx, cancel := context.WithCancel(context.Background())
		if err := run(l, ctx, &interruptAt{event: AfterStep, k: k, cancel: cancel}); !errors.Is(err, ErrInterrupted) && k < 2*tinyIters-1 {
			t.Fatalf("step %d: %v", k, err)
		}
		cancel()
		c, err := LoadCheckpoint(dir)
		if err != nil {
			t.Fatal(err)
		}
		next := tinyLearner(t, 1)
		next.Checkpoints = &Checkpoints{Dir: dir}
		if err := next.Resume(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		sameBits(t, "interrupted", want, modelBits(next))
	}
}

func TestLayerDecayMistakes(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		do   func(l *Learner) error
		want string
	}{
		{"rates of groups", func(l *Learner) error { return l.FitOneCycle(ctx, 1, schedule.Slice(1e-6, 1e-4)) }, "layer decay of 0.75: give one rate"},
		{"a spread over groups", func(l *Learner) error { return l.FineTune(ctx, 1, LRMult(10)) }, "LRMult(10)"},
		{"above 1", func(l *Learner) error { l.LayerDecay = 1.5; return l.Fit(ctx, 1, schedule.Flat(1e-3)) }, "layer decay 1.5"},
		{"not a number", func(l *Learner) error {
			l.LayerDecay = nan
			_, err := l.LRFind(ctx, schedule.Finder{})
			return err
		}, "layer decay NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(tinyLearner(t, 1, LayerDecay(0.75))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	l := tinyLearner(t, 1)
	if _, err := New(l.DLs, l.Model, LayerDecay(-0.5)); err == nil || !strings.Contains(err.Error(), "layer decay -0.5") {
		t.Errorf("a negative decay: %v", err)
	}
}
