package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// events records the events of a fit; cancel returns what to answer.
type events struct {
	seen   []string
	cancel func(e Event, l *Learner) error
}

func (v *events) On(e Event, l *Learner) error {
	v.seen = append(v.seen, e.String())
	if v.cancel == nil {
		return nil
	}
	return v.cancel(e, l)
}

const (
	batchEvents = "BeforeBatch AfterPred AfterLoss AfterBackward AfterStep AfterBatch "
	epochEnd    = "AfterTrain BeforeValidate AfterValidate AfterEpoch "
)

func TestEvents(t *testing.T) {
	five := strings.Repeat(batchEvents, tinyIters)
	at := func(want Event, epoch, iter int, err error) func(Event, *Learner) error {
		return func(e Event, l *Learner) error {
			if e == want && l.Epoch == epoch && l.Iter == iter {
				return err
			}
			return nil
		}
	}
	other := errors.New("the callback's own")
	for _, c := range []struct {
		name   string
		cancel func(e Event, l *Learner) error
		want   string
		err    error
		steps  int
		rows   int
	}{
		{"two epochs", nil, "BeforeFit BeforeEpoch BeforeTrain " + five + epochEnd + "BeforeEpoch BeforeTrain " + five + epochEnd + "AfterFit", nil, 10, 2},
		{"batch skipped after its loss", at(AfterLoss, 0, 1, ErrCancelBatch),
			"BeforeFit BeforeEpoch BeforeTrain " + batchEvents + "BeforeBatch AfterPred AfterLoss AfterBatch " + strings.Repeat(batchEvents, 3) + epochEnd +
				"BeforeEpoch BeforeTrain " + five + epochEnd + "AfterFit", nil, 9, 2},
		{"epoch skipped after a batch", at(AfterBatch, 0, 0, ErrCancelEpoch),
			"BeforeFit BeforeEpoch BeforeTrain " + batchEvents + epochEnd + "BeforeEpoch BeforeTrain " + five + epochEnd + "AfterFit", nil, 6, 2},
		{"fit ended in a batch", at(AfterStep, 0, 1, ErrCancelFit),
			"BeforeFit BeforeEpoch BeforeTrain " + batchEvents + "BeforeBatch AfterPred AfterLoss AfterBackward AfterStep AfterTrain AfterFit", nil, 2, 0},
		{"fit ended after an epoch", at(AfterEpoch, 0, tinyIters, ErrCancelFit),
			"BeforeFit BeforeEpoch BeforeTrain " + five + epochEnd + "AfterFit", nil, 5, 1},
		{"an error", at(AfterBackward, 0, 0, other),
			"BeforeFit BeforeEpoch BeforeTrain BeforeBatch AfterPred AfterLoss AfterBackward AfterTrain AfterFit", other, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &events{cancel: c.cancel}
			l := tinyLearner(t, 1)
			if err := l.Fit(context.Background(), 2, schedule.Flat(1e-3), With(v)); !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if got := strings.Join(v.seen, " "); got != c.want {
				t.Errorf("events\n%s\nwant\n%s", got, c.want)
			}
			if l.Step != c.steps || len(l.Recorder.Rows) != c.rows || len(l.Recorder.Steps) != c.steps {
				t.Errorf("%d steps, %d recorded, %d rows; want %d, %d, %d", l.Step, len(l.Recorder.Steps), len(l.Recorder.Rows), c.steps, c.steps, c.rows)
			}
		})
	}
}

func TestFreezing(t *testing.T) {
	l := tinyLearner(t, 1)
	training := func() string {
		var g []string
		for i, entries := range l.groups {
			weights, norms := "-", "-"
			for _, e := range entries {
				if e.Param != nil && e.Param.RequiresGrad {
					if e.IsNorm() {
						norms = "n"
					} else {
						weights = "w"
					}
				}
			}
			g = append(g, fmt.Sprint(i, weights, norms))
		}
		return strings.Join(g, " ")
	}
	for _, c := range []struct {
		name string
		do   func() error
		want string
		to   int
	}{
		{"new", func() error { return nil }, "0wn 1wn 2wn", 0},
		{"Freeze", l.Freeze, "0-n 1-n 2wn", 2},
		{"FreezeTo(1)", func() error { return l.FreezeTo(1) }, "0-n 1wn 2wn", 1},
		{"FreezeTo(-1)", func() error { return l.FreezeTo(-1) }, "0-n 1-n 2wn", 2},
		{"Unfreeze", l.Unfreeze, "0wn 1wn 2wn", 0},
		{"without TrainBN", func() error { l.TrainBN = false; return l.Freeze() }, "0-- 1-- 2wn", 2},
	} {
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := training(); got != c.want || l.FrozenTo() != c.to {
			t.Errorf("%s: training %s from group %d, want %s from %d", c.name, got, l.FrozenTo(), c.want, c.to)
		}
	}
	for _, n := range []int{3, -4} {
		if err := l.FreezeTo(n); err == nil || !strings.Contains(err.Error(), "layer groups 0 to 2") {
			t.Errorf("FreezeTo(%d): %v", n, err)
		}
	}
	// Freezing clears the optimizer's state, as fastai does.
	l = tinyLearner(t, 1)
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err != nil {
		t.Fatal(err)
	}
	if len(l.opt.State().Params) == 0 {
		t.Fatal("the optimizer has no state after a fit")
	}
	if err := l.Unfreeze(); err != nil || len(l.opt.State().Params) != 0 {
		t.Errorf("after Unfreeze the optimizer has the state of %d parameters, %v", len(l.opt.State().Params), err)
	}
}

// TestPlans checks the rates that fits give to the groups at each step against
// the closed forms of fastai's schedules.
func TestPlans(t *testing.T) {
	cos := func(a, b, p float64) float64 { return a + (1+math.Cos(math.Pi*(1-p)))*(b-a)/2 }
	oneCycle := func(max, div, pct, pos float64) float64 {
		if pos < pct {
			return cos(max/div, max, pos/pct)
		}
		return cos(max, max/1e5, (pos-pct)/(1-pct))
	}
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		fit   func(l *Learner) error
		steps int
		want  func(step, group int) (lr, mom float64)
	}{
		{"Fit", func(l *Learner) error { return l.Fit(ctx, 2, schedule.Flat(3e-4)) }, 10,
			func(int, int) (float64, float64) { return 3e-4, 0.9 }},
		{"Fit at the learner's rate", func(l *Learner) error { l.LR = 5e-5; return l.Fit(ctx, 1, schedule.Rate{}) }, 5,
			func(int, int) (float64, float64) { return 5e-5, 0.9 }},
		{"FitOneCycle", func(l *Learner) error { return l.FitOneCycle(ctx, 2, schedule.Slice(1e-6, 1e-4)) }, 10,
			func(i, g int) (float64, float64) {
				pos := float64(i) / 10
				mom := cos(0.95, 0.85, pos/0.25)
				if pos >= 0.25 {
					mom = cos(0.85, 0.95, (pos-0.25)/0.75)
				}
				return oneCycle([]float64{1e-6, 1e-5, 1e-4}[g], 25, 0.25, pos), mom
			}},
		{"FitOneCycle with options", func(l *Learner) error {
			return l.FitOneCycle(ctx, 1, schedule.Flat(1e-3), Div(10), DivFinal(1e5), PctStart(0.5), Moms(0.9, 0.9, 0.9))
		}, 5, func(i, g int) (float64, float64) { return oneCycle(1e-3, 10, 0.5, float64(i)/5), 0.9 }},
		{"FitFlatCos", func(l *Learner) error { return l.FitFlatCos(ctx, 2, schedule.Flat(1e-3)) }, 10,
			func(i, g int) (float64, float64) {
				if pos := float64(i) / 10; pos > 0.75 {
					return cos(1e-3, 1e-8, (pos-0.75)/0.25), 0.9
				}
				return 1e-3, 0.9
			}},
		{"FineTune", func(l *Learner) error { return l.FineTune(ctx, 1, BaseLR(2e-3)) }, 10,
			func(i, g int) (float64, float64) {
				if i < 5 {
					pos := float64(i) / 5
					return oneCycle([]float64{2e-4, 2e-4, 2e-3}[g], 25, 0.99, pos), cos(0.95, 0.85, pos/0.99)
				}
				pos := float64(i-5) / 5
				mom := cos(0.95, 0.85, pos/0.3)
				if pos >= 0.3 {
					mom = cos(0.85, 0.95, (pos-0.3)/0.7)
				}
				return oneCycle([]float64{1e-5, 1e-4, 1e-3}[g], 5, 0.3, pos), mom
			}},
		{"FineTune without frozen epochs", func(l *Learner) error { return l.FineTune(ctx, 1, FreezeEpochs(0), LRMult(4), Moms(0.8, 0.8, 0.8)) }, 5,
			func(i, g int) (float64, float64) {
				return oneCycle([]float64{2.5e-4, 5e-4, 1e-3}[g], 5, 0.3, float64(i)/5), 0.8
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := tinyLearner(t, 1)
			if err := c.fit(l); err != nil {
				t.Fatal(err)
			}
			if len(l.Recorder.Steps) != c.steps {
				t.Fatalf("%d steps, want %d", len(l.Recorder.Steps), c.steps)
			}
			for i, s := range l.Recorder.Steps {
				for g := range s.LR {
					lr, mom := c.want(i, g)
					// fastai's places in the schedule are float32, and so are ours.
					if math.Abs(s.LR[g]-lr) > 3e-5*lr || math.Abs(s.Mom[g]-mom) > 1e-6 {
						t.Errorf("step %d, group %d: rate %g, momentum %g; want %g, %g", i, g, s.LR[g], s.Mom[g], lr, mom)
					}
				}
			}
		})
	}
}

func TestFitMistakes(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		do   func(l *Learner) error
		want string
	}{
		{"negative epochs", func(l *Learner) error { return l.Fit(ctx, -1, schedule.Flat(1e-3)) }, "-1 epochs"},
		{"negative fine-tune", func(l *Learner) error { return l.FineTune(ctx, -1) }, "-1 epochs"},
		{"unknown schedule", func(l *Learner) error {
			_, err := l.NewPhase("wavy", 1, schedule.Flat(1e-3), nil)
			return err
		}, `unknown schedule "wavy"`},
		{"pct_start", func(l *Learner) error { return l.FitOneCycle(ctx, 1, schedule.Flat(1e-3), PctStart(2)) }, "pct_start"},
		{"no data", func(l *Learner) error { l.DLs = &data.DataLoaders{}; return l.Fit(ctx, 1, schedule.Flat(1e-3)) }, "no training data"},
		{"monitor", func(l *Learner) error {
			return l.Fit(ctx, 1, schedule.Flat(1e-3), With(&EarlyStopping{Monitor: "beauty"}))
		}, `cannot monitor "beauty"`},
		{"batch larger than the data", func(l *Learner) error {
			cfg := l.DLs.Train.Config()
			cfg.BatchSize = 100
			l.DLs.Train = fixedLoader(t, cfg.BatchTransforms.(fixedInput).x, cfg.Targets.Class, cfg, 0)
			return l.Fit(ctx, 1, schedule.Flat(1e-3))
		}, "44 training pictures give no batch of 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(tinyLearner(t, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	l := tinyLearner(t, 1)
	if _, err := New(&data.DataLoaders{Vocab: []string{"a", "b"}}, l.Model); err == nil || !strings.Contains(err.Error(), "2 classes, the model 3") {
		t.Errorf("vocabulary of another size: %v", err)
	}
}

// TestLearns is the least a trainer must do: get better than chance.
func TestLearns(t *testing.T) {
	for _, c := range []struct {
		name string
		opt  optim.Optimizer
		lr   float64
	}{{"Adam", &optim.Adam{}, 1e-2}, {"SGD", &optim.SGD{Mom: 0.9}, 5e-2}} {
		l := tinyLearner(t, 1, Metrics(metrics.ErrorRate()), Optimizer(c.opt))
		if err := l.FitOneCycle(context.Background(), 12, schedule.Flat(c.lr)); err != nil {
			t.Fatal(err)
		}
		row, _ := l.Recorder.Last()
		if e := row.Metrics[0]; !(e <= 0.2) {
			t.Errorf("%s: error rate %v after 12 epochs of an easy task, want at most 0.2", c.name, e)
		}
	}
}

// TestCancellationFinishesTheStep ends the context in the middle of a step. The
// bubble of synctest fails when a goroutine of the loaders outlives it.
func TestCancellationFinishesTheStep(t *testing.T) {
	defer parallel.SetThreads(parallel.SetThreads(1)) // the workers of loops stay, and a bubble shares nothing with them
	synctest.Test(t, cancellationFinishesTheStep)
}

func cancellationFinishesTheStep(t *testing.T) {
	for _, event := range []Event{BeforeBatch, AfterPred, AfterLoss, AfterBackward} {
		ctx, cancel := context.WithCancelCause(context.Background())
		why := errors.New("the user went home")
		v := &events{cancel: func(e Event, l *Learner) error {
			if e == event && l.Iter == 2 {
				cancel(why)
			}
			return nil
		}}
		l := tinyLearner(t, 3)
		err := l.Fit(ctx, 2, schedule.Flat(1e-3), With(v))
		if !errors.Is(err, ErrInterrupted) || !errors.Is(err, why) {
			t.Errorf("%v: error %v, want ErrInterrupted and the cause", event, err)
		}
		if l.Step != 3 || !slices.Equal(v.seen[len(v.seen)-4:], []string{"AfterStep", "AfterBatch", "AfterTrain", "AfterFit"}) {
			t.Errorf("%v: %d steps, the last events %v; the step under way must be finished", event, l.Step, v.seen[len(v.seen)-4:])
		}
		// The learner can go on.
		if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err != nil {
			t.Errorf("%v: after an interruption: %v", event, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l := tinyLearner(t, 3)
	if err := l.Fit(ctx, 1, schedule.Flat(1e-3)); !errors.Is(err, ErrInterrupted) || l.Step != 0 {
		t.Errorf("context over before the fit: %v after %d steps", err, l.Step)
	}
	if _, err := l.Validate(ctx); !errors.Is(err, ErrInterrupted) {
		t.Errorf("Validate: %v", err)
	}
}

// breaks is a loss that gives v at one call.
type breaks struct {
	loss.Func
	v     float64
	calls int
	at    int
}

func (b *breaks) ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, d *tensor.Tensor) (float64, error) {
	v, err := b.Func.ForwardBackward(logits, y, items, d)
	if b.calls++; b.calls == b.at {
		v = b.v
	}
	return v, err
}

// TestNotFiniteLoss wants training stopped at the step, with advice, and the
// parameters as before it.
func TestNotFiniteLoss(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		l := tinyLearner(t, 1, Loss(&breaks{Func: &loss.CrossEntropy{}, v: v, at: 9}))
		var before map[string][]float32
		err := l.Fit(context.Background(), 2, schedule.Flat(0.125), With(CallbackFunc(func(e Event, l *Learner) error {
			if l.Epoch == 1 && l.Iter == 3 && e == AfterLoss {
				before = modelBits(l)
			}
			return nil
		})))
		if !errors.Is(err, ErrDiverged) {
			t.Fatalf("error %v, want ErrDiverged", err)
		}
		for _, want := range []string{"epoch 1, batch 3 (step 8)", "learning rate 0.125", "LRFind"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
		sameBits(t, "after a loss that is not finite", before, modelBits(l))
	}
}
