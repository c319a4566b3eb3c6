package op

import (
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/testkit/alloctest"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestResetAfterPanic leaves a backward pass in the middle and goes on with the tape.
func TestResetAfterPanic(t *testing.T) {
	a := autograd.NewArena()
	tp := autograd.NewTape(a)
	tp.Record = true
	r := rng.New(1)
	w := autograd.NewParameter(random(r, 3, 5))
	step := func(fail bool) (ok bool) {
		defer tp.Reset()
		defer func() { ok = recover() == nil }()
		h := linearForward(tp, tp.Input(random(r, 2, 5), false), w, nil)
		y := tp.New(h.Shape()...)
		autograd.Record(tp, "test", y, true, nil, h, func(tp *autograd.Tape, y *autograd.Variable, h **autograd.Variable) {
			if fail {
				panic("the test's own")
			}
			tp.GiveGrad(*h, y)
		})
		w.ZeroGrad()
		tp.Backward(y, tensor.New(2, 3))
		return true
	}
	if step(true) {
		t.Error("the panic of a backward pass did not come out of Backward")
	}
	if w.HasGrad {
		t.Error("the backward pass went on after a panic")
	}
	if !step(false) || !w.HasGrad {
		t.Error("the tape does not work any more after a panic")
	}
}

// TestTapeIsKept runs a small network with every kind of operation step after
// step and counts what that leaves to the garbage collector.
func TestTapeIsKept(t *testing.T) {
	r := rng.New(1)
	a := autograd.NewArena()
	tp := autograd.NewTape(a)
	x := random(r, 4, 9, 9, 3)
	conv, bias := autograd.NewParameter(random(r, 3, 3, 3, 8)), autograd.NewParameter(random(r, 8))
	one, three := autograd.NewParameter(random(r, 1, 1, 8, 4)), autograd.NewParameter(random(r, 3, 3, 8, 4))
	lin, linBias := autograd.NewParameter(random(r, 6, 32)), autograd.NewParameter(random(r, 6))
	norm, last := newNorm(r, 8), newNorm(r, 6)
	up := random(r, 4, 6)
	tp.Record, tp.Training, tp.Rand = true, true, rng.New(5)
	first := &Conv{Weight: conv, Bias: bias, Stride: 1, Pad: 1, Activation: ReLU}
	branches := NewConvBranches(convBranch{one, nil, 1, 0}.conv(), convBranch{three, nil, 1, 1}.conv())
	step := func() {
		defer tp.Reset()
		for _, p := range []*autograd.Parameter{conv, bias, one, three, lin, linBias, norm.Weight, norm.Bias, last.Weight, last.Bias} {
			p.ZeroGrad()
		}
		h := first.Forward(tp, []*autograd.Variable{tp.Input(x, true)})
		h = branches.Forward(tp, []*autograd.Variable{h})
		h = normForward(tp, h, norm, h, true)
		h = maxPool2d(tp, activated(tp, activated(tp, h, SiLU), ReLU), 3, 2, 1, false)
		h = concatForward(tp, concatPoolForward(tp, h), concatForward(tp, globalAvgForward(tp, h, false), globalAvgForward(tp, h, false)))
		h = normForward(tp, linearForward(tp, h, lin, linBias), last, nil, false)
		tp.Backward(Dropout{P: 0.5}.forward(tp, h), up)
	}
	for range 5 {
		step()
	}
	least, _ := alloctest.Least(t, 10, func() error { step(); return nil })
	if least > 6 {
		t.Errorf("a step makes %d allocations, want next to none", least)
	}
}
