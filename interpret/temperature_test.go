package interpret_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/predict"
)

// TestFitTemperature fits a temperature on a learner's validation pictures, which say
// nothing to a random network but that it is wrong, and checks who uses it.
func TestFitTemperature(t *testing.T) {
	model, info := randomModel()
	plain, l, err := interpret.FromModel(t.Context(), model, info, drawnPlan(data.RandomSplit(0.4, 1)), "root")
	if err != nil {
		t.Fatal(err)
	}
	defer l.DLs.Close()
	if plain.Unscaled() != nil {
		t.Error("a model without a temperature has probabilities without it")
	}
	// Right answers for the network's own classes, but for one, so that there is something to fit.
	y := l.DLs.Valid.Targets()
	for i, r := range plain.Rows {
		y.Class[i] = r.Predicted
	}
	y.Class[0] = (y.Class[0] + 1) % len(info.Vocab)
	fit, err := interpret.FitTemperature(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if fit.Pictures != plain.Len() || !(fit.After.NLL < fit.Before.NLL) || l.Temperature != 0 {
		t.Errorf("fit %+v of %d pictures, the learner's temperature is %v", fit, plain.Len(), l.Temperature)
	}

	l.Temperature, info.Temperature = fit.Value, fit.Value
	after, err := interpret.FromLearner(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if h := after.Honesty(); math.Abs(h.NLL-fit.After.NLL) > 1e-6 || math.Abs(after.MeanLoss()-h.NLL) > 1e-6 {
		t.Errorf("with the temperature NLL %v and loss %v, the fit has %v", h.NLL, after.MeanLoss(), fit.After.NLL)
	}
	before := after.Unscaled()
	for i, r := range before.Rows {
		if !slices.Equal(r.Probs, plain.Rows[i].Probs) || r.Predicted != after.Rows[i].Predicted {
			t.Fatalf("row %d without the temperature: %v, before the fit %v", i, r.Probs, plain.Rows[i].Probs)
		}
	}
	p, err := predict.New(model, info, predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	source := drawn.Source{Options: drawn.Options{PerClass: 3, Size: 64}}
	img, err := source.Open(data.Item{Path: after.Rows[0].Path})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Free()
	a, err := p.Image(t.Context(), img)
	if err != nil || !near(a.Probs, after.Rows[0].Probs) {
		t.Errorf("the predictor says %v (%v), the table %v", a.Probs, err, after.Rows[0].Probs)
	}
}

func near(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 1e-6 })
}

func TestFitTemperatureNeedsPictures(t *testing.T) {
	model, info := randomModel()
	l, err := interpret.ModelLearner(t.Context(), model, info, drawnPlan(data.AllTrain), "root")
	if err != nil {
		t.Fatal(err)
	}
	defer l.DLs.Close()
	if _, err := interpret.FitTemperature(t.Context(), l); err == nil || !strings.Contains(err.Error(), "validation pictures") {
		t.Errorf("without validation pictures: %v", err)
	}
}
