package task

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/tensor"
)

func TestRegressionNames(t *testing.T) {
	for _, r := range []Regression{{}, {0, 100}, {-1.5, 1e-3}} {
		got, err := ByName(r.Name())
		if err != nil || got != Task(r) || !Continuous(got) {
			t.Errorf("%s is %v, %v", r.Name(), got, err)
		}
	}
	for _, name := range []string{"regression(", "regression(1,0)", "regression(1)", "regression(0,inf)", "regression(nan,1)", "regression(0,1", "regressions"} {
		if got, err := ByName(name); err == nil {
			t.Errorf("%s is %v", name, got)
		}
	}
	if Continuous(SingleLabel) || Continuous(MultiLabel) {
		t.Error("classes or labels are numbers")
	}
}

func TestRegressionTask(t *testing.T) {
	r, vocab := Regression{0, 10}, []string{"width", "height"}
	y, err := r.Encode(vocab, [][]string{{"1.5", "-2"}, {"3", "4e1"}})
	if err != nil || !slices.Equal(y.Row(1), []float32{3, 40}) || !slices.Equal(r.Labels(vocab, y, 0), []string{"1.5", "-2"}) {
		t.Fatalf("targets %v, %v", y.Values, err)
	}
	for want, labels := range map[string][]string{"no finite number": {"1", "NaN"}, `"height" of item 0 is "x"`: {"1", "x"}, "has 1 numbers": {"1"}} {
		if _, err := r.Encode(vocab, [][]string{labels}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", labels, err, want)
		}
	}
	x := tensor.FromSlice([]float32{0, float32(math.Log(3))}, 1, 2)
	if err := r.Activate(x, x); err != nil || x.Data[0] != 5 || math.Abs(float64(x.Data[1])-7.5) > 1e-6 {
		t.Errorf("answers %v, %v", x.Data, err)
	}
	d := Decoder{Task: r, Vocab: vocab}
	top := d.Prediction(x.Data).Top(1)
	if len(top) != 2 || top[0].Label != "width" || !top[0].Number || top[1].Score != x.Data[1] {
		t.Errorf("the answer is %+v, want both numbers in order", top)
	}
	if l := r.ItemLoss(x.Data, y, 0); math.Abs(float64(l)-(3.5*3.5+9.5*9.5)/2) > 1e-4 {
		t.Errorf("loss %v", l)
	}
	if _, err := r.Loss(LossOptions{Name: "bce"}); err == nil || !strings.Contains(err.Error(), "mse, l1, smooth_l1") {
		t.Errorf("error %v", err)
	}
}
