package depthwise

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Forward computes y [N,OH,OW,C] = a(conv(x [N,H,W,C], w [KH,KW,C]) + bias [C]);
// bias may be nil. It panics when a length does not fit.
func (c Conv) Forward(x, w, bias, y []float32, a elementwise.Activation) {
	const op = "depthwise.Conv.Forward"
	c.mustCheck(op)
	ground.Need(op, "w", len(w), c.KH*c.KW*c.C)
	ground.NeedOptional(op, "bias", bias, c.C)
	packed := ground.GetScratch(packedLen(c.C, c.KH*c.KW))
	defer ground.PutScratch(packed)
	packWeights(packed, w, bias, c.C, c.KH*c.KW)
	c.forward(op, x, packed, y, a)
}

// forward is Forward with packed weights.
func (c Conv) forward(op string, x, packed, y []float32, a elementwise.Activation) {
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	s := c.sums(op, packed, y, a)
	s.src = x
	s.run()
}

// sums returns the sums of which the results consist, without their source.
func (c Conv) sums(op string, packed, y []float32, a elementwise.Activation) sums {
	oh, ow := c.Out()
	ground.Need(op, "y", len(y), c.N*oh*ow*c.C)
	s := sums{
		c: c.C, n: c.N, h: c.H, w: c.W, oh: oh, ow: ow, step: c.Stride, outStep: 1,
		conv: c, phases: 1,
		packed: packed, dst: y, within: unbounded,
	}
	// ReLU and ReLU6 are bounds, which kernels apply; the others are applied to what
	// is in the cache.
	switch a {
	case elementwise.ReLU:
		s.within.low = 0
	case elementwise.ReLU6:
		s.within = bounds{0, 6}
	default:
		s.activation = a
	}
	return s
}

// whole is the one phase of all outputs.
func (c *Conv) whole() phase {
	oh, ow := c.Out()
	return phase{
		rows: axis{first: -c.Pad.Top, taps: c.KH, outputs: oh},
		cols: axis{first: -c.Pad.Left, taps: c.KW, outputs: ow},
	}
}

// bounds are what results are limited to. A NaN stays NaN.
type bounds struct{ low, high float32 }

// unbounded leaves results as they are.
var unbounded = bounds{float32(math.Inf(-1)), float32(math.Inf(1))}
