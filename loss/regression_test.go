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

// TestRegression compares losses of numbers, their gradients and the answers of a range with
// PyTorch's in float64.
func TestRegression(t *testing.T) {
	b, err := os.ReadFile("testdata/regression.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Reduction               string
		Low, High, Loss               float64
		Logits, Values, Answers, Grad [][]float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		l := &Regression{Low: c.Low, High: c.High, Distance: map[string]Distance{"mse": Squared, "l1": Absolute, "smooth_l1": Smooth}[c.Name]}
		if c.Reduction == "sum" {
			l.Reduction = Sum
		}
		logits, y := rowsOf(c.Logits), target.Targets{Values: rowsOf(c.Values)}
		grad := tensor.New(logits.Shape...)
		got, err := l.ForwardBackward(logits, y, nil, grad)
		if err != nil || math.Abs(got-c.Loss) > 1e-9*(1+math.Abs(c.Loss)) {
			t.Errorf("%v: loss %v (%v), PyTorch's is %v", l, got, err, c.Loss)
		}
		if again, err := l.Forward(logits, y, nil); err != nil || again != got {
			t.Errorf("%v: Forward gives %v (%v), ForwardBackward %v", l, again, err, got)
		}
		for i, row := range c.Grad {
			for k, want := range row {
				at := i*len(row) + k
				if d := math.Abs(float64(grad.Data[at]) - want); d > 2e-7*(1+math.Abs(want)) {
					t.Errorf("%v: gradient %d is %v, PyTorch's %v", l, at, grad.Data[at], want)
				}
				if v, _ := l.Answer(float64(logits.Data[at])); math.Abs(v-c.Answers[i][k]) > 1e-12*(1+math.Abs(v)) {
					t.Errorf("%v: answer %d is %v, PyTorch's %v", l, at, v, c.Answers[i][k])
				}
			}
		}
	}
}

// TestRegressionRefuses lists what is no number to compare with.
func TestRegressionRefuses(t *testing.T) {
	x := tensor.New(2, 1)
	for want, y := range map[string]target.Targets{
		"finite":  {Values: tensor.FromSlice([]float32{1, float32(math.NaN())}, 2, 1)},
		"alike":   {Values: tensor.New(2, 2)},
		"no rows": target.Classes([]int{0, 0}),
	} {
		if _, err := (&Regression{}).Forward(x, y, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := (&Regression{Distance: 9}).Forward(x, target.Targets{Values: tensor.New(2, 1)}, nil); err == nil || !strings.Contains(err.Error(), "Distance(9)") {
		t.Errorf("error %v for an unknown distance", err)
	}
}
