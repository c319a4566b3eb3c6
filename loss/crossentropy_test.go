package loss

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

var (
	inf = float32(math.Inf(1))
	nan = float32(math.NaN())
)

func randomLogits(seed uint64, n, c int) *tensor.Tensor {
	r := rng.New(seed)
	x := tensor.New(n, c)
	for i := range x.Data {
		x.Data[i] = float32(2 * r.Normal())
	}
	return x
}

// slow is the definition, straight from the formula in CrossEntropy's comment.
func slow(l *CrossEntropy, x []float64, c int, y target.Targets) float64 {
	n := len(x) / c
	var target, smoothed, weights float64
	for i := range n {
		row := x[i*c : (i+1)*c]
		var z float64
		for _, v := range row {
			z += math.Exp(v)
		}
		nll := func(k int) float64 { return math.Log(z) - row[k] }
		a := y.Class[i]
		weights += l.weight(a)
		if y.Other == nil {
			target += l.weight(a) * nll(a)
		} else {
			b, lam := y.Other[i], float64(y.Lambda[i])
			target += lam*l.weight(a)*nll(a) + (1-lam)*l.weight(b)*nll(b)
		}
		for k := range row {
			smoothed += nll(k) / float64(c)
		}
	}
	if l.Reduction == Mean {
		if y.Other == nil {
			target /= weights
		} else {
			target /= float64(n)
		}
		smoothed /= float64(n)
	}
	return (1-l.Smoothing)*target + l.Smoothing*smoothed
}

// The loss against its definition, and the gradient against central
// differences of the definition in float64.
func TestGradientIsFiniteDifference(t *testing.T) {
	const n, c = 5, 4
	x := randomLogits(1, n, c)
	plain := target.Targets{Class: []int{3, 0, 1, 1, 2}}
	mixed := target.Targets{Class: plain.Class, Other: []int{0, 0, 2, 3, 1}, Lambda: []float32{0, 1, 0.5, 0.25, 0.9}}
	weight := []float32{1, 0.5, 2, 0}
	for _, eps := range []float64{0, 0.1, 1} {
		for _, w := range [][]float32{nil, weight} {
			for _, red := range []Reduction{Mean, Sum} {
				for what, y := range map[string]target.Targets{"plain": plain, "mixed": mixed} {
					l := &CrossEntropy{Smoothing: eps, Weight: w, Reduction: red}
					t.Run(fmt.Sprintf("%v eps=%g %s", l, eps, what), func(t *testing.T) {
						d := tensor.New(n, c)
						got, err := l.ForwardBackward(x, y, nil, d)
						if err != nil {
							t.Fatal(err)
						}
						wide := make([]float64, n*c)
						for i, v := range x.Data {
							wide[i] = float64(v)
						}
						if want := slow(l, wide, c, y); math.Abs(got-want) > 1e-12*math.Abs(want) {
							t.Errorf("loss %v, want %v", got, want)
						}
						const h = 1e-5
						for i, v := range wide {
							wide[i] = v + h
							up := slow(l, wide, c, y)
							wide[i] = v - h
							down := slow(l, wide, c, y)
							wide[i] = v
							// The difference quotient errs by h², the result is float32.
							if want := (up - down) / (2 * h); math.Abs(float64(d.Data[i])-want) > 1e-7*math.Abs(want)+1e-8 {
								t.Errorf("gradient %d: %v, want %v", i, d.Data[i], want)
							}
						}
					})
				}
			}
		}
	}
}

// torch 1.13: F.cross_entropy(x, y, weight=w, reduction=...) for
// x = [[1,2,3],[0,0,0]], y = [2,0], w = [1,2,0.5].
func TestClassWeightsArePyTorchs(t *testing.T) {
	x := tensor.FromSlice([]float32{1, 2, 3, 0, 0, 0}, 2, 3)
	y := target.Targets{Class: []int{2, 0}}
	for _, c := range []struct {
		r    Reduction
		want float64
	}{{Mean, 0.868276834487915}, {Sum, 1.3024152517318726}} {
		l := &CrossEntropy{Weight: []float32{1, 2, 0.5}, Reduction: c.r}
		got, err := l.Forward(x, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-c.want) > 1e-6 { // stored in float32
			t.Errorf("%v: %v, want %v", c.r, got, c.want)
		}
	}
}

// withUpstream is the gradient of l with respect to x given upstream, the gradient
// with respect to l's result: N numbers under None, one otherwise.
func withUpstream(t *testing.T, l *CrossEntropy, x *tensor.Tensor, y []int, upstream []float32) *tensor.Tensor {
	t.Helper()
	l2 := *l
	if l.Reduction == None {
		l2.Reduction = Sum // whose gradient has a row for each item, on its own
	}
	d := tensor.New(x.Shape...)
	if _, err := l2.ForwardBackward(x, target.Classes(y), nil, d); err != nil {
		t.Fatal(err)
	}
	c := x.Shape[1]
	for i := range d.Data {
		if l.Reduction == None {
			d.Data[i] *= upstream[i/c]
		} else {
			d.Data[i] *= upstream[0]
		}
	}
	return d
}

// A mean over a batch is the mean of its item losses, unless classes weigh.
func TestItemsMakeTheMean(t *testing.T) {
	x := randomLogits(2, 7, 5)
	y := target.Targets{Class: []int{0, 1, 2, 3, 4, 0, 1}}
	for _, l := range []*CrossEntropy{{}, LabelSmoothingCrossEntropy()} {
		items := make([]float32, 7)
		mean, err := l.Forward(x, y, items)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, v := range items {
			sum += float64(v)
		}
		if math.Abs(sum/7-mean) > 1e-6 {
			t.Errorf("%v: items average %v, the mean is %v", l, sum/7, mean)
		}
	}
}

// The gradient may be written over the logits, the probabilities too.
func TestInPlace(t *testing.T) {
	x := randomLogits(4, 6, 9)
	y := target.Targets{Class: []int{0, 1, 2, 3, 4, 8}}
	l := LabelSmoothingCrossEntropy()
	apart := tensor.New(6, 9)
	want, err := l.ForwardBackward(x, y, nil, apart)
	if err != nil {
		t.Fatal(err)
	}
	same := x.Clone()
	got, err := l.ForwardBackward(same, y, nil, same)
	if err != nil {
		t.Fatal(err)
	}
	if got != want || !slices.Equal(same.Data, apart.Data) {
		t.Error("the gradient differs when written over the logits")
	}
	probs := tensor.New(6, 9)
	over := x.Clone()
	if err := SoftmaxInto(x, probs); err != nil {
		t.Fatal(err)
	}
	if err := SoftmaxInto(over, over); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(over.Data, probs.Data) {
		t.Error("the probabilities differ when written over the logits")
	}
}

// What PyTorch's log_softmax makes of infinities and NaN.
func TestNotFinite(t *testing.T) {
	for _, c := range []struct {
		name   string
		row    []float32
		class  int
		isNaN  bool
		isInf  bool
		argmax int
	}{
		{"one class masked", []float32{1, -inf, 1}, 0, false, false, 0},
		{"the true class masked", []float32{1, -inf, 1}, 1, false, true, 0},
		{"+Inf", []float32{1, inf, 1}, 1, true, false, 1},
		{"NaN", []float32{1, nan, 3}, 0, true, false, 1},
		{"all -Inf", []float32{-inf, -inf, -inf}, 0, true, false, 0},
		{"largest finite", []float32{math.MaxFloat32, -math.MaxFloat32, 0}, 0, false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := tensor.FromSlice(c.row, 1, 3)
			got, err := (&CrossEntropy{}).Forward(x, target.Targets{Class: []int{c.class}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if math.IsNaN(got) != c.isNaN || math.IsInf(got, 1) != c.isInf {
				t.Errorf("loss %v: want NaN %v, infinite %v", got, c.isNaN, c.isInf)
			}
			if k := tensor.Argmax(x.Data); k != c.argmax {
				t.Errorf("argmax %d, want %d", k, c.argmax)
			}
		})
	}
	if v, err := (&CrossEntropy{}).Forward(tensor.New(0, 3), target.Targets{}, nil); err != nil || !math.IsNaN(v) {
		t.Errorf("mean of no items: %v, %v, want NaN", v, err)
	}
}

func TestErrors(t *testing.T) {
	ok := tensor.New(2, 3)
	y := target.Targets{Class: []int{0, 1}}
	for _, c := range []struct {
		name   string
		l      CrossEntropy
		logits *tensor.Tensor
		y      target.Targets
		want   string
	}{
		{"no logits", CrossEntropy{}, nil, y, "no logits given"},
		{"one dimension", CrossEntropy{}, tensor.New(6), y, "[items, classes] is needed"},
		{"no classes", CrossEntropy{}, tensor.New(2, 0), y, "at least one class"},
		{"storage too short", CrossEntropy{}, &tensor.Tensor{Shape: []int{2, 3}, Data: make([]float32, 5)}, y, "with 5 values"},
		{"too few targets", CrossEntropy{}, ok, target.Targets{Class: []int{0}}, "1 targets for 2 rows"},
		{"target too large", CrossEntropy{}, ok, target.Targets{Class: []int{0, 3}}, "targets[1] is 3"},
		{"target negative", CrossEntropy{}, ok, target.Targets{Class: []int{-100, 0}}, "targets[0] is -100"},
		{"mixed target out of range", CrossEntropy{}, ok, target.Targets{Class: []int{0, 1}, Other: []int{0, 9}, Lambda: []float32{1, 1}}, "mixed targets[1] is 9"},
		{"mixed without weights", CrossEntropy{}, ok, target.Targets{Class: []int{0, 1}, Other: []int{0, 1}}, "0 mixing weights"},
		{"weights without mixed", CrossEntropy{}, ok, target.Targets{Class: []int{0, 1}, Lambda: []float32{1, 1}}, "0 mixed targets"},
		{"mixing weight above 1", CrossEntropy{}, ok, target.Targets{Class: []int{0, 1}, Other: []int{0, 1}, Lambda: []float32{1, 1.5}}, "mixing weight 1 is 1.5"},
		{"mixing weight NaN", CrossEntropy{}, ok, target.Targets{Class: []int{0, 1}, Other: []int{0, 1}, Lambda: []float32{nan, 1}}, "mixing weight 0 is NaN"},
		{"smoothing above 1", CrossEntropy{Smoothing: 2}, ok, y, "label smoothing of 2"},
		{"class weights too few", CrossEntropy{Weight: []float32{1}}, ok, y, "1 class weights for 3 classes"},
		{"class weight negative", CrossEntropy{Weight: []float32{1, -1, 1}}, ok, y, "weight of class 1 is -1"},
		{"unknown reduction", CrossEntropy{Reduction: 7}, ok, y, "Reduction(7)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := tensor.New(2, 3)
			_, forward := c.l.Forward(c.logits, c.y, nil)
			_, both := c.l.ForwardBackward(c.logits, c.y, nil, d)
			for what, err := range map[string]error{"Forward": forward, "ForwardBackward": both} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: error %v, want one that says %q", what, err, c.want)
				}
			}
		})
	}

	l := &CrossEntropy{}
	for what, err := range map[string]error{
		"gradient of another shape":  second(l.ForwardBackward(ok, y, nil, tensor.New(3, 2))),
		"no gradient":                second(l.ForwardBackward(ok, y, nil, nil)),
		"items of another length":    second(l.Forward(ok, y, make([]float32, 1))),
		"one loss of none":           second((&CrossEntropy{Reduction: None}).ForwardBackward(ok, y, nil, tensor.New(2, 3))),
		"probabilities elsewhere":    SoftmaxInto(ok, tensor.New(3, 2)),
		"no probabilities":           SoftmaxInto(ok, nil),
		"nll of a class out of 0..C": second(NLLLoss(ok, []int{0, 5}, Mean)),
		"nll of no tensor":           second(NLLLoss(nil, nil, Mean)),
		"nll, unknown reduction":     second(NLLLoss(ok, []int{0, 0}, 9)),
		"nll, upstream":              second(NLLLossGrad(ok, []int{0, 0}, []float32{1}, None)),
		"log-softmax of no matrix":   second(LogSoftmax(tensor.New(3))),
		"softmax of no matrix":       second(Softmax(nil)),
		"log-softmax, upstream":      second(LogSoftmaxGrad(ok, tensor.New(3, 2))),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// LogSoftmax and NLLLoss one after the other, forward and backward, are
// CrossEntropyLoss.
func TestFunctionsCompose(t *testing.T) {
	x := randomLogits(5, 6, 5)
	y := []int{0, 1, 2, 3, 4, 2}
	for _, r := range []Reduction{Mean, Sum, None} {
		up := []float32{1.5}
		if r == None {
			up = []float32{1, -2, 0.5, 0, 3, 1}
		}
		want := withUpstream(t, &CrossEntropy{Reduction: r}, x, y, up)
		logp, err := LogSoftmax(x)
		if err != nil {
			t.Fatal(err)
		}
		dlogp, err := NLLLossGrad(logp, y, up, r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := LogSoftmaxGrad(logp, dlogp)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want.Data {
			// log_softmax is rounded to float32 in between: 6e-8 of values up to 10.
			near(t, fmt.Sprintf("%v gradient %d", r, i), got.Data[i], float64(w), 2e-6, 1e-6)
		}
		a, err := NLLLoss(logp, y, r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := CrossEntropyLoss(x, y, r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			near(t, fmt.Sprintf("%v loss %d", r, i), a[i], float64(b[i]), 1e-6, 0)
		}
	}
}

func TestSteadyStepAllocatesNothing(t *testing.T) {
	x := randomLogits(6, 16, 10)
	d := tensor.New(16, 10)
	items := make([]float32, 16)
	y := target.Targets{Class: make([]int, 16)}
	var l Func = LabelSmoothingCrossEntropy()
	if n := testing.AllocsPerRun(10, func() {
		if _, err := l.ForwardBackward(x, y, items, d); err != nil {
			t.Fatal(err)
		}
		if err := SoftmaxInto(x, d); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a step allocates %v times, want never", n)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		l    Func
		want string
	}{
		{&CrossEntropy{}, "cross_entropy"},
		{LabelSmoothingCrossEntropy(), "label_smoothing(eps=0.1)"},
		{&CrossEntropy{Weight: []float32{1}, Reduction: Sum}, "cross_entropy weighted sum"},
	} {
		if got := c.l.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func BenchmarkForwardBackward1000Classes(b *testing.B) {
	x := randomLogits(7, 64, 1000)
	d := tensor.New(64, 1000)
	y := target.Targets{Class: make([]int, 64)}
	l := &CrossEntropy{}
	for b.Loop() {
		if _, err := l.ForwardBackward(x, y, nil, d); err != nil {
			b.Fatal(err)
		}
	}
}
