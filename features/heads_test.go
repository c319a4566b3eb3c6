package features_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

func rows(v [][]float32) *tensor.Tensor {
	x := tensor.New(len(v), len(v[0]))
	for i, r := range v {
		copy(x.Data[i*len(r):], r)
	}
	return x
}

// answers are the probabilities that a head gives pictures.
func answers(t *testing.T, h *features.Head, by task.Task, pictures [][]float32) *tensor.Tensor {
	t.Helper()
	c, f := len(h.Bias), len(h.Weight)/len(h.Bias)
	y := tensor.New(len(pictures), c)
	for i, p := range pictures {
		for k := range c {
			sum := float64(h.Bias[k])
			for j, v := range p {
				sum += float64(v) * float64(h.Weight[k*f+j])
			}
			y.Data[i*c+k] = float32(sum)
		}
	}
	if err := by.Activate(y, y); err != nil {
		t.Fatal(err)
	}
	return y
}

// near compares probabilities with scikit-learn's.
func near(t *testing.T, name string, got *tensor.Tensor, want [][]float64) {
	t.Helper()
	for i, r := range want {
		for k, p := range r {
			if v := float64(got.Data[i*len(r)+k]); !(math.Abs(v-p) < 2e-4) {
				t.Errorf("%s: picture %d has the probability %.6f of %d, scikit-learn gives it %.6f", name, i, v, k, p)
			}
		}
	}
}

// TestHeads compares with scikit-learn (testdata/heads.py).
func TestHeads(t *testing.T) {
	var f struct {
		Cases []struct {
			Name     string
			Features [][]float32
			Classes  []int
			Of       int
			Decay    float64
			Pictures [][]float32
			Probs    [][]float64
			Nearest  []int
		}
		Labels struct {
			Features, Labels, Pictures [][]float32
			Decay                      float64
			Probs                      [][]float64
		}
	}
	b, err := os.ReadFile("testdata/heads.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Cases {
		h, err := features.FitLinear(t.Context(), rows(c.Features), target.Classes(c.Classes), c.Of, features.LinearOptions{WeightDecay: c.Decay})
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		near(t, c.Name, answers(t, h, task.SingleLabel, c.Pictures), c.Probs)
		if h, err = features.FitNearestMean(rows(c.Features), target.Classes(c.Classes), c.Of); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		got := answers(t, h, task.SingleLabel, c.Pictures)
		for i, want := range c.Nearest {
			if k := tensor.Argmax(got.Data[i*c.Of : (i+1)*c.Of]); k != want {
				t.Errorf("%s: picture %d is nearest to %d, scikit-learn says %d", c.Name, i, k, want)
			}
		}
	}
	l := f.Labels
	h, err := features.FitLinear(t.Context(), rows(l.Features), target.Targets{Values: rows(l.Labels)}, 3, features.LinearOptions{WeightDecay: l.Decay})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "labels", answers(t, h, task.MultiLabel, l.Pictures), l.Probs)
}

// random are features of classes that differ a little.
func random(n, f, classes int) (*tensor.Tensor, target.Targets) {
	x, class, r := tensor.New(n, f), make([]int, n), rng.New(3)
	for i := range n {
		class[i] = i % classes
		for k := range f {
			x.Data[i*f+k] = float32(r.Normal())
			if k%classes == class[i] {
				x.Data[i*f+k] += 0.3
			}
		}
	}
	return x, target.Classes(class)
}

// TestHeadThreads: the bits are the same for any number of threads.
func TestHeadThreads(t *testing.T) {
	x, y := random(300, 50, 5)
	fit := func() (b []float32) {
		h, err := features.FitLinear(t.Context(), x, y, 5, features.LinearOptions{WeightDecay: 0.01})
		if err != nil {
			t.Fatal(err)
		}
		return append(h.Weight, h.Bias...)
	}
	defer parallel.SetThreads(parallel.SetThreads(1))
	one := fit()
	parallel.SetThreads(5)
	for i, v := range fit() {
		if v != one[i] {
			t.Fatalf("weight %d is %v on one thread, %v on five", i, one[i], v)
		}
	}
}

// TestNearestMeanIsSure: where the classes lie apart the probabilities are sure, and where
// they do not they are not.
func TestNearestMeanIsSure(t *testing.T) {
	x, y := random(200, 40, 4)
	vague, err := features.FitNearestMean(x, y, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range y.Class {
		x.Data[i*40+c] += 30
	}
	sure, err := features.FitNearestMean(x, y, 4)
	if err != nil {
		t.Fatal(err)
	}
	if !(sure.Loss < 0.01) || !(vague.Loss > 0.2 && vague.Loss < math.Log(4)) {
		t.Errorf("losses of %v apart and %v together", sure.Loss, vague.Loss)
	}
}

func TestHeadsRefuse(t *testing.T) {
	x, y := random(10, 4, 2)
	nan, _ := random(10, 4, 2)
	nan.Data[13] = float32(math.NaN())
	for name, c := range map[string]struct {
		x    *tensor.Tensor
		y    target.Targets
		of   int
		o    features.LinearOptions
		want string
	}{
		"one picture":       {tensor.New(1, 4), target.Classes([]int{0}), 2, features.LinearOptions{}, "two pictures"},
		"fewer targets":     {x, target.Classes([]int{0, 1}), 2, features.LinearOptions{}, "targets of 2 pictures"},
		"no targets":        {x, target.Targets{}, 2, features.LinearOptions{}, "targets of 0"},
		"no such class":     {x, y, 1, features.LinearOptions{}, "class 1 of 1"},
		"NaN":               {nan, y, 2, features.LinearOptions{}, "picture 3 are not finite"},
		"negative decay":    {x, y, 2, features.LinearOptions{WeightDecay: -1}, "weight decay of -1"},
		"labels of another": {x, target.Targets{Values: tensor.New(10, 3)}, 2, features.LinearOptions{}, "targets of 3 labels"},
	} {
		if _, err := features.FitLinear(t.Context(), c.x, c.y, c.of, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
	if _, err := features.FitNearestMean(x, y, 3); err == nil || !strings.Contains(err.Error(), "class 2 has no picture") {
		t.Errorf("%v; want an error about the class without pictures", err)
	}
	if _, err := features.FitNearestMean(x, target.Targets{Values: tensor.New(10, 2)}, 2); err == nil || !strings.Contains(err.Error(), "several labels") {
		t.Errorf("%v; want an error about several labels", err)
	}
}
