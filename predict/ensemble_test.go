package predict_test

import (
	"context"
	"math"
	"strings"
	"testing"

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

// TestNoEnsemble lists models that cannot answer together.
func TestNoEnsemble(t *testing.T) {
	first := member(t, 1, nil)
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
	} {
		if _, err := predict.Ensemble(members...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
