package train

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/tensor"
)

// history is a run's history without the times, digit by digit.
func history(l *Learner) string {
	s := fmt.Sprintln(l.Recorder.MetricNames)
	for _, r := range l.Recorder.Rows {
		s += fmt.Sprintf("%d %d %x %x", r.Phase, r.Epoch, r.TrainLoss, r.ValidLoss)
		for _, m := range r.Metrics {
			s += fmt.Sprintf(" %x", m)
		}
		s += "\n"
	}
	for i, r := range l.Recorder.Steps {
		s += fmt.Sprintf("%d %x %x %x %x\n", i, r.Loss, r.Smooth, r.LR, r.Mom)
	}
	return s
}

// TestSameBitsForAnyThreads trains networks with every kind of layer on 1, 2, 3
// and 4 threads and with different numbers of loader workers.
func TestSameBitsForAnyThreads(t *testing.T) {
	small := func(arch *models.Architecture, size, n, batch int) func(t *testing.T, workers int) *Learner {
		return func(t *testing.T, workers int) *Learner {
			const classes = 7
			r := rng.New(9)
			x, y := tensor.New(n, size, size, 3), make([]int, n)
			for i := range x.Data {
				x.Data[i] = float32(r.Normal())
			}
			for i := range y {
				y[i] = r.IntN(classes)
			}
			dls := &data.DataLoaders{Vocab: make([]string, classes),
				Train: fixedLoader(t, x, y, data.LoaderConfig{BatchSize: batch, Train: true, Shuffle: true, DropLast: true, Workers: workers}, 0.1),
				Valid: fixedLoader(t, x, y, data.LoaderConfig{BatchSize: batch + 3, Workers: workers}, 0)}
			l, err := New(dls, models.NewClassifier(arch, classes, rng.New(2)), Metrics(metrics.ErrorRate(), metrics.MatthewsCorrCoef()), Callbacks(&MixUp{}))
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, workers int) *Learner
	}{
		{"tiny", func(t *testing.T, workers int) *Learner { return tinyLearner(t, workers, Metrics(metrics.ErrorRate())) }},
		{"squeezenet1_1 at 65", small(models.SqueezeNet1_1, 65, 22, 10)},
		{"resnet18 at 70", small(models.ResNet18, 70, 14, 7)},
		{"resnet50 at 33", small(models.ResNet50, 33, 6, 3)},
		{"resnet34 at 224", small(models.ResNet34, 224, 8, 8)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "resnet") {
				slow.Test(t)
			}
			if testing.Short() && c.name != "tiny" {
				t.Skip("takes seconds; not with -short")
			}
			defer parallel.SetThreads(parallel.SetThreads(1))
			var bits map[string][]float32
			var rows string
			for _, v := range []struct{ threads, workers int }{{1, 1}, {2, 3}, {3, 1}, {4, 2}} {
				parallel.SetThreads(v.threads)
				l := c.make(t, v.workers)
				if err := l.FineTune(context.Background(), 1); err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("%d threads, %d workers against 1 and 1", v.threads, v.workers)
				if bits == nil {
					bits, rows = modelBits(l), history(l)
					continue
				}
				sameBits(t, what, bits, modelBits(l))
				if h := history(l); h != rows {
					t.Errorf("%s: the history differs:\n%s\n%s", what, rows, h)
				}
			}
		})
	}
}

// TestSeedDecides checks that another seed gives another model, so that the
// comparisons of bits mean something.
func TestSeedDecides(t *testing.T) {
	run := func(seed uint64) map[string][]float32 {
		l := tinyLearner(t, 1, Seed(seed))
		if err := l.Fit(context.Background(), 1, schedule.Flat(1e-2)); err != nil {
			t.Fatal(err)
		}
		return modelBits(l)
	}
	a, b := run(1)["head.8.weight"], run(2)["head.8.weight"]
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(float64(a[i]-b[i])))
	}
	if d < 1e-4 {
		t.Errorf("seeds 1 and 2 differ by %g at most: dropout does not follow the seed", d)
	}
}
