package predict_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// member returns a predictor of random weights.
func member(t *testing.T, seed uint64, change func(i *models.Info)) *predict.Predictor {
	t.Helper()
	arch, err := models.ByName("resnet10_small")
	if err != nil {
		t.Fatal(err)
	}
	info := models.Info{Arch: arch.Name, Vocab: []string{"a", "b", "c"}, Preprocess: preprocess.Config{Size: 32, Method: preprocess.Crop, Stats: preprocess.ImageNetStats}}
	if change != nil {
		change(&info)
	}
	p, err := predict.New(models.NewClassifier(arch, len(info.Vocab), rng.New(seed)), info, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEnsemble checks that an ensemble answers by the mean of its models' probabilities and
// thresholds.
func TestEnsemble(t *testing.T) {
	several := func(thresholds []float32) func(i *models.Info) {
		return func(i *models.Info) { i.Task, i.Thresholds = "multi_label", thresholds }
	}
	members := []*predict.Predictor{member(t, 1, several([]float32{0.2, 0.4, 0.6})), member(t, 2, several(nil)), member(t, 3, several([]float32{0.8, 0.9, 0.1}))}
	all, err := predict.Ensemble(members...)
	if err != nil {
		t.Fatal(err)
	}
	picture := encode(t, pattern(40, 30, 2), "png")
	got, err := all.Bytes(context.Background(), picture)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, 3)
	for _, m := range members {
		a, err := m.Bytes(context.Background(), picture)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range a.Probs {
			want[k] += float64(v) / 3
		}
	}
	for k, v := range got.Probs {
		if math.Abs(float64(v)-want[k]) > 1e-6 {
			t.Errorf("probability %d is %v, the mean of the models' %v", k, v, want[k])
		}
	}
	for k, v := range []float64{0.5, 0.6, 0.4} {
		if th := all.Info().Thresholds[k]; math.Abs(float64(th)-v) > 1e-6 {
			t.Errorf("threshold %d is %v, want %v", k, th, v)
		}
	}
	if one, err := predict.Ensemble(members[0]); err != nil || one != members[0] {
		t.Errorf("an ensemble of one model is not that model: %v", err)
	}
}

// TestTrustOfEnsemble: an ensemble abstains below the mean score, is as strange as the mean multiple of
// its models' limits, and has the union of their sets.
func TestTrustOfEnsemble(t *testing.T) {
	with := func(below, least float32, limit float64) func(i *models.Info) {
		return func(i *models.Info) {
			i.Abstention = &confidence.Abstention{Below: below, Rule: "precision:0.9"}
			i.Conformal = &confidence.Conformal{Coverage: 0.9, Least: least}
			a, err := models.ByName(i.Arch)
			if err != nil {
				t.Fatal(err)
			}
			f := a.Features
			i.Strangeness = &confidence.Strangeness{Classes: 3, Features: f, Means: make([]float32, 3*f), Whitening: make([]float32, f*(f+1)/2), Limit: limit, Quantile: 0.99}
			for k := range f { // the identity: the distance of features of length 1 from means of 0 is 1
				i.Strangeness.Whitening[k*(k+3)/2] = 1
			}
		}
	}
	members := []*predict.Predictor{member(t, 1, with(0.2, 0.9, 0.5)), member(t, 2, with(0.6, 0.3, 4)), member(t, 3, with(0.7, 0.8, 2))}
	all, err := predict.Ensemble(members...)
	if err != nil {
		t.Fatal(err)
	}
	picture := encode(t, pattern(40, 30, 2), "png")
	got, err := all.Bytes(context.Background(), picture)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{got.Label(): true}
	for _, m := range members {
		a, err := m.Bytes(context.Background(), picture)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range a.Set() {
			want[name] = true
		}
	}
	set := got.Set()
	if slices.Sort(set); !slices.Equal(set, slices.Sorted(maps.Keys(want))) || len(set) < 2 {
		t.Errorf("the set is %v, the union of the models' %v", set, want)
	}
	if far, ok := got.Strangeness(); !ok || math.Abs(far-(1/0.5+1./4+1./2)/3) > 1e-5 {
		t.Errorf("the strangeness is %v, want the mean of 2, 0.25 and 0.5", far)
	}
	if below := all.Info().Abstention.Below; math.Abs(float64(below)-0.5) > 1e-6 || !all.Strange() || !all.Sets() {
		t.Errorf("the ensemble abstains below %v, want 0.5", below)
	}
}

// TestNoEnsemble lists models that cannot answer together.
func TestNoEnsemble(t *testing.T) {
	first := member(t, 1, nil)
	abstains := func(rule string) func(i *models.Info) {
		return func(i *models.Info) { i.Abstention = &confidence.Abstention{Below: 0.5, Rule: rule} }
	}
	two, err := predict.Ensemble(first, member(t, 2, nil))
	if err != nil {
		t.Fatal(err)
	}
	for want, members := range map[string][]*predict.Predictor{
		"of no models":                  nil,
		"has the task multi_label":      {first, member(t, 2, func(i *models.Info) { i.Task = "multi_label" })},
		`has the classes ["a" "c" "b"]`: {first, member(t, 2, func(i *models.Info) { i.Vocab = []string{"a", "c", "b"} })},
		"prepares pictures otherwise":   {first, member(t, 2, func(i *models.Info) { i.Preprocess.Size = 40 })},
		"is one itself":                 {first, two},
		"(abstention): model 2 of the ensemble has none, the first the rule precision:0.9":                 {member(t, 2, abstains("precision:0.9")), first},
		"(abstention): model 2 of the ensemble has the rule coverage:0.9, the first the rule of a fixed s": {member(t, 2, abstains("")), member(t, 2, abstains("coverage:0.9"))},
		"sets of classes (conformal): model 2 of the ensemble has a coverage of 0.9, the first none":       {first, member(t, 2, func(i *models.Info) { i.Conformal = &confidence.Conformal{Coverage: 0.9} })},
	} {
		if _, err := predict.Ensemble(members...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
