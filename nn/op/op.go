// Package op has the operations that networks are made of. Each is one value in
// one file, with its shape rule, its pass on the tape, its inference, its ONNX
// operators, its multiplications, and the rewrites in which it is done together
// with the operations before it.
//
// A program adds an operation of its own by implementing graph.Op, and
// graph.Trainable or graph.Rewriter where it has parameters or is done better
// with others. Package nn/optest checks it.
package op

import (
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// TakesActivation is an operation that can apply a following activation itself.
type TakesActivation interface {
	// WithActivation returns the operation with a applied to its result, or nil
	// when it cannot apply a in this mode.
	WithActivation(m graph.Mode, a Activation) graph.Op
}

// TakesResidual is an operation that can add another value, its second input, to
// its result.
type TakesResidual interface {
	// TakesResidual reports whether it can in this mode.
	TakesResidual(m graph.Mode) bool
}

// hasResidual reports whether the operation of v adds another value already.
func hasResidual(p *graph.Plan, v graph.Value) bool {
	own := 1
	if c, ok := p.Op(v).(*Conv); ok && c.scaled {
		own = 2
	}
	return len(p.Inputs(v)) > own
}

// TakesNorm is an operation into whose weights a batch norm that follows can be
// folded, for inference.
type TakesNorm interface {
	// WithNorm returns the operation with its result's channels times scale plus
	// shift, or nil when it cannot do that, or has not as many channels.
	WithNorm(scale, shift []float32) graph.Op
}

// affine is y = x*scale + shift for each channel; nil leaves y as it is.
type affine struct{ scale, shift []float32 }

// then returns f of an operation with a bias, which may be nil, followed by another
// scale and shift.
func (f *affine) then(bias, scale, shift []float32) *affine {
	g := &affine{append([]float32(nil), scale...), append([]float32(nil), shift...)}
	for i, s := range scale {
		switch {
		case f != nil:
			g.shift[i] += float32(f.shift[i] * s)
			g.scale[i] *= f.scale[i]
		case bias != nil:
			g.shift[i] += float32(bias[i] * s)
		}
	}
	return g
}

// weights writes the weights w, whose last dimension is the channels of the result,
// times scale.
func (f *affine) weights(dst, w []float32) {
	for at := 0; at < len(w); at += len(f.scale) {
		for i, v := range f.scale {
			dst[at+i] = w[at+i] * v
		}
	}
}

// reluEnd is an operation that may end in a ReLU, through which an operation that
// reads its result may take the gradient.
type reluEnd interface{ endsInReLU() bool }

// onlyReaderOfReLU reports whether the operation of v alone reads a value that is
// the result of a ReLU and needs a gradient: it then applies the ReLU's mask to
// the gradient that it computes, while that is in the cache, and the operation
// before finds the gradient of what is before its ReLU.
func onlyReaderOfReLU(p *graph.Plan, v graph.Value) bool {
	in := p.Inputs(v)[0]
	e, ok := p.Op(in).(reluEnd)
	return ok && e.endsInReLU() && p.Mode.Record && p.NeedsGrad(in) && p.Readers(in) == 1
}

// trains reports whether one of the parameters, which may be nil, needs a gradient.
func trains(params ...*autograd.Parameter) bool {
	for _, p := range params {
		if p != nil && p.RequiresGrad {
			return true
		}
	}
	return false
}

// switches returns the RequiresGrad of the parameters, which may be nil.
func switches(params ...*autograd.Parameter) []*bool {
	var s []*bool
	for _, p := range params {
		if p != nil {
			s = append(s, &p.RequiresGrad)
		}
	}
	return s
}

// data returns a parameter's values; nil for none.
func data(p *autograd.Parameter) []float32 {
	if p == nil {
		return nil
	}
	return p.Value.Data
}

// epilogue adds the nodes of what an operation does to its result y: add another
// value, if there is one, and an activation. With neither, y has the given name
// already.
func epilogue(e *graph.Exporter, name string, y onnx.Value, residual []onnx.Value, a Activation) onnx.Value {
	for _, r := range residual {
		sum := name
		if a != Identity {
			sum += "_sum"
		}
		y = e.Add(sum, y, r)
	}
	return a.export(e, name, y)
}

// wantMap returns an error unless s is the shape of maps, [N,H,W,C].
func wantMap(what string, s []int) error {
	if len(s) != 4 {
		return fmt.Errorf("input of shape %v reaches %s, want [N,H,W,C]", s, what)
	}
	return nil
}

// tooSmall is the error for maps from which no window of k×k can be taken.
func tooSmall(h, w, k int, what string) error {
	return fmt.Errorf("a %d×%d map is too small for a %d×%d %s: the picture is too small for this network", h, w, k, k, what)
}

// values returns the data of in[i], or nil when there is no such input.
func values(in []*tensor.Tensor, i int) []float32 {
	if i >= len(in) {
		return nil
	}
	return in[i].Data
}

// scalar adds a constant of no dimensions.
func scalar(e *graph.Exporter, name string, v float64) onnx.Value {
	return e.Initializer(&weights.Array{Name: name, Shape: []int{}, F32: []float32{float32(v)}})
}
