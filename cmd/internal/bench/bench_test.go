package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/train"
)

// TestMACs compares with the published cost of the networks for one picture of
// 224×224, in 1e9 multiplications (torchvision's table of weights, "GFLOPS").
func TestMACs(t *testing.T) {
	for _, c := range []struct {
		arch *models.Architecture
		want float64
	}{{models.ResNet18, 1.81}, {models.ResNet34, 3.66}, {models.ResNet50, 4.09}, {models.ResNet101, 7.80}, {models.SqueezeNet1_1, 0.35}} {
		if c.arch == models.ResNet101 && !slow.On() {
			continue
		}
		all, first, _, err := macs(c.arch.Full(1000, rng.New(1)), 224)
		if err != nil {
			t.Fatal(err)
		}
		if got := all / 1e9; math.Abs(got-c.want) > 0.006 {
			t.Errorf("%s: %.3f GMAC, want %.2f", c.arch, got, c.want)
		}
		if first <= 0 || first >= all/5 {
			t.Errorf("%s: the first layer has %g of %g multiplications", c.arch, first, all)
		}
	}
}

func TestTrainFLOPs(t *testing.T) {
	m := models.NewClassifier(models.ResNet18, 10, rng.New(1))
	all, first, head, err := macs(m, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		grad, weights bool
		want          float64
	}{
		{"everything trains", true, true, 2 * (3*all - first)},
		{"only norms and head train", true, false, 2 * (2*all + head - first)},
		{"only the head trains", false, false, 2 * (all + 2*head)},
	} {
		if got, err := trainFLOPs(m, 64, c.grad, c.weights); err != nil || math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want Spread
	}{
		{[]float64{7}, Spread{7, 7, 7, 7, 7}},
		{[]float64{3, 1}, Spread{1, 1.5, 2, 2.5, 3}},
		{[]float64{5, 1, 4, 2, 3}, Spread{1, 2, 3, 4, 5}},
	} {
		if got := spread(c.in); got != c.want {
			t.Errorf("spread: %v, want %v", got, c.want)
		}
	}
}

func small() Options {
	return Options{Arch: "squeezenet1_1", Size: 64, Batch: 4, Steps: 3, Warmup: 1, TrainBN: true, Classes: 5}
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		run    func(context.Context, Options) (Report, error)
		task   string
	}{
		{"training", func(*Options) {}, Train, "train"},
		{"frozen", func(o *Options) { o.Frozen = true }, Train, "train frozen"},
		{"inference", func(*Options) {}, Infer, "infer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := small()
			c.change(&o)
			r, err := c.run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var shares float64
			for _, s := range r.Shares {
				shares += s.Share
			}
			if r.Task != c.task || r.Steps != 3 || !(r.ImagesPerSec > 0) || !(r.GFLOPS > 0) || math.Abs(shares-1) > 1e-9 {
				t.Errorf("report %+v: want task %s, 3 steps, rates above 0, shares that sum to 1 (they sum to %g)", r, c.task, shares)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"architecture", func(o *Options) { o.Arch = "resnet33" }, "--arch"},
		{"size", func(o *Options) { o.Size = 0 }, "--size 0"},
		{"batch", func(o *Options) { o.Batch = -1 }, "--batch -1"},
		{"no end", func(o *Options) { o.Steps = 0 }, "--time"},
	} {
		o := small()
		c.change(&o)
		if _, err := Infer(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %s", c.name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, small()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// TestLoading measures the loader and the pipeline on a few drawn pictures.
func TestLoading(t *testing.T) {
	block := data.Block{Items: drawn.Source{Options: drawn.Options{PerClass: 2, Size: 64}}, Label: data.RegexLabel(`(.+)_\d+.jpg$`), Split: data.AllTrain, BatchSize: 4}
	dls, err := block.DataLoaders(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dls.Close()
	d, err := Data(t.Context(), dls.Train, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Stages) != 3 || d.Stages[2].Name != "whole loader" || !(d.Stages[2].ImagesPerSec > 0) {
		t.Errorf("stages %+v: want decoding, batch transforms and the whole loader", d.Stages)
	}
	o := small()
	l, err := train.New(dls, models.NewClassifier(models.SqueezeNet1_1, len(dls.Vocab), rng.New(1)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Pipeline(t.Context(), l, o)
	if err != nil {
		t.Fatal(err)
	}
	if !(p.Share > 0) || !(p.ComputeOnly > 0) || p.Waited < 0 || p.Waited > 1 {
		t.Errorf("pipeline %+v: want rates above 0", p)
	}
}
