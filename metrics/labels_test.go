package metrics

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

func manyLabels(probs, labels [][]float32) (*tensor.Tensor, target.Targets) {
	n, c := len(probs), len(probs[0])
	p, y := tensor.New(n, c), tensor.New(n, c)
	for i := range probs {
		copy(p.Data[i*c:], probs[i])
		copy(y.Data[i*c:], labels[i])
	}
	return p, target.Targets{Values: y}
}

// TestMultiLabelIsScikitLearns compares with scikit-learn's values, of all items at
// once and of two parts that are merged, which must give the same bits.
func TestMultiLabelIsScikitLearns(t *testing.T) {
	raw, err := os.ReadFile("testdata/labels.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name          string
		Probs, Labels [][]float32
		Values        map[string]float64
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 4 {
		t.Fatalf("%d cases, want 4", len(cases))
	}
	averages := map[string]Average{"macro": Macro, "micro": Micro, "weighted": Weighted, "samples": Samples}
	for _, c := range cases {
		probs, y := manyLabels(c.Probs, c.Labels)
		n, labels := probs.Shape[0], probs.Shape[1]
		for key, want := range c.Values {
			name, average, _ := strings.Cut(key, " ")
			make := func() Metric {
				a := averages[average]
				switch name {
				case "accuracy_multi":
					return AccuracyMulti(0.5)
				case "exact_match":
					return ExactMatch(0.5)
				case "f1_score":
					return F1ScoreMulti(0.5, a)
				case "f2_score":
					return FBetaMulti(2, 0.5, a)
				case "precision_score":
					return PrecisionMulti(0.5, a)
				case "recall_score":
					return RecallMulti(0.5, a)
				case "jaccard_score":
					return JaccardMulti(0.5, a)
				case "average_precision_score":
					return AveragePrecision(a)
				case "roc_auc_score":
					return ROCAUC(a)
				}
				t.Fatalf("unknown value %s", key)
				return nil
			}
			whole, first, second := make(), make(), make()
			cut := n / 3
			for _, u := range []struct {
				m      Metric
				lo, hi int
			}{{whole, 0, n}, {first, 0, cut}, {second, cut, n}} {
				part := tensor.FromSlice(probs.Data[u.lo*labels:u.hi*labels], u.hi-u.lo, labels)
				if err := u.m.Update(part, y.Slice(u.lo, u.hi)); err != nil {
					t.Fatal(err)
				}
			}
			got := whole.Value()
			if math.Abs(got-want) > 1e-11 {
				t.Errorf("%s: %s is %v, want %v", c.Name, key, got, want)
			}
			if err := second.Merge(first); err != nil || second.Value() != got {
				t.Errorf("%s: %s is %v of merged parts (%v), %v at once", c.Name, key, second.Value(), err, got)
			}
		}
	}
}

// TestMultiLabelByName: every choice has its own name, begins empty, is the same
// after Reset, and refuses what does not fit.
func TestMultiLabelByName(t *testing.T) {
	probs, y := manyLabels([][]float32{{0.9, 0.2}, {0.4, 0.8}, {0.7, 0.6}}, [][]float32{{1, 0}, {1, 1}, {0, 0}})
	for _, c := range MultiLabel {
		for _, name := range append(c.Other, c.Name) {
			m, err := MultiLabel.ByName(name)
			if err != nil || m.Name() != c.Name {
				t.Fatalf("%s: %v, %v", name, m, err)
			}
			if v := m.Value(); v == v {
				t.Errorf("%s of nothing is %v, want NaN", name, v)
			}
			if err := m.Update(probs, y); err != nil {
				t.Fatal(err)
			}
			v := m.Value()
			if !(v > 0 && v < 1) {
				t.Errorf("%s is %v", name, v)
			}
			m.Reset()
			if err := m.Update(probs, y); err != nil || m.Value() != v {
				t.Errorf("%s is %v after Reset, %v before (%v)", name, m.Value(), v, err)
			}
			if err := m.Update(probs, target.Classes([]int{0, 1, 0})); err == nil || !strings.Contains(err.Error(), "another one") {
				t.Errorf("%s of classes: %v", name, err)
			}
			if err := m.Update(tensor.New(1, 3), target.Targets{Values: tensor.New(1, 3)}); err == nil == (c.Name != "accuracy_multi" && c.Name != "exact_match") {
				t.Errorf("%s with other labels: %v", name, err)
			}
			if err := m.Merge(Accuracy()); err == nil {
				t.Errorf("%s was merged with accuracy", name)
			}
		}
	}
}

func TestROCAUCIsNotDefined(t *testing.T) {
	m := ROCAUC(Macro)
	probs, y := manyLabels([][]float32{{0.9}, {0.4}}, [][]float32{{1}, {1}})
	if err := m.Update(probs, y); err != nil || !math.IsNaN(m.Value()) {
		t.Errorf("of items that all have the label it is %v (%v), want NaN", m.Value(), err)
	}
}
