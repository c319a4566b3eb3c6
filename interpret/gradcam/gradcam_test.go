package gradcam

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func setup(t *testing.T) (*models.Classifier, *tensor.Tensor) {
	t.Helper()
	r := rng.New(4)
	c := models.NewClassifier(models.SqueezeNet1_1, 4, r)
	for _, e := range nn.State(c.Head) { // statistics as after some training
		switch e.Kind {
		case nn.RunningMean:
			for i := range e.Buffer {
				e.Buffer[i] = float32(0.1 * r.Normal())
			}
		case nn.RunningVar:
			for i := range e.Buffer {
				e.Buffer[i] = float32(0.5 + r.Float64())
			}
		}
	}
	x := tensor.New(2, 64, 64, 3)
	for i := range x.Data {
		x.Data[i] = float32(r.Normal())
	}
	return c, x
}

// bodyOf returns the body's output and logitsOf the head's for it, in
// evaluation mode, by a tape that records nothing.
func bodyOf(c *models.Classifier, x *tensor.Tensor) *tensor.Tensor {
	tp := autograd.NewTape(autograd.NewArena())
	defer tp.Reset()
	y, err := nn.Forward(tp, c.Body, tp.Input(x, false))
	if err != nil {
		panic(err)
	}
	return y.Value.Clone()
}

func logitsOf(c *models.Classifier, a *tensor.Tensor) []float32 {
	tp := autograd.NewTape(autograd.NewArena())
	defer tp.Reset()
	y, err := nn.Forward(tp, c.Head, tp.Input(a, false))
	if err != nil {
		panic(err)
	}
	return y.Value.Clone().Data
}

// TestMapsAgainstTheFormula differentiates the head by hand, in float64. Every
// place of a channel counts the same in the average, and one place has the
// maximum, so the mean derivative is that of both pooled features over h·w:
// with f = [max, avg], y = W₂·bn₂(relu(W₁·bn₁(f))).
func TestMapsAgainstTheFormula(t *testing.T) {
	c, x := setup(t)
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	const class = 2
	maps, err := m.Maps(x, []int{class, class})
	if err != nil {
		t.Fatal(err)
	}
	state := map[string][]float32{}
	for _, e := range nn.State(c.Head) {
		state[e.Name] = e.Get()
	}
	affine := func(layer string, k int) (scale, shift float64) {
		scale = float64(state[layer+".weight"][k]) / math.Sqrt(float64(state[layer+".running_var"][k])+1e-5)
		return scale, float64(state[layer+".bias"][k]) - scale*float64(state[layer+".running_mean"][k])
	}
	a := bodyOf(c, x)
	places, ch := a.Shape[1]*a.Shape[2], a.Shape[3]
	w1, w2 := state["4.weight"], state["8.weight"]
	for i, got := range maps {
		if got.H != a.Shape[1] || got.W != a.Shape[2] || got.Class != class {
			t.Fatalf("map %d is %d×%d of class %d, want %d×%d of %d", i, got.H, got.W, got.Class, a.Shape[1], a.Shape[2], class)
		}
		at := func(p, k int) float64 { return float64(a.Data[(i*places+p)*ch+k]) }
		f := make([]float64, 2*ch)
		for k := range ch {
			f[k] = math.Inf(-1)
			for p := range places {
				f[k] = max(f[k], at(p, k))
				f[ch+k] += at(p, k) / float64(places)
			}
		}
		df := make([]float64, 2*ch)
		for j := range 512 {
			var z float64
			for k, v := range f {
				scale, shift := affine("2", k)
				z += float64(w1[j*2*ch+k]) * (v*scale + shift)
			}
			if z <= 0 {
				continue
			}
			scale, _ := affine("6", j)
			up := float64(w2[class*512+j]) * scale
			for k := range df {
				s, _ := affine("2", k)
				df[k] += up * float64(w1[j*2*ch+k]) * s
			}
		}
		want, top := make([]float64, places), 0.0
		for p := range want {
			for k := range ch {
				want[p] += (df[k] + df[ch+k]) / float64(places) * at(p, k)
			}
			want[p] = max(want[p], 0)
			top = max(top, want[p])
		}
		if top == 0 {
			t.Errorf("map %d has no heat at all: the test shows nothing", i)
		}
		for p, v := range want {
			if math.Abs(float64(got.Heat[p])-v) > 1e-4*top+1e-6 {
				t.Errorf("map %d at %d: %v, by the formula %v", i, p, got.Heat[p], v)
			}
		}
	}
}

// TestModelsOwnChoice gives -1 for a class, from several goroutines at once.
func TestModelsOwnChoice(t *testing.T) {
	c, x := setup(t)
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	logits := logitsOf(c, bodyOf(c, x))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			maps, err := m.Maps(x, []int{-1, -1})
			if err != nil {
				t.Error(err)
				return
			}
			for i, got := range maps {
				for j := range 4 {
					if logits[i*4+j] > logits[i*4+got.Class] {
						t.Errorf("picture %d: class %d was chosen, %d has the higher logit", i, got.Class, j)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, e := range nn.Parameters(c) {
		if e.Param.HasGrad {
			t.Fatalf("%s of the model got a gradient", e.Name)
		}
	}
}

func TestMapsMistakes(t *testing.T) {
	c, x := setup(t)
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		x     *tensor.Tensor
		class []int
		want  string
	}{
		"too few classes": {x, []int{1}, "1 classes for 2"},
		"unknown class":   {x, []int{1, 4}, "class 4"},
		"flat input":      {tensor.New(2, 3), []int{0, 0}, "[N,S,S,3]"},
	} {
		if _, err := m.Maps(tc.x, tc.class); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v does not say %q", name, err, tc.want)
		}
	}
}
