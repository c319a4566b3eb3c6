package elementwise

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Activation is a function that is applied to every value of a layer's result:
// by itself, with Apply and Backward, or by an operation that has the values at
// hand, as part of its Epilogue.
type Activation uint8

// The activations, with the definitions that torch.nn has of them. A NaN stays
// NaN in all.
const (
	Identity    Activation = iota // x
	ReLU                          // max(x, 0)
	ReLU6                         // min(max(x, 0), 6)
	Sigmoid                       // 1/(1 + exp(-x))
	SiLU                          // x*sigmoid(x), also known as swish
	Hardsigmoid                   // min(max(x+3, 0), 6)/6
	Hardswish                     // x*hardsigmoid(x)
	GELU                          // x*Φ(x), Φ being the distribution function of the standard normal
	GELUTanh                      // x*(1 + tanh(√(2/π)*(x + 0.044715*x³)))/2, which is close to GELU

	activations = iota // how many there are
)

// String returns the activation's name.
func (a Activation) String() string {
	if !a.Known() {
		return fmt.Sprintf("activation %d", uint8(a))
	}
	return scalars[a].name
}

// Known reports whether a is one of the constants.
func (a Activation) Known() bool { return a < activations }

// check panics unless a is one of the constants.
func (a Activation) check(op string) {
	if !a.Known() {
		panic(fmt.Sprintf("%s: there is no %v", op, a))
	}
}

// Apply computes y = a(x). y may be x.
func (a Activation) Apply(x, y []float32) {
	const op = "elementwise.Activation.Apply"
	a.check(op)
	ground.Need(op, "y", len(y), len(x))
	type args struct {
		a    Activation
		x, y []float32
	}
	parallel.ChunksWith(len(x), rowwise.FlatChunk, args{a, x, y}, func(v *args, lo, hi int) {
		activate(v.a, v.x[lo:hi], v.y[lo:hi])
	})
}

// Backward computes dx = dy*a'(x), the gradient of x from that of a(x). For
// ReLU x may be its result too: the sign is the same. dx may be dy or x.
func (a Activation) Backward(dy, x, dx []float32) {
	const op = "elementwise.Activation.Backward"
	a.check(op)
	ground.Need(op, "x", len(x), len(dy))
	ground.Need(op, "dx", len(dx), len(dy))
	type args struct {
		a         Activation
		dy, x, dx []float32
	}
	parallel.ChunksWith(len(dy), rowwise.FlatChunk, args{a, dy, x, dx}, func(v *args, lo, hi int) {
		activateGrad(v.a, v.dy[lo:hi], v.x[lo:hi], v.dx[lo:hi])
	})
}

// Tile applies a, in place, to rows of c values, each row stride values after
// the one before, on the calling goroutine alone: to what a matrix product has
// just left in the cache. Identity costs a comparison.
func (a Activation) Tile(y []float32, rows, c, stride int) {
	if a != Identity {
		a.tile(y, rows, c, stride)
	}
}

// tile is the rest of Tile, apart so that the comparison is inlined.
func (a Activation) tile(y []float32, rows, c, stride int) {
	const op = "elementwise.Activation.Tile"
	a.check(op)
	ground.NeedStrided(op, "y", len(y), rows, c, stride)
	activateTile(a, y, rows, c, stride)
}
