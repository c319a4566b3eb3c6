package autograd_test

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Scale is x [N,C] times w [C], as a package outside writes an operation.
func Scale(tp *autograd.Tape, x *autograd.Variable, w *autograd.Parameter) *autograd.Variable {
	y := tp.New(x.Shape()...)
	tp.Timed("scale", func() { scale(y.Value.Data, x.Value.Data, w.Value.Data) })
	a := scaleArgs{x, w}
	var reads []*autograd.Variable
	if w.RequiresGrad {
		reads = append(reads, x)
	}
	autograd.Record(tp, "scale", y, x.NeedsGrad() || w.RequiresGrad, reads, a, scaleBackward)
	return y
}

type scaleArgs struct {
	x *autograd.Variable
	w *autograd.Parameter
}

func scaleBackward(tp *autograd.Tape, y *autograd.Variable, a *scaleArgs) {
	dy, c := y.Grad.Data, a.w.Value.Len()
	a.w.AddGrad(tp, func(dw []float32) {
		clear(dw)
		for i, v := range tp.Saved(a.x) {
			dw[i%c] += v * dy[i]
		}
	})
	tp.AddGrad(a.x, func(dx []float32) { scale(dx, dy, a.w.Value.Data) })
}

func scale(dst, x, w []float32) {
	for i, v := range x {
		dst[i] = v * w[i%len(w)]
	}
}

func values(r *rng.Stream, shape ...int) *tensor.Tensor {
	x := tensor.New(shape...)
	for i := range x.Data {
		x.Data[i] = float32(r.Normal())
	}
	return x
}

// TestAuthor is z = w·x + v·(w·x) + f·x with f frozen, where w·x is dropped after
// the forward pass and made again for the gradient of v.
func TestAuthor(t *testing.T) {
	r := rng.New(1)
	x, up := values(r, 4, 3), values(r, 4, 3)
	w, v, frozen := autograd.NewParameter(values(r, 3)), autograd.NewParameter(values(r, 3)), autograd.NewParameter(values(r, 3))
	frozen.RequiresGrad = false
	tp := autograd.NewTape(autograd.NewArena())
	tp.Record, tp.Profile = true, autograd.NewProfile()
	in := tp.Input(x, true)
	y := Scale(tp, in, w)
	autograd.Recompute(tp, y, []*autograd.Variable{in}, scaleArgs{in, w}, func(tp *autograd.Tape, dst []float32, a *scaleArgs) {
		scale(dst, tp.Saved(a.x), a.w.Value.Data)
	})
	add := func(a, b *autograd.Variable) *autograd.Variable {
		return op.Add{}.Forward(tp, []*autograd.Variable{a, b})
	}
	z := add(add(y, Scale(tp, y, v)), Scale(tp, in, frozen))
	tp.Free(y)
	if y.Value != nil {
		t.Error("a value that can be recomputed stays in memory")
	}
	tp.Backward(z, up)
	dw, dv := make([]float32, 3), make([]float32, 3)
	for i, g := range up.Data {
		c := i % 3
		wc, vc, fc := w.Value.Data[c], v.Value.Data[c], frozen.Value.Data[c]
		if got, want := in.Grad.Data[i], g*((1+vc)*wc+fc); !near(got, want) {
			t.Errorf("gradient %d of x is %v, want %v", i, got, want)
		}
		dw[c] += g * (1 + vc) * x.Data[i]
		dv[c] += g * wc * x.Data[i]
	}
	for c := range 3 {
		if !near(w.Grad.Data[c], dw[c]) || !near(v.Grad.Data[c], dv[c]) {
			t.Errorf("gradients %d are %v and %v, want %v and %v", c, w.Grad.Data[c], v.Grad.Data[c], dw[c], dv[c])
		}
	}
	if frozen.HasGrad {
		t.Error("a frozen parameter got a gradient")
	}
	var kinds []string
	for _, s := range tp.Profile.Shares() {
		kinds = append(kinds, s.Kind)
	}
	for _, want := range []string{"scale forward", "scale backward"} {
		if !strings.Contains(strings.Join(kinds, "\n"), want) {
			t.Errorf("the profile has %q, but not %q", kinds, want)
		}
	}
	tp.Reset()
}

func near(a, b float32) bool { return a-b < 1e-5 && b-a < 1e-5 }

// TestGiveGrad negates in place: the input takes the buffer, unless it needs none.
func TestGiveGrad(t *testing.T) {
	for _, needs := range []bool{true, false} {
		tp := autograd.NewTape(autograd.NewArena())
		tp.Record = true
		x := tp.Input(tensor.New(2), needs)
		y := tp.New(2)
		clear(y.Value.Data)
		autograd.Record(tp, "negate", y, true, nil, x, func(tp *autograd.Tape, y *autograd.Variable, x **autograd.Variable) {
			for i, g := range y.Grad.Data {
				y.Grad.Data[i] = -g
			}
			tp.GiveGrad(*x, y)
		})
		tp.Backward(y, tensor.FromSlice([]float32{1, 2}, 2))
		if needs && (x.Grad == nil || x.Grad.Data[0] != -1 || x.Grad.Data[1] != -2) || !needs && x.Grad != nil {
			t.Errorf("needs %t: gradient %v", needs, x.Grad)
		}
		tp.Reset()
	}
}

func TestTooManySources(t *testing.T) {
	tp := autograd.NewTape(autograd.NewArena())
	v := tp.New(1)
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "from 4 variables; at most 3") {
			t.Errorf("panic %q", p)
		}
	}()
	autograd.Recompute(tp, v, []*autograd.Variable{v, v, v, v}, 0, func(*autograd.Tape, []float32, *int) {})
}
