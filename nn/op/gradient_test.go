package op

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

func random(r *rng.Stream, shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data {
		t.Data[i] = float32(r.Normal())
	}
	return t
}

func newNorm(r *rng.Stream, c int) *BatchNormState {
	s := &BatchNormState{Weight: autograd.NewParameter(random(r, c)), Bias: autograd.NewParameter(random(r, c)),
		RunningMean: random(r, c).Data, RunningVar: make([]float32, c), Eps: 1e-5, Momentum: 0.1}
	for i := range s.RunningVar {
		s.RunningVar[i] = float32(0.5 + r.Float64())
	}
	return s
}

// TestFrozenCostsNothing checks that no gradient is computed for frozen
// weights, nor for anything below the lowest trainable parameter.
func TestFrozenCostsNothing(t *testing.T) {
	r := rng.New(1)
	w1, w2 := autograd.NewParameter(random(r, 3, 3, 3, 4)), autograd.NewParameter(random(r, 3, 3, 4, 4))
	w1.RequiresGrad = false
	tp := autograd.NewTape(autograd.NewArena())
	tp.Record, tp.Training = true, true
	x := tp.Input(random(r, 1, 5, 5, 3), false)
	a := conv2d(tp, x, w1, nil, 1, 1, false)
	b := conv2d(tp, a, w2, nil, 1, 1, false)
	if a.NeedsGrad() || !b.NeedsGrad() {
		t.Errorf("needs gradient: below the trainable weight %v, above it %v", a.NeedsGrad(), b.NeedsGrad())
	}
	if tp.Recorded() != 1 {
		t.Errorf("%d operations recorded, want 1", tp.Recorded())
	}
	tp.Backward(b, random(r, b.Value.Shape...))
	if w1.HasGrad || !w2.HasGrad {
		t.Errorf("gradients: frozen %v, trainable %v", w1.HasGrad, w2.HasGrad)
	}
}

// TestGradientsAccumulate checks that a second backward pass adds, until
// ZeroGrad.
func TestGradientsAccumulate(t *testing.T) {
	r := rng.New(1)
	w := autograd.NewParameter(random(r, 3, 4))
	x := random(r, 2, 4)
	up := random(r, 2, 3)
	run := func() {
		tp := autograd.NewTape(autograd.NewArena())
		tp.Record = true
		tp.Backward(linearForward(tp, tp.Input(x, false), w, nil), up)
	}
	run()
	once := append([]float32(nil), w.Grad.Data...)
	run()
	for i, g := range w.Grad.Data {
		if g != 2*once[i] {
			t.Fatalf("after two passes gradient %d is %v, after one %v", i, g, once[i])
		}
	}
	w.ZeroGrad()
	run()
	for i, g := range w.Grad.Data {
		if g != once[i] {
			t.Fatalf("after ZeroGrad gradient %d is %v, want %v", i, g, once[i])
		}
	}
}

// TestKeptReLUResult checks that a variable which its reader wants to look at has
// the gradient of its value, not that of what is before its ReLU, and that the
// gradients below are the same.
func TestKeptReLUResult(t *testing.T) {
	for _, keep := range []bool{false, true} {
		r := rng.New(3)
		x := random(r, 1, 4, 4, 3)
		w, b, v := autograd.NewParameter(random(r, 1, 1, 3, 4)), autograd.NewParameter(random(r, 4)), autograd.NewParameter(random(r, 1, 1, 4, 2))
		arena := autograd.NewArena()
		tp := autograd.NewTape(arena)
		tp.Record, tp.Training = true, true
		h := conv2d(tp, tp.Input(x, false), w, b, 1, 0, true)
		h.Keep = keep
		value := append([]float32(nil), h.Value.Data...)
		y := conv2d(tp, h, v, nil, 1, 0, false)
		up := random(r, y.Value.Shape...)
		tp.Backward(y, up)
		sum := make([]float64, 4)
		for i := range 16 * 4 {
			want := float64(up.Data[i/4*2])*float64(v.Value.Data[i%4*2]) + float64(up.Data[i/4*2+1])*float64(v.Value.Data[i%4*2+1])
			if keep {
				if g := float64(h.Grad.Data[i]); math.Abs(g-want) > 1e-5 {
					t.Fatalf("the kept variable's gradient[%d] is %v, want %v", i, g, want)
				}
			}
			if value[i] > 0 {
				sum[i%4] += want
			}
		}
		for i, want := range sum {
			if g := float64(b.Grad.Data[i]); math.Abs(g-want) > 1e-4 {
				t.Errorf("keep %v: the bias's gradient[%d] is %v, want %v", keep, i, g, want)
			}
		}
		tp.Reset()
		if arena.InUse() != 0 {
			t.Errorf("keep %v: %d buffers are still in use after Reset", keep, arena.InUse())
		}
	}
}

// TestStepsReuseBuffers checks that after a few steps, in which buffers find
// their places, a step takes nothing new from the system, and that it leaves
// nothing in use.
func TestStepsReuseBuffers(t *testing.T) {
	r := rng.New(1)
	arena := autograd.NewArena()
	w := autograd.NewParameter(random(r, 3, 3, 8, 8))
	n := newNorm(r, 8)
	x := random(r, 2, 16, 16, 8)
	step := func() {
		tp := autograd.NewTape(arena)
		tp.Record, tp.Training = true, true
		in := tp.Input(x, false)
		h := normForward(tp, conv2d(tp, in, w, nil, 1, 1, false), n, in, true)
		y := globalAvgForward(tp, h, false)
		tp.Backward(y, random(r, 2, 8))
		tp.Reset()
	}
	for range 3 {
		step()
	}
	before := arena.Bytes()
	for range 5 {
		step()
	}
	if after := arena.Bytes(); after != before {
		t.Errorf("the arena grew from %d to %d bytes", before, after)
	}
	if arena.InUse() != 0 {
		t.Errorf("%d buffers are still in use after Reset", arena.InUse())
	}
}
