package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// cnnLearner is what fastai's cnn_learner says of itself for one architecture.
type cnnLearner struct {
	Params []struct {
		Name       string
		Shape      []int
		Group      int
		Frozen     bool `json:"trainable_frozen"`
		Unfrozen   bool `json:"trainable_unfrozen"`
		Decay      bool `json:"weight_decay"`
		ForceTrain bool `json:"force_train"`
	}
	Counts struct {
		Total    int
		Frozen   int   `json:"trainable_frozen"`
		Tensors  int   `json:"n_tensors"`
		PerGroup []int `json:"per_group"`
	}
	StatsChanged  map[string]bool                                  `json:"running_stats_changed_after_1_frozen_batch"`
	ParamsChanged map[string]bool                                  `json:"params_changed_after_1_frozen_batch"`
	Hypers        []struct{ LR, Mom, WD float64 }                  `json:"hypers_in_frozen_batch0"`
	HeadInit      map[string]struct{ Mean, Std, Min, Max float64 } `json:"head_init"`
}

// fastaiName turns a name of ours into fastai's, of Sequential(body, head): the
// body is torchvision's network cut into a Sequential, whose units have numbers.
func fastaiName(arch *models.Architecture, name string) string {
	if rest, ok := strings.CutPrefix(name, "head."); ok {
		return "1." + rest
	}
	if rest, ok := strings.CutPrefix(name, "features."); ok {
		return "0.0." + rest
	}
	unit, rest, _ := strings.Cut(name, ".")
	for i, u := range []string{"conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"} {
		if u == unit {
			return "0." + string(rune('0'+i)) + "." + rest
		}
	}
	return arch.Name + "?" + name
}

// TestFrozenRulesAgainstFastai checks, tensor by tensor, which group each
// parameter is in, whether it trains frozen and unfrozen, whether weight decay
// applies, and what really changed after one frozen batch.
func TestFrozenRulesAgainstFastai(t *testing.T) {
	var ref map[string]cnnLearner
	golden.JSON(t, "06_cnn_learner.json", &ref)
	for _, arch := range []*models.Architecture{models.ResNet34, models.SqueezeNet1_1} {
		t.Run(arch.Name, func(t *testing.T) {
			want := ref[arch.Name]
			const classes, n, size = 37, 4, 64
			r := rng.New(1)
			x, y := tensor.New(n, size, size, 3), make([]int, n)
			for i := range x.Data {
				x.Data[i] = float32(r.Normal())
			}
			for i := range y {
				y[i] = r.IntN(classes)
			}
			dls := &data.DataLoaders{Vocab: make([]string, classes), Train: fixedLoader(t, x, y, data.LoaderConfig{BatchSize: n, Train: true}, 0)}
			l, err := New(dls, models.NewClassifier(arch, classes, rng.New(2)))
			if err != nil {
				t.Fatal(err)
			}

			trainable := func() map[string]bool {
				m := map[string]bool{}
				for _, g := range l.groups {
					for _, e := range g {
						if e.Param != nil {
							m[fastaiName(arch, e.Name)] = e.Param.RequiresGrad
						}
					}
				}
				return m
			}
			unfrozen := trainable()
			if err := l.Freeze(); err != nil {
				t.Fatal(err)
			}
			frozen := trainable()

			type place struct {
				group int
				decay bool
				shape []int
			}
			have := map[string]place{}
			for g, entries := range l.groups {
				i := 0
				for _, e := range entries {
					if e.Param != nil {
						have[fastaiName(arch, e.Name)] = place{g, !l.params[g][i].opt.NoDecay, e.Shape}
						i++
					}
				}
			}
			if len(have) != want.Counts.Tensors {
				t.Errorf("%d parameter tensors, fastai has %d", len(have), want.Counts.Tensors)
			}
			total, training, perGroup := 0, 0, make([]int, 3)
			for _, w := range want.Params {
				h, ok := have[w.Name]
				if !ok {
					t.Errorf("fastai's %s is not here", w.Name)
					continue
				}
				size := tensor.Size(h.shape...)
				total += size
				perGroup[h.group] += size
				if frozen[w.Name] {
					training += size
				}
				if h.group != w.Group || h.decay != w.Decay || !tensor.SameShape(h.shape, w.Shape) {
					t.Errorf("%s: %+v, fastai's is %+v", w.Name, h, w)
				}
				if frozen[w.Name] != w.Frozen || unfrozen[w.Name] != w.Unfrozen {
					t.Errorf("%s trains: frozen %v, unfrozen %v; fastai: %v, %v", w.Name, frozen[w.Name], unfrozen[w.Name], w.Frozen, w.Unfrozen)
				}
			}
			if total != want.Counts.Total || training != want.Counts.Frozen {
				t.Errorf("%d parameters, %d of them train frozen; fastai: %d, %d", total, training, want.Counts.Total, want.Counts.Frozen)
			}
			for g, c := range want.Counts.PerGroup {
				if perGroup[g] != c {
					t.Errorf("group %d has %d parameters, fastai's %d", g, perGroup[g], c)
				}
			}

			// One frozen batch, at fine_tune's first rates.
			before := modelBits(l)
			var hyper []float64
			stop := CallbackFunc(func(e Event, l *Learner) error {
				if e == AfterStep && l.Step == 1 {
					for g, h := range l.Hyper {
						hyper = append(hyper, h.LR, h.Mom, h.WD)
						ref := want.Hypers[g]
						for i, v := range []float64{ref.LR, ref.Mom, ref.WD} {
							if got := hyper[3*g+i]; math.Abs(got-v) > 1e-6*v {
								t.Errorf("group %d, hyperparameter %d of the first batch: %v, fastai's %v", g, i, got, v)
							}
						}
					}
				}
				return nil
			})
			if err := l.FineTune(context.Background(), 0, With(stop)); err != nil {
				t.Fatal(err)
			}
			if l.Step != 1 || len(hyper) != 9 {
				t.Fatalf("%d steps were taken, want 1", l.Step)
			}
			after := modelBits(l)
			for name, v := range before {
				changed := false
				for i := range v {
					changed = changed || v[i] != after[name][i]
				}
				fn := fastaiName(arch, name)
				wantChange, ok := want.ParamsChanged[fn]
				if !ok {
					if wantChange, ok = want.StatsChanged[fn]; !ok {
						t.Errorf("fastai says nothing of %s", fn)
					}
				}
				if changed != wantChange {
					t.Errorf("%s: changed in a frozen batch: %v; in fastai: %v", name, changed, wantChange)
				}
			}

			// Without TrainBN, nothing below the head moves or has a gradient.
			l2, err := New(dls, models.NewClassifier(arch, classes, rng.New(2)), TrainBN(false))
			if err != nil {
				t.Fatal(err)
			}
			before = modelBits(l2)
			if err := l2.FineTune(context.Background(), 0); err != nil {
				t.Fatal(err)
			}
			after = modelBits(l2)
			for g, entries := range l2.groups {
				for _, e := range entries {
					changed := false
					for i, v := range before[e.Name] {
						changed = changed || v != after[e.Name][i]
					}
					if changed != (g == 2) {
						t.Errorf("TrainBN false: %s of group %d changed: %v", e.Name, g, changed)
					}
					if e.Param != nil && g < 2 && (e.Param.HasGrad || e.Param.Grad != nil) {
						t.Errorf("TrainBN false: %s of group %d has a gradient", e.Name, g)
					}
				}
			}

			// The head's initial values.
			for _, e := range nn.State(models.NewClassifier(arch, classes, rng.New(3)).Head) {
				w, ok := want.HeadInit[e.Name]
				if !ok {
					continue
				}
				var sum, sq float64
				v := e.Get()
				for _, f := range v {
					sum += float64(f)
					sq += float64(f) * float64(f)
				}
				mean := sum / float64(len(v))
				std := math.Sqrt(math.Max(0, sq/float64(len(v))-mean*mean))
				// Two samples of a normal distribution: five standard errors of each.
				n := float64(len(v))
				if math.Abs(mean-w.Mean) > 1e-7+7*w.Std/math.Sqrt(n) || math.Abs(std-w.Std) > 1e-4+5*w.Std/math.Sqrt(n) {
					t.Errorf("initial %s: mean %.4g, deviation %.4g; fastai's %.4g, %.4g", e.Name, mean, std, w.Mean, w.Std)
				}
			}
		})
	}
}
