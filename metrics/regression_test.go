package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// TestRegressionOfSklearn compares the metrics of numbers with scikit-learn's, of the items
// at once, batch by batch, and of two halves that are merged.
func TestRegressionOfSklearn(t *testing.T) {
	b, err := os.ReadFile("testdata/regression.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []map[string]json.RawMessage
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		get := func(key string, v any) {
			if err := json.Unmarshal(c[key], v); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
		}
		var name string
		var y, answers [][]float32
		get("name", &name)
		get("y", &y)
		get("answers", &answers)
		part := func(m Metric, from, to int) {
			a, v := tensor.New(to-from, len(y[0])), tensor.New(to-from, len(y[0]))
			for i := from; i < to; i++ {
				copy(a.Data[(i-from)*len(y[0]):], answers[i])
				copy(v.Data[(i-from)*len(y[0]):], y[i])
			}
			if err := m.Update(a, target.Targets{Values: v}); err != nil {
				t.Fatal(err)
			}
		}
		for _, choice := range Regression {
			var want float64
			get(choice.Name, &want)
			whole, batches, left, right := choice.New(), choice.New(), choice.New(), choice.New()
			if v := whole.Value(); !math.IsNaN(v) {
				t.Errorf("%s of nothing is %v", choice.Name, v)
			}
			n := len(y)
			part(whole, 0, n)
			for i := 0; i < n; i += 3 {
				part(batches, i, min(i+3, n))
			}
			part(left, 0, n/3)
			part(right, n/3, n)
			if err := left.Merge(right); err != nil {
				t.Fatal(err)
			}
			for how, m := range map[string]Metric{"at once": whole, "in batches": batches, "merged": left} {
				if d := math.Abs(m.Value() - want); !(d <= 1e-9*(1+math.Abs(want))) {
					t.Errorf("%s, %s, %s: %v, scikit-learn has %v", name, choice.Name, how, m.Value(), want)
				}
			}
			if whole.Reset(); !math.IsNaN(whole.Value()) {
				t.Errorf("%s has a value after Reset", choice.Name)
			}
			if MAE().Merge(RMSE()) == nil {
				t.Error("the RMSE was merged into the MAE")
			}
		}
	}
}
