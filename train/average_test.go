package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/tensor"
)

// TestAverageIsTimms compares with testdata/ema.json, to the rounding of float32.
func TestAverageIsTimms(t *testing.T) {
	raw, err := os.ReadFile("testdata/ema.json")
	if err != nil {
		t.Fatal(err)
	}
	var runs []struct {
		Decay  float64
		Warmup bool
		Steps  []struct {
			Weight  []float32
			Mean    []float32 `json:"running_mean"`
			Batches int64     `json:"num_batches_tracked"`
		}
	}
	if err := json.Unmarshal(raw, &runs); err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		var batches int64
		param := &autograd.Parameter{Value: tensor.New(3)}
		state := nn.StateDict{{Name: "weight", Kind: nn.Bias, Shape: []int{3}, Param: param},
			{Name: "running_mean", Kind: nn.RunningMean, Shape: []int{3}, Buffer: make([]float32, 3)},
			{Name: "num_batches_tracked", Kind: nn.BatchCount, Count: &batches}}
		a := &average{EMA: EMA{Decay: run.Decay, WarmUp: run.Warmup}}
		for s, want := range run.Steps {
			for i := range 3 {
				param.Value.Data[i] = float32(math.Sin(float64((s + 1) * (i + 1))))
				state[1].Buffer[i] = float32(math.Cos(float64(s + 1 + i)))
			}
			batches++
			now := slices.Clone(param.Value.Data)
			a.update(state)
			a.show(state, true)
			for i := range 3 {
				if d := math.Abs(float64(param.Value.Data[i] - want.Weight[i])); d > 3e-7 {
					t.Errorf("%v, step %d: weight %v, timm's is %v", a.EMA, s+1, param.Value.Data[i], want.Weight[i])
				}
				if d := math.Abs(float64(state[1].Buffer[i] - want.Mean[i])); d > 3e-7 {
					t.Errorf("%v, step %d: running mean %v, timm's is %v", a.EMA, s+1, state[1].Buffer[i], want.Mean[i])
				}
			}
			if s == len(run.Steps)-1 && batches != int64(len(run.Steps)) {
				t.Errorf("%v: %d batches counted, want %d", a.EMA, batches, len(run.Steps))
			}
			a.show(state, false)
			if !slices.Equal(param.Value.Data, now) {
				t.Fatalf("%v, step %d: the model's own weights did not come back", a.EMA, s+1)
			}
		}
	}
}

// TestAverageIsValidatedAndKept trains with an average and without: the same steps,
// but another model is judged, and is the result.
func TestAverageIsValidatedAndKept(t *testing.T) {
	run := func(opts ...Option) *Learner {
		l := tinyLearner(t, 1, opts...)
		if err := l.FitOneCycle(context.Background(), 2, schedule.Flat(0.05)); err != nil {
			t.Fatal(err)
		}
		return l
	}
	var after, judged map[string][]float32
	plain := run()
	own := run(AverageWeights(EMA{Decay: 0.5}), Callbacks(CallbackFunc(func(e Event, l *Learner) error {
		switch e {
		case AfterStep:
			after = modelBits(l)
		case BeforeValidate:
			judged = modelBits(l)
		}
		return nil
	})))
	sameBits(t, "the weights of the last step", modelBits(plain), after)
	sameBits(t, "the result", judged, modelBits(own))
	if plain.Recorder.Rows[1].TrainLoss != own.Recorder.Rows[1].TrainLoss {
		t.Error("the average changed the steps")
	}
	if plain.Recorder.Rows[1].ValidLoss == own.Recorder.Rows[1].ValidLoss {
		t.Error("the average was not validated")
	}
	res, err := own.Validate(context.Background())
	if err != nil || res.Loss != own.Recorder.Rows[1].ValidLoss {
		t.Errorf("the result has a loss of %v (%v), the last epoch's was %v", res.Loss, err, own.Recorder.Rows[1].ValidLoss)
	}
}

func TestRemains(t *testing.T) {
	for _, c := range []struct {
		e    EMA
		n    int
		want float64
	}{{EMA{Decay: 0.5}, 3, 0.25}, {EMA{Decay: 0.9}, 1, 1}, {EMA{Decay: 0.9998, WarmUp: true}, 100, 0}} {
		if got := c.e.Remains(c.n); math.Abs(got-c.want) > 1e-3 {
			t.Errorf("%v after %d steps: %v of the first remains, want %v", c.e, c.n, got, c.want)
		}
	}
}

// TestClippedSteps looks at gradients between backward pass and step.
func TestClippedSteps(t *testing.T) {
	const limit = 1e-3
	clipped, most := 0, 0.0
	l := tinyLearner(t, 1, Optimizer(&optim.SGD{}), ClipNorm(limit), Callbacks(CallbackFunc(func(e Event, l *Learner) error {
		if norm := optim.GradNorm(l.trainable()); e == AfterBackward && norm > limit {
			clipped++
		} else if e == AfterStep {
			most = max(most, norm)
		}
		return nil
	})))
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err != nil {
		t.Fatal(err)
	}
	if clipped == 0 || most > limit*(1+1e-5) || most < limit*0.99 {
		t.Errorf("%d steps had longer gradients, the longest stepped along is %v, want %v", clipped, most, limit)
	}
}

func TestUpdateOptionsAreChecked(t *testing.T) {
	l := tinyLearner(t, 1)
	for _, c := range []struct {
		o    Option
		want string
	}{
		{ClipNorm(-1), "ClipNorm is -1"}, {ClipNorm(math.Inf(1)), "ClipNorm is +Inf"},
		{AverageWeights(EMA{Decay: 1}), "decay of 1"}, {AverageWeights(EMA{Decay: math.NaN()}), "decay of NaN"},
	} {
		if _, err := New(l.DLs, l.Model, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
}

// TestInfiniteGradientStopsBeforeTheStep: clipping cannot mend it.
func TestInfiniteGradientStopsBeforeTheStep(t *testing.T) {
	var before map[string][]float32
	l := tinyLearner(t, 1, ClipNorm(1), Callbacks(CallbackFunc(func(e Event, l *Learner) error {
		if e == AfterBackward {
			before = modelBits(l)
			l.trainable()[0][0].Grad[0] = float32(math.Inf(1))
		}
		return nil
	})))
	err := l.Fit(context.Background(), 1, schedule.Flat(1e-3))
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "gradient's norm") {
		t.Errorf("error %v, want ErrDiverged of the gradient's norm", err)
	}
	sameBits(t, "the model", before, modelBits(l))
}

func TestAverageHasTheSameBitsForAnyThreads(t *testing.T) {
	run := func(threads int) map[string][]float32 {
		defer parallel.SetThreads(parallel.SetThreads(threads))
		l := tinyLearner(t, threads, AverageWeights(EMA{Decay: 0.9, WarmUp: true}), ClipNorm(0.1))
		if err := l.Fit(context.Background(), 1, schedule.Flat(1e-2)); err != nil {
			t.Fatal(err)
		}
		return modelBits(l)
	}
	sameBits(t, "3 threads", run(1), run(3))
}
