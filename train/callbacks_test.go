package train

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
)

// script makes the validation loss of each epoch what a test wants.
func script(losses ...float64) Callback {
	i := 0
	return CallbackFunc(func(e Event, l *Learner) error {
		if e == AfterValidate {
			l.ValidLoss = losses[i]
			i++
		}
		return nil
	})
}

func TestEarlyStopping(t *testing.T) {
	inf, none := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name   string
		stop   EarlyStopping
		losses []float64
		epochs int
	}{
		{"always better", EarlyStopping{}, []float64{5, 4, 3, 2, 1}, 5},
		{"worse at once", EarlyStopping{}, []float64{5, 6, 1, 1, 1}, 2},
		{"equal is not better", EarlyStopping{}, []float64{5, 5, 1, 1, 1}, 2},
		{"patience 2", EarlyStopping{Patience: 2}, []float64{5, 6, 4, 4.5, 4.6}, 5},
		{"patience 2, not met", EarlyStopping{Patience: 2}, []float64{5, 6, 4, 4.5, 3}, 5},
		{"smaller than MinDelta", EarlyStopping{MinDelta: 0.5}, []float64{5, 4.6, 1, 1, 1}, 2},
		{"infinite first", EarlyStopping{Patience: 2}, []float64{inf, 7, 8, 9, 1}, 4},
		{"NaN is never better", EarlyStopping{Patience: 2}, []float64{none, none, 1, 1, 1}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := tinyLearner(t, 1)
			l.Checkpoints = &Checkpoints{Dir: filepath.Join(t.TempDir(), "c")} // its state must be storable
			if err := l.Fit(context.Background(), 5, schedule.Flat(1e-4), With(script(c.losses...), &c.stop)); err != nil {
				t.Fatal(err)
			}
			if got := len(l.Recorder.Rows); got != c.epochs || c.stop.Stopped != (c.epochs < 5 || c.name == "patience 2") {
				t.Errorf("%d epochs, stopped %v; want %d", got, c.stop.Stopped, c.epochs)
			}
		})
	}
}

// TestEarlyStoppingByMetric checks that the metric says which way is up.
func TestEarlyStoppingByMetric(t *testing.T) {
	for _, c := range []struct {
		metric metrics.Metric
		values []float64
		epochs int
	}{
		{metrics.Accuracy(), []float64{0.1, 0.2, 0.3, 0.3, 0.25, 0.9}, 5},
		{metrics.ErrorRate(), []float64{0.3, 0.2, 0.1, 0.2, 0.1, 0}, 5},
	} {
		l := tinyLearner(t, 1, Metrics(c.metric))
		set := CallbackFunc(func(e Event, l *Learner) error {
			if e == AfterValidate {
				l.MetricValues[0] = c.values[l.Epoch]
			}
			return nil
		})
		if err := l.Fit(context.Background(), 6, schedule.Flat(1e-4), With(set, &EarlyStopping{Monitor: c.metric.Name(), Patience: 2})); err != nil {
			t.Fatal(err)
		}
		if got := len(l.Recorder.Rows); got != c.epochs {
			t.Errorf("%s: %d epochs, want %d", c.metric.Name(), got, c.epochs)
		}
	}
}

func TestSaveBest(t *testing.T) {
	for _, c := range []struct {
		name    string
		losses  []float64
		stop    Callback
		best    int // epoch
		restore bool
	}{
		{"best in the middle", []float64{3, 1, 2}, nil, 1, true},
		{"best in the frozen phase", []float64{1, 3, 2}, nil, 0, true},
		{"stopped early", []float64{3, 1, 2}, &EarlyStopping{Patience: 1}, 1, true},
		{"not put back", []float64{3, 1, 2}, nil, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := tinyLearner(t, 1)
			var best, last map[string][]float32
			var saved []float64
			watch := CallbackFunc(func(e Event, l *Learner) error {
				if e == AfterEpoch {
					last = modelBits(l)
					if n := len(l.Recorder.Rows); n == c.best+1 {
						best = last
					}
				}
				return nil
			})
			keep := &SaveBest{Restore: c.restore, Save: func(_ *Learner, v float64) error {
				saved = append(saved, v)
				return nil
			}}
			cbs := []Callback{script(append(c.losses, 9, 9)...), watch, keep}
			if c.stop != nil {
				cbs = append(cbs, c.stop)
			}
			if err := l.FineTune(context.Background(), 2, With(cbs...)); err != nil {
				t.Fatal(err)
			}
			want := best
			if !c.restore {
				want = last
			}
			sameBits(t, "after the fit", want, modelBits(l))
			if len(saved) == 0 || saved[len(saved)-1] != 1 {
				t.Errorf("Save was called with %v, want the last to be 1", saved)
			}
			state, err := keep.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var again SaveBest
			if err := again.UnmarshalJSON(state); err != nil {
				t.Fatal(err)
			}
			for _, s := range []*SaveBest{keep, &again} {
				if v, row, ok := s.Best(); v != 1 || row != c.best || !ok {
					t.Errorf("the best is %v of row %d (%v), want 1 of row %d", v, row, ok, c.best)
				}
			}
		})
	}
}

// TestSaveBestOfOlderCheckpoint checks that a state without the row is read, and says
// that it does not know it.
func TestSaveBestOfOlderCheckpoint(t *testing.T) {
	var s SaveBest
	if err := s.UnmarshalJSON([]byte(`{"best":"3ff0000000000000","known":true}`)); err != nil {
		t.Fatal(err)
	}
	if v, row, ok := s.Best(); v != 1 || row != -1 || !ok {
		t.Errorf("the best is %v of row %d (%v), want 1 of an unknown row", v, row, ok)
	}
}

// TestMixUp checks what is mixed: pictures and targets with the same weights,
// each at least a half, from the seed and the step alone.
func TestMixUp(t *testing.T) {
	l := tinyLearner(t, 1)
	var seen [][]float32
	check := CallbackFunc(func(e Event, l *Learner) error {
		if e != AfterPred || l.Targets.Lambda == nil {
			return nil
		}
		seen = append(seen, append([]float32(nil), l.Targets.Lambda...))
		cfg := l.DLs.Train.Config()
		in := cfg.BatchTransforms.(fixedInput)
		size := in.x.Len() / in.x.Shape[0]
		scale := 1 + in.noise*rng.New(cfg.Seed, 3, uint64(l.Epoch), uint64(l.Iter)).Float32()
		r := rng.New(l.Seed, streamMixup, uint64(l.Step))
		perm := r.Perm(l.Batch.Y.Len())
		for i, lambda := range l.Targets.Lambda {
			if lambda < 0.5 || lambda > 1 {
				t.Errorf("weight %v of picture %d is not in [0.5,1]", lambda, i)
			}
			if l.Targets.Other[i] != l.Batch.Y.Class[perm[i]] || l.Targets.Class[i] != l.Batch.Y.Class[i] {
				t.Errorf("picture %d is mixed with another than its label", i)
			}
			a, b := in.x.Data[l.Batch.Index[i]*size:], in.x.Data[l.Batch.Index[perm[i]]*size:]
			for p := range size {
				want := scale * (lambda*a[p] + (1-lambda)*b[p])
				if got := l.Batch.X.Data[i*size+p]; math.Abs(float64(got-want)) > 1e-5 {
					t.Fatalf("picture %d, value %d: %v, want %v", i, p, got, want)
				}
			}
		}
		return nil
	})
	if err := l.Fit(context.Background(), 2, schedule.Flat(1e-3), With(&MixUp{}, check)); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2*tinyIters {
		t.Errorf("%d of %d batches were mixed", len(seen), 2*tinyIters)
	}
	row, _ := l.Recorder.Last()
	if want, err := l.Validate(context.Background()); err != nil || want.Loss != row.ValidLoss {
		t.Errorf("validation is not free of mixing: %v and %v, %v", row.ValidLoss, want.Loss, err)
	}
}

// TestBeta compares draws of Beta(a,a) with its mean 1/2 and variance
// 1/(4(2a+1)).
func TestBeta(t *testing.T) {
	for _, a := range []float64{0.1, 0.4, 1, 3} {
		r := rng.New(1)
		const n = 200_000
		var sum, sq float64
		for range n {
			v := beta(r, a)
			if !(v >= 0 && v <= 1) {
				t.Fatalf("Beta(%v,%v) gave %v", a, a, v)
			}
			sum += v
			sq += v * v
		}
		mean := sum / n
		variance, want := sq/n-mean*mean, 1/(4*(2*a+1))
		// Five standard errors of the mean; the variance's is below 1 %.
		if math.Abs(mean-0.5) > 5*math.Sqrt(want/n) || math.Abs(variance/want-1) > 0.02 {
			t.Errorf("Beta(%v,%v): mean %v, variance %v; want 0.5, %v", a, a, mean, variance, want)
		}
	}
	if v := beta(rng.New(3), 1e-5); v != 0 && v != 1 && !(v > 0 && v < 1) {
		t.Errorf("Beta of tiny parameters: %v", v)
	}
}

// TestLabelSmoothing checks that training goes by the smoothed loss.
func TestLabelSmoothing(t *testing.T) {
	l := tinyLearner(t, 1, Loss(loss.LabelSmoothingCrossEntropy()))
	n := 0
	err := l.Fit(context.Background(), 1, schedule.Flat(1e-3), With(CallbackFunc(func(e Event, l *Learner) error {
		if e == AfterLoss {
			want := 0.0
			for i, y := range l.Batch.Y.Class {
				row := l.Logits.Data[i*tinyClasses : (i+1)*tinyClasses]
				total := 0.0
				for _, v := range row {
					total += math.Exp(float64(v))
				}
				for k, v := range row {
					w := 0.1 / tinyClasses
					if k == y {
						w += 0.9
					}
					want -= w * (float64(v) - math.Log(total)) / float64(l.Batch.Y.Len())
				}
			}
			if math.Abs(l.LossNow-want) > 1e-6 {
				t.Errorf("loss %v, want %v", l.LossNow, want)
			}
			n++
		}
		return nil
	})))
	if err != nil || n != tinyIters {
		t.Errorf("%d batches, %v", n, err)
	}
}

func TestCSVLogger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.csv")
	l := tinyLearner(t, 1, Metrics(metrics.ErrorRate(), metrics.Accuracy()), Callbacks(&CSVLogger{Path: path}))
	rowsAt := func() [][]string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	if err := l.FineTune(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	rows := rowsAt()
	if got := strings.Join(rows[0], ","); got != "epoch,train_loss,valid_loss,error_rate,accuracy,time" {
		t.Errorf("columns %s", got)
	}
	if len(rows) != 3 || rows[1][0] != "0" || rows[2][0] != "1" || len(rows[2]) != 6 {
		t.Errorf("rows %v", rows[1:])
	}
	l.Callbacks = []Callback{&CSVLogger{Path: filepath.Join(path, "x")}}
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err == nil {
		t.Error("no error for a file that cannot be written")
	}

	r := &Recorder{MetricNames: []string{"a,b"}, Rows: []Row{{TrainLoss: 0.1, ValidLoss: math.NaN(), Metrics: []float64{1e-9}, Time: 3725 * time.Second}}}
	var b strings.Builder
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if want := "epoch,train_loss,valid_loss,\"a,b\",time\n0,0.1,,1e-09,1:02:05\n"; b.String() != want {
		t.Errorf("history %q, want %q", b.String(), want)
	}
	for d, want := range map[time.Duration]string{0: "00:00", 59600 * time.Millisecond: "01:00", 3599 * time.Second: "59:59", 3600 * time.Second: "1:00:00"} {
		if got := Clock(d); got != want {
			t.Errorf("Clock(%v) = %s, want %s", d, got, want)
		}
	}
	if err := r.WriteCSV(failing{}); err == nil {
		t.Error("a failing writer is not told")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }
