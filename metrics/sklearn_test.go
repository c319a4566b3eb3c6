package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

type answers struct {
	Classes           int
	Actual, Predicted []int
	Values            map[string]*float64
}

// onehot gives each predicted class the probability 1.
func onehot(predicted []int, c int) *tensor.Tensor {
	probs := tensor.New(len(predicted), c)
	for i, k := range predicted {
		probs.Data[i*c+k] = 1
	}
	return probs
}

func TestMetricsAreScikitLearns(t *testing.T) {
	raw, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]answers
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 8 {
		t.Fatalf("testdata/sklearn.json has %d cases, want 8", len(cases))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := map[string]Metric{
				"matthews": MatthewsCorrCoef(), "balanced": BalancedAccuracy(),
				"kappa": CohenKappa(), "accuracy": Accuracy(),
			}
			for _, a := range []Average{Macro, Weighted, Micro, Binary} {
				if a == Binary && c.Classes != 2 {
					continue
				}
				want["f1_"+a.String()] = F1Score(a)
				want["f2_"+a.String()] = FBeta(2, a)
				want["precision_"+a.String()] = Precision(a)
				want["recall_"+a.String()] = Recall(a)
			}
			if len(want) != len(c.Values) {
				t.Errorf("%d values compared, %d stored", len(want), len(c.Values))
			}
			for key, m := range want {
				feed(t, m, onehot(c.Predicted, c.Classes), c.Actual)
				stored, ok := c.Values[key]
				if !ok {
					t.Errorf("no stored value of %s", key)
					continue
				}
				got := m.Value()
				if stored == nil {
					if !math.IsNaN(got) {
						t.Errorf("%s: %v, want NaN", key, got)
					}
					continue
				}
				// Both are float64; only the order of a few operations differs.
				if math.Abs(got-*stored) > 1e-12 {
					t.Errorf("%s: %v, want %v", key, got, *stored)
				}
			}
		})
	}
}

// feed gives a metric all items in two unequal batches.
func feed(t *testing.T, m Metric, probs *tensor.Tensor, classes []int) {
	t.Helper()
	n, c := probs.Shape[0], probs.Shape[1]
	cut := n/3 + 1
	for _, r := range [][2]int{{0, cut}, {cut, n}} {
		part := tensor.FromSlice(probs.Data[r[0]*c:r[1]*c], r[1]-r[0], c)
		if err := m.Update(part, target.Classes(classes[r[0]:r[1]])); err != nil {
			t.Fatal(err)
		}
	}
}
