package depthwise

import "github.com/whippet-ml/whippet/internal/kernel/ground"

// Forward computes y [N,OH,OW,C] = conv(x [N,H,W,C], w [KH,KW,C]) + bias [C],
// which may be nil, within bounds. It panics when a length does not fit.
func (c Conv) Forward(x, w, bias, y []float32, within Bounds) {
	const op = "depthwise.Conv.Forward"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "w", len(w), c.KH*c.KW*c.C)
	ground.NeedOptional(op, "bias", bias, c.C)
	ground.Need(op, "y", len(y), c.N*oh*ow*c.C)
	s := sums{
		c: c.C, n: c.N, h: c.H, w: c.W, oh: oh, ow: ow, step: c.Stride, outStep: 1,
		phases: []phase{{
			rows: axis{first: -c.Pad.Top, taps: c.KH, outputs: oh},
			cols: axis{first: -c.Pad.Left, taps: c.KW, outputs: ow},
		}},
		src: x, weights: w, bias: bias, dst: y, within: within,
	}
	s.run()
}
