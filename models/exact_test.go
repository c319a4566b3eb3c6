package models

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// exactCase is a network whose ReLUs and max pools have nothing close to
// decide, a batch, the gradient dy of its logits, and what follows in float64.
type exactCase struct {
	m     nn.Module
	norms bool // it has batch norms
	x, dy *tensor.Tensor
	ref   *net64
	y, dx []float64
}

// newExactCase builds torchvision's network for 10 classes with its own initial
// weights and random batch-norm scales; those that end a residual branch are
// small, as they are in trained networks, because otherwise the network itself
// enlarges any rounding a thousandfold. The shifts before every ReLU are moved
// so that no decision is close (net64.open). seed is that of weights and
// pictures.
func newExactCase(t *testing.T, a *Architecture, seed uint64) *exactCase {
	t.Helper()
	r := rng.New(seed)
	c := &exactCase{m: a.Full(10, r), x: tensor.New(2, 64, 64, 3), dy: tensor.New(2, 10)}
	for _, v := range [][]float32{c.x.Data, c.dy.Data} {
		for i := range v {
			v[i] = float32(r.Normal())
		}
	}
	for _, e := range nn.Parameters(c.m) {
		if e.Kind == nn.NormScale {
			c.norms = true
			for i := range e.Param.Value.Data {
				e.Param.Value.Data[i] = float32(r.Uniform(0.75, 1.25))
			}
		}
	}
	c.ref = &net64{g: nn.BuildGraph(c.m), training: true, openGaps: true}
	for _, d := range c.ref.g.Nodes {
		if norm, ok := d.Op.(*op.Norm); ok {
			norm.State.Momentum = 1 // running statistics become the batch's
		}
		if d.Op == (op.Add{}) {
			scale := c.ref.g.Nodes[max(d.Inputs[0], d.Inputs[1])].Op.(*op.Norm).State.Weight.Value.Data
			for i := range scale {
				scale[i] *= 0.25
			}
		}
	}
	c.ref.Forward(c.x.Data, c.x.Shape)
	c.ref.openGaps = false
	c.y = c.ref.Forward(c.x.Data, c.x.Shape)
	c.dx = c.ref.Backward(c.dy.Data)
	return c
}

// TestNetworksAgainstFloat64 compares a training step's numbers with float64:
// logits, the gradients of every parameter and of the pictures, running
// statistics; and then the logits of the compiled network.
//
// The gradient of a network with ReLUs jumps where a value changes sign, so it
// can be compared with another rounding's only as tightly as the closest
// decision allows. Here none is close: that is made so and checked, with a
// distance of a hundred times the error of the values. (Max pools that Winograd
// results reach have theirs ten times the error.) What is left is rounding, so
// a wrong term of 1e-3 in any one tensor shows, with Winograd or without.
//
// Largest errors of all instruction levels, in ResNet-50: values 2.5e-5, gradients
// 3.5e-5 direct and 5.1e-5 with Winograd. For comparison, PyTorch's float32 gradients of the golden
// ResNet-34 are off its float64 ones by 2.2e-5.
func TestNetworksAgainstFloat64(t *testing.T) {
	const (
		value, gradient  = 5e-5, 2e-4
		reluGap, poolGap = 1e-3, 1e-5
	)
	for _, c := range []struct {
		arch *Architecture
		seed uint64 // the first whose max pools have nothing close to decide
		long bool
	}{
		{ResNet10Small, 1, false},
		{ResNet50, 1, true}, // 101 and 152 have more of the same blocks, ResNet10Small has those of 18 and 34
		{SqueezeNet1_0, 3, true},
		{SqueezeNet1_1, 2, false},
	} {
		t.Run(c.arch.Name, func(t *testing.T) {
			if c.long { // the others have the same operations, but for bottlenecks
				slow.Test(t)
			}
			e := newExactCase(t, c.arch, c.seed)
			if !(e.ref.reluGap > reluGap && e.ref.poolGap > poolGap) {
				t.Fatalf("the closest decision of a ReLU is %.1e from 0, of a max pool %.1e from the other value (of the layer's root mean square), want %g and %g at least", e.ref.reluGap, e.ref.poolGap, reluGap, poolGap)
			}
			for _, on := range []bool{false, true} {
				name := map[bool]string{false: "direct", true: "winograd"}[on]
				t.Run(name, func(t *testing.T) {
					defer winograd.Allow(winograd.Allow(on))
					e.compare(t, value, gradient)
				})
			}
		})
	}
}

// compare runs the network as training does, and then compiled.
func (c *exactCase) compare(t *testing.T, tol, gradTol float64) {
	worst := map[string]float64{}
	check := func(kind, what string, got []float32, want []float64, tol float64) {
		t.Helper()
		near(t, what, got, want, tol)
		worst[kind] = max(worst[kind], relL2(got, want))
	}
	for _, e := range nn.Parameters(c.m) {
		e.Param.ZeroGrad()
	}
	tp := autograd.NewTape(autograd.NewArena())
	// Without batch norm the only layer that training changes is dropout.
	tp.Record, tp.Training = true, c.norms
	x := tp.Input(c.x, true)
	y := forward(t, c.m, tp, x)
	check("values", "logits", y.Value.Data, c.y, tol)
	tp.Backward(y, c.dy)
	check("gradients", "gradient of the pictures", x.Grad.Data, c.dx, gradTol)
	for _, e := range nn.Parameters(c.m) {
		want := c.ref.grad[&e.Param.Value.Data[0]]
		if want == nil {
			t.Fatalf("the reference has no gradient of %s", e.Name)
		}
		check("gradients", "gradient of "+e.Name, e.Param.Grad.Data, want, gradTol)
	}
	tp.Reset()

	for i, d := range c.ref.g.Nodes {
		norm, ok := d.Op.(*op.Norm)
		if !ok {
			continue
		}
		rows := float64(len(c.ref.value[i]) / len(norm.State.RunningMean))
		unbiased := append([]float64(nil), c.ref.norm[i].variance...)
		for k := range unbiased {
			unbiased[k] *= rows / (rows - 1)
		}
		check("values", "running mean", norm.State.RunningMean, c.ref.norm[i].mean, tol)
		check("values", "running variance", norm.State.RunningVar, unbiased, tol)
	}
	out, err := nn.Compile(c.m).Run(c.x)
	if err != nil {
		t.Fatal(err)
	}
	eval := &net64{g: c.ref.g}
	check("values", "compiled logits", out.Data, eval.Forward(c.x.Data, c.x.Shape), tol)
	t.Logf("largest relative errors: %.1e of values, %.1e of gradients", worst["values"], worst["gradients"])
}

// TestFloat64Gradients checks the reference itself: its gradient against the
// difference of its own results, along a random direction of all parameters.
func TestFloat64Gradients(t *testing.T) {
	for _, a := range []*Architecture{ResNet10Small, SqueezeNet1_1} {
		t.Run(a.Name, func(t *testing.T) {
			c := newExactCase(t, a, 1)
			const h = 1e-7
			r := rng.New(9)
			steps := map[*float32][]float64{}
			slope := 0.0
			for _, e := range nn.Parameters(c.m) {
				at := &e.Param.Value.Data[0]
				v := make([]float64, len(e.Param.Value.Data))
				size := rms(float64s(e.Param.Value.Data))
				for i := range v {
					v[i] = r.Normal() * size
					slope += v[i] * c.ref.grad[at][i]
				}
				steps[at] = v
			}
			loss := func(h float64) float64 {
				c.ref.step = map[*float32][]float64{}
				for at, v := range steps {
					s := make([]float64, len(v))
					axpy64(h, v, s)
					c.ref.step[at] = s
				}
				sum := 0.0
				for i, v := range c.ref.Forward(c.x.Data, c.x.Shape) {
					sum += v * float64(c.dy.Data[i])
				}
				return sum
			}
			got := (loss(h) - loss(-h)) / (2 * h)
			if e := math.Abs(got-slope) / math.Abs(slope); !(e < 1e-6) {
				t.Errorf("slope %v by differences, %v by the gradient: relative difference %.1e", got, slope, e)
			}
		})
	}
}
