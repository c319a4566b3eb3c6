package loss

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// labelCase is one case of testdata/labels.json.
type labelCase struct {
	Name, Reduction  string
	Logits, Values   [][]float64
	Classes          []int
	Loss             float64
	Grad             [][]float64
	Gamma, Smoothing float64
	Weight           []float32
	PosWeight        []float32 `json:"pos_weight"`
	GammaNeg         float64   `json:"gamma_neg"`
	GammaPos         float64   `json:"gamma_pos"`
	Clip             float64
}

func (c labelCase) loss() Func {
	r := Mean
	if c.Reduction == "sum" {
		r = Sum
	}
	switch {
	case strings.HasPrefix(c.Name, "bce"):
		return &BinaryCrossEntropy{Smoothing: c.Smoothing, Weight: c.Weight, PosWeight: c.PosWeight, Reduction: r}
	case strings.HasPrefix(c.Name, "asymmetric"):
		return &Asymmetric{GammaNeg: c.GammaNeg, GammaPos: c.GammaPos, Clip: c.Clip, Smoothing: c.Smoothing, Weight: c.Weight, Reduction: r}
	}
	return &Focal{Gamma: c.Gamma, Weight: c.Weight, Reduction: r}
}

func rowsOf(x [][]float64) *tensor.Tensor {
	t := tensor.New(len(x), len(x[0]))
	for i, row := range x {
		for k, v := range row {
			t.Data[i*len(row)+k] = float32(v)
		}
	}
	return t
}

// targets returns the rows or the classes of the case.
func (c labelCase) targets() target.Targets {
	if c.Classes != nil {
		return target.Classes(c.Classes)
	}
	return target.Targets{Values: rowsOf(c.Values)}
}

// TestLabelLosses compares values and gradients with those of PyTorch, timm and
// fastai's formula, and the sum of the items with the batch's.
func TestLabelLosses(t *testing.T) {
	raw, err := os.ReadFile("testdata/labels.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []labelCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 48 {
		t.Fatalf("%d cases, want 48", len(cases))
	}
	for _, c := range cases {
		l, x, y := c.loss(), rowsOf(c.Logits), c.targets()
		n, labels := x.Shape[0], x.Shape[1]
		items, grad := make([]float32, n), tensor.New(n, labels)
		got, err := l.ForwardBackward(x, y, items, grad)
		if err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		if math.Abs(got-c.Loss) > 1e-6*math.Max(1, math.Abs(c.Loss)) {
			t.Errorf("%s: loss %v, want %v", l, got, c.Loss)
		}
		for i, row := range c.Grad {
			for k, want := range row {
				if g := float64(grad.Data[i*labels+k]); math.Abs(g-want) > 1e-6*math.Max(1, math.Abs(want)) {
					t.Errorf("%s: gradient of label %d of item %d is %v, want %v", l, k, i, g, want)
				}
			}
		}
		var sum float64
		for _, v := range items {
			sum += float64(v)
		}
		if c.Reduction == "mean" {
			sum /= float64(n)
		} else if c.Classes == nil {
			sum *= float64(labels)
		}
		if math.Abs(sum-got) > 1e-5*math.Max(1, math.Abs(got)) {
			t.Errorf("%s: the items' losses make %v, the batch's is %v", l, sum, got)
		}
		if again, err := l.Forward(x, y, nil); err != nil || again != got {
			t.Errorf("%s: Forward gives %v, %v; ForwardBackward %v", l, again, err, got)
		}
	}
}

// TestLabelLossGradients compares gradients with differences, also for mixed
// targets and at scores where formulas are cut off.
func TestLabelLossGradients(t *testing.T) {
	x := tensor.FromSlice([]float32{0.3, -1.2, 2.5, -4, 0.01, 3, -9, 9, 0.5}, 3, 3)
	rows := target.Targets{Values: tensor.FromSlice([]float32{1, 0, 0.25, 0, 1, 1, 0, 0, 1}, 3, 3)}
	mixed := target.Targets{Class: []int{0, 1, 2}, Other: []int{2, 1, 0}, Lambda: []float32{0.3, 0.5, 1}}
	for _, c := range []struct {
		l Func
		y target.Targets
	}{
		{&BinaryCrossEntropy{Smoothing: 0.2, PosWeight: []float32{1, 2, 3}}, rows},
		{&BinaryCrossEntropy{Smoothing: 0.2, Weight: []float32{1, 2, 3}}, mixed},
		{NewAsymmetric(), rows}, {&Asymmetric{GammaNeg: 2, Clip: 0.1, Smoothing: 0.1, Reduction: Sum}, rows}, {&Asymmetric{}, mixed},
		{NewFocal(), mixed}, {&Focal{Gamma: 0.5, Weight: []float32{1, 0, 3}, Reduction: Sum}, mixed}, {&Focal{}, mixed},
	} {
		grad := tensor.New(3, 3)
		if _, err := c.l.ForwardBackward(x, c.y, nil, grad); err != nil {
			t.Fatal(err)
		}
		for i := range x.Data {
			const h = 1.0 / 512
			at := func(d float32) float64 {
				z := tensor.FromSlice(append([]float32(nil), x.Data...), 3, 3)
				z.Data[i] += d
				v, err := c.l.Forward(z, c.y, nil)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			want := (at(h) - at(-h)) / (2 * h)
			if g := float64(grad.Data[i]); math.Abs(g-want) > 1e-4*math.Max(1, math.Abs(want)) {
				t.Errorf("%s: gradient of score %d is %v, by differences %v", c.l, i, g, want)
			}
		}
	}
}

// TestLabelLossesRefuse: what does not fit is named, and extreme scores give
// numbers.
func TestLabelLossesRefuse(t *testing.T) {
	x := tensor.FromSlice([]float32{200, -200, 0, 1e30}, 2, 2)
	rows := target.Targets{Values: tensor.FromSlice([]float32{1, 0, 0, 1}, 2, 2)}
	for _, l := range []Func{&BinaryCrossEntropy{}, NewAsymmetric(), NewFocal()} {
		y := rows
		if _, ok := l.(*Focal); ok {
			y = target.Classes([]int{0, 1})
		}
		grad := tensor.New(2, 2)
		v, err := l.ForwardBackward(x, y, nil, grad)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s of extreme scores: %v, %v", l, v, err)
		}
		for _, g := range grad.Data {
			if g != g {
				t.Errorf("%s of extreme scores has gradients %v", l, grad.Data)
				break
			}
		}
	}
	wrong := target.Targets{Values: tensor.FromSlice([]float32{1, 0, 0, 2}, 2, 2)}
	for _, c := range []struct {
		l    Func
		y    target.Targets
		want string
	}{
		{&BinaryCrossEntropy{}, wrong, "target 1 of item 1 is 2"},
		{&BinaryCrossEntropy{}, target.Classes([]int{0, 5}), "there are 2 classes"},
		{&BinaryCrossEntropy{Weight: []float32{1}}, rows, "1 label weights for 2 labels"},
		{&BinaryCrossEntropy{PosWeight: []float32{1, -1}}, rows, "number 1 of the positive weights is -1"},
		{&BinaryCrossEntropy{Smoothing: 2}, rows, "between 0 and 1"},
		{&Asymmetric{GammaNeg: -1}, rows, "gammas -1 and 0"},
		{&Asymmetric{Clip: 7}, rows, "clip of 7"},
		{&Focal{Gamma: math.NaN()}, target.Classes([]int{0, 1}), "gamma of NaN"},
		{&Focal{}, rows, "made for another task"},
		{&BinaryCrossEntropy{Reduction: 9}, rows, "unknown reduction"},
		{&BinaryCrossEntropy{Reduction: None}, rows, "no single loss to differentiate"},
	} {
		if _, err := c.l.ForwardBackward(x, c.y, nil, tensor.New(2, 2)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.l, err, c.want)
		}
	}
}
