package train

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// withTrain gives a tiny learner 44 training pictures loaded in another way.
func withTrain(t *testing.T, damaged map[int]bool, c data.LoaderConfig) *Learner {
	t.Helper()
	l := tinyLearner(t, 1)
	x, y := tinyTensors(1, 44)
	c.Source, c.Train = fixedSource{44, damaged}, true
	l.DLs.Train = fixedLoader(t, x, y, c, 0.2)
	return l
}

func TestBatchesOfOneAreRefused(t *testing.T) {
	for name, run := range map[string]func(l *Learner) error{
		"fit":     func(l *Learner) error { return l.Fit(context.Background(), 1, schedule.Flat(1e-3)) },
		"one":     func(l *Learner) error { return l.FineTune(context.Background(), 1) },
		"lr-find": func(l *Learner) error { _, err := l.LRFind(context.Background(), schedule.Finder{}); return err },
		"frozen": func(l *Learner) error {
			l.TrainBN = false
			return errors.Join(l.Freeze(), l.Fit(context.Background(), 1, schedule.Flat(1e-3)))
		},
	} {
		l := withTrain(t, nil, data.LoaderConfig{BatchSize: 1})
		if err := run(l); err == nil || !strings.Contains(err.Error(), "BatchSize to 2") {
			t.Errorf("%s: error %v, want one that asks for a BatchSize of 2", name, err)
		}
		if l.Step != 0 {
			t.Errorf("%s: %d steps were taken", name, l.Step)
		}
	}
}

// TestBatchesLeftWithOne has batches of which damaged pictures, or the end of
// the data, leave one picture: they are left out, and the others train.
func TestBatchesLeftWithOne(t *testing.T) {
	for _, c := range []struct {
		name    string
		damaged map[int]bool
		config  data.LoaderConfig
		steps   int
	}{
		{"damaged", map[int]bool{8: true, 10: true, 11: true}, data.LoaderConfig{BatchSize: 4, DropLast: true, Damaged: data.SkipDamaged}, 10},
		{"the last one", nil, data.LoaderConfig{BatchSize: 43}, 1},
		{"the first and the last one", map[int]bool{0: true, 43: true}, data.LoaderConfig{BatchSize: 2, Damaged: data.SkipDamaged}, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := withTrain(t, c.damaged, c.config)
			if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err != nil {
				t.Fatal(err)
			}
			if l.Step != c.steps {
				t.Errorf("%d steps, want %d", l.Step, c.steps)
			}
			if _, err := l.LRFind(context.Background(), schedule.Finder{Steps: 30}); err != nil {
				var curve *schedule.CurveError
				if !errors.As(err, &curve) {
					t.Errorf("LRFind: %v", err)
				}
			}
		})
	}
}

func TestTooSmallPictures(t *testing.T) {
	l := tinyLearner(t, 1)
	arch := *l.Model.Arch
	arch.MinSize = tinySize + 1
	l.Model.Arch = &arch
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err == nil || !strings.Contains(err.Error(), "8×8 are too small for tiny, which needs 9×9") {
		t.Errorf("error %v", err)
	}
	b := &data.Batch{X: tensor.New(1, 9, 9, 3), Y: target.Classes([]int{0})}
	if err := l.TrainBatch(b, nil); err == nil {
		t.Error("TrainBatch trained on one picture")
	}
}
