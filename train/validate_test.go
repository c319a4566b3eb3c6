package train

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/tensor"
)

// TestValidateIsTheMean compares Validate, on batches of 8, 8 and 4, with the
// mean over the items' losses, for every reduction of the loss.
func TestValidateIsTheMean(t *testing.T) {
	ctx := context.Background()
	for _, r := range []loss.Reduction{loss.Mean, loss.Sum, loss.None} {
		t.Run(r.String(), func(t *testing.T) {
			l := tinyLearner(t, 1, Loss(&loss.CrossEntropy{Reduction: r}), Metrics(metrics.ErrorRate()))
			p, err := l.GetPreds(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			sum, wrong := 0.0, 0.0
			for i, y := range p.Targets.Class {
				row := p.Probs.Data[i*tinyClasses : (i+1)*tinyClasses]
				sum -= math.Log(float64(row[y]))
				if tensor.Argmax(row) != y {
					wrong++
				}
				if want := -math.Log(float64(row[y])); math.Abs(float64(p.Losses[i])-want) > 1e-5 {
					t.Errorf("loss of item %d: %v, want %v", i, p.Losses[i], want)
				}
			}
			res, err := l.Validate(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if res.Items != 20 || math.Abs(res.Loss-sum/20) > 1e-6 || math.Abs(res.Metrics[0]-wrong/20) > 1e-12 {
				t.Errorf("%+v, want 20 items, loss %v, error rate %v", res, sum/20, wrong/20)
			}
			// Training by each item's loss has no meaning, and says so.
			err = l.Fit(ctx, 1, schedule.Flat(1e-3))
			if (err != nil) != (r == loss.None) {
				t.Errorf("training: %v", err)
			}
		})
	}
}

func TestValidateMistakes(t *testing.T) {
	ctx := context.Background()
	l := tinyLearner(t, 1)
	unlabeled, err := l.DLs.TestLoader(l.DLs.Valid.Items()[:3])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ValidateOn(ctx, unlabeled); err == nil || !strings.Contains(err.Error(), "no labels") {
		t.Errorf("without labels: %v", err)
	}
	p, err := l.GetPreds(ctx, unlabeled)
	if err != nil || len(p.Index) != 3 || p.Targets.Known() || p.Losses != nil || p.Probs.Shape[0] != 3 {
		t.Errorf("predictions without labels: %+v, %v", p, err)
	}
	l.DLs.Valid = nil
	if _, err := l.Validate(ctx); err == nil {
		t.Error("no validation set: no error")
	}
	if _, err := l.GetPreds(ctx, nil); err == nil {
		t.Error("no validation set: no error of GetPreds")
	}
	// Training without one leaves the columns empty.
	if err := l.Fit(ctx, 1, schedule.Flat(1e-3)); err != nil {
		t.Fatal(err)
	}
	if row, ok := l.Recorder.Last(); !ok || !math.IsNaN(row.ValidLoss) || len(row.Metrics) != 0 {
		t.Errorf("row %+v", row)
	}
}

// TestPredict compares one item's prediction with that of the whole set.
func TestPredict(t *testing.T) {
	ctx := context.Background()
	l := tinyLearner(t, 1)
	all, err := l.GetPreds(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 7, 19} {
		p, err := l.Predict(ctx, l.DLs.Valid.Items()[i].Path)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range all.Probs.Data[i*tinyClasses : (i+1)*tinyClasses] {
			if math.Abs(float64(p.Probs[k]-v)) > 1e-5 {
				t.Errorf("item %d: probabilities %v, want %v", i, p.Probs, all.Probs.Data[i*tinyClasses:(i+1)*tinyClasses])
			}
			if v > p.Probs[p.Class()]+1e-5 {
				t.Errorf("item %d: class %d is not the most probable of %v", i, p.Class(), p.Probs)
			}
		}
		if p.Label() != l.DLs.Vocab[p.Class()] {
			t.Errorf("item %d: label %q of class %d", i, p.Label(), p.Class())
		}
	}
	if _, err := l.Predict(ctx, "no number"); err == nil {
		t.Error("a picture that cannot be opened: no error")
	}
}

// TestTTA checks fastai's rule: augmented mean, moved by beta towards the plain
// prediction.
func TestTTA(t *testing.T) {
	ctx := context.Background()
	l := tinyLearner(t, 1)
	cfg := l.DLs.Valid.Config()
	l.DLs.Valid = fixedLoader(t, cfg.BatchTransforms.(fixedInput).x, cfg.Targets.Class, data.LoaderConfig{BatchSize: 8, Seed: 3}, 0.5)
	plain, err := l.GetPreds(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	aug := make([]float64, plain.Probs.Len())
	for i := range 4 {
		p, err := l.preds(ctx, l.DLs.Valid.WithTransforms(true), i, false)
		if err != nil {
			t.Fatal(err)
		}
		if reflect.DeepEqual(p.Probs.Data, plain.Probs.Data) {
			t.Fatal("augmentation changes nothing")
		}
		for k, v := range p.Probs.Data {
			aug[k] += float64(v) / 4
		}
	}
	for _, beta := range []float64{0, 0.25, 1} {
		p, err := l.TTA(ctx, nil, 4, beta)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range p.Probs.Data {
			want := (1-beta)*aug[k] + beta*float64(plain.Probs.Data[k])
			if math.Abs(float64(v)-want) > 1e-6 {
				t.Fatalf("beta %v: value %d is %v, want %v", beta, k, v, want)
			}
		}
		for i, y := range p.Targets.Class {
			if want := -math.Log(float64(p.Probs.Data[i*tinyClasses+y])); math.Abs(float64(p.Losses[i])-want) > 1e-5 {
				t.Errorf("beta %v: loss of item %d is %v, want %v", beta, i, p.Losses[i], want)
			}
		}
	}
	for _, c := range []struct {
		n    int
		beta float64
	}{{0, 0.25}, {4, -1}, {4, 2}, {4, math.NaN()}} {
		if _, err := l.TTA(ctx, nil, c.n, c.beta); err == nil {
			t.Errorf("TTA(%d, %v): no error", c.n, c.beta)
		}
	}
}

// TestLRFindRestores wants every bit back: model, optimizer, counters, history,
// and the training that follows.
func TestLRFindRestores(t *testing.T) {
	ctx := context.Background()
	for _, frozen := range []bool{false, true} {
		make := func() *Learner {
			l := tinyLearner(t, 2, Callbacks(&MixUp{}))
			if frozen {
				if err := l.Freeze(); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Fit(ctx, 1, schedule.Flat(1e-3)); err != nil {
				t.Fatal(err)
			}
			return l
		}
		a, b := make(), make()
		before, opt := modelBits(a), a.snapshot().opt
		found, err := a.LRFind(ctx, schedule.Finder{})
		var curve *schedule.CurveError
		if err != nil && !errors.As(err, &curve) {
			t.Fatal(err)
		}
		if n := len(found.Curve.LRs); n < 10 || n > 100 {
			t.Errorf("%d steps", n)
		}
		if found.Curve.LRs[0] != 1e-7 {
			t.Errorf("the first rate is %v, want 1e-7", found.Curve.LRs[0])
		}
		sameBits(t, "after LRFind", before, modelBits(a))
		if got := a.opt.State(); !reflect.DeepEqual(got.Params, opt.Params) || got.Count != opt.Count {
			t.Error("the optimizer's state is another one after LRFind")
		}
		if history(a) != history(b) || a.Step != b.Step || a.FrozenTo() != b.FrozenTo() || a.LossNow != b.LossNow {
			t.Error("history, step or loss are others after LRFind")
		}
		for _, l := range []*Learner{a, b} {
			if err := l.Fit(ctx, 1, schedule.Flat(1e-3)); err != nil {
				t.Fatal(err)
			}
		}
		sameBits(t, "training after LRFind", modelBits(b), modelBits(a))
	}

	// Also when it is interrupted, fails, or runs on a learner without steps.
	l := tinyLearner(t, 1)
	before := modelBits(l)
	cctx, cancel := context.WithCancel(ctx)
	l.Callbacks = []Callback{&interruptAt{event: AfterStep, k: 3, cancel: cancel}}
	if _, err := l.LRFind(cctx, schedule.Finder{}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
	sameBits(t, "after an interrupted LRFind", before, modelBits(l))
	boom := errors.New("boom")
	l.Callbacks = []Callback{&events{cancel: func(e Event, l *Learner) error {
		if e == AfterBackward && l.Step == 2 {
			return boom
		}
		return nil
	}}}
	if _, err := l.LRFind(ctx, schedule.Finder{}); !errors.Is(err, boom) {
		t.Errorf("failed: %v", err)
	}
	sameBits(t, "after a failed LRFind", before, modelBits(l))
	if len(l.opt.State().Params) != 0 || l.Step != 0 {
		t.Error("the optimizer or the step are others after a failed LRFind")
	}
	if _, err := l.LRFind(ctx, schedule.Finder{Start: -1}); err == nil {
		t.Error("a negative rate: no error")
	}
}

// TestLRFindCallbacks wants the events of batches, a canceled batch passed
// over, a canceled fit to end the search with what it saw, and no endless
// search when every batch is refused.
func TestLRFindCallbacks(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		cancel func(n int) error // at the n-th BeforeBatch
		steps  int               // of the curve
	}{
		{"nothing cancelled", func(int) error { return nil }, 20},
		{"one batch", func(n int) error {
			if n == 3 {
				return ErrCancelBatch
			}
			return nil
		}, 20},
		{"the fit", func(n int) error {
			if n == 12 {
				return ErrCancelFit
			}
			return nil
		}, 12},
		{"an epoch", func(n int) error {
			if n == 2 {
				return ErrCancelEpoch
			}
			return nil
		}, 20},
	} {
		l := tinyLearner(t, 1)
		before, begun, ended := modelBits(l), 0, 0
		l.Callbacks = []Callback{CallbackFunc(func(e Event, l *Learner) error {
			switch e {
			case BeforeBatch:
				begun++
				return c.cancel(begun - 1)
			case AfterBatch:
				ended++
			case BeforeFit, BeforeEpoch, AfterEpoch, AfterFit:
				t.Errorf("%s: event %v", c.name, e)
			}
			return nil
		})}
		found, err := l.LRFind(ctx, schedule.Finder{Steps: 20, Diverge: -1})
		var odd *schedule.CurveError
		if err != nil && !errors.As(err, &odd) {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := len(found.Curve.LRs); n != c.steps || ended != c.steps {
			t.Errorf("%s: %d steps, %d AfterBatch; want %d", c.name, n, ended, c.steps)
		}
		sameBits(t, c.name, before, modelBits(l))
	}
	l := tinyLearner(t, 1)
	l.Callbacks = []Callback{CallbackFunc(func(e Event, l *Learner) error {
		if e == BeforeBatch {
			return ErrCancelEpoch
		}
		return nil
	})}
	if _, err := l.LRFind(ctx, schedule.Finder{}); err == nil || !strings.Contains(err.Error(), "no batch") {
		t.Errorf("every epoch refused: %v", err)
	}
}
