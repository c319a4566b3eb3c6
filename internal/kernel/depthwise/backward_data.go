package depthwise

import "github.com/whippet-ml/whippet/internal/kernel/ground"

// BackwardData computes dx [N,H,W,C], the gradient of the input, from
// dy [N,OH,OW,C] and w [KH,KW,C]. dx is overwritten. It panics when a length does
// not fit.
//
// At stride s the pixels of one of s² phases, rows and columns each s apart, have the
// same taps: their gradients are sums over windows of dy, with stride 1 and the
// weights of the phase in reverse order.
func (c Conv) BackwardData(dy, w, dx []float32) {
	const op = "depthwise.Conv.BackwardData"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "dy", len(dy), c.N*oh*ow*c.C)
	ground.Need(op, "w", len(w), c.KH*c.KW*c.C)
	ground.Need(op, "dx", len(dx), c.N*c.H*c.W*c.C)
	turned := ground.GetScratch(len(w))
	defer ground.PutScratch(turned)
	s := sums{
		c: c.C, n: c.N, h: oh, w: ow, oh: c.H, ow: c.W, step: 1, outStep: c.Stride,
		conv: c, backward: true, phases: min(c.Stride, c.H) * min(c.Stride, c.W),
		src: dy, dst: dx, within: unbounded,
	}
	at := 0
	for k := range s.phases {
		p := c.gradPhase(k)
		for i := range p.rows.taps {
			for j := range p.cols.taps {
				ky := (p.rows.at+c.Pad.Top)%c.Stride + (p.rows.taps-1-i)*c.Stride
				kx := (p.cols.at+c.Pad.Left)%c.Stride + (p.cols.taps-1-j)*c.Stride
				copy(turned[at*c.C:][:c.C], w[(ky*c.KW+kx)*c.C:])
				at++
			}
		}
	}
	s.packed = ground.GetScratch(packedLen(c.C, at))
	defer ground.PutScratch(s.packed)
	packWeights(s.packed, turned, nil, c.C, at)
	s.run()
	if c.Reflect {
		c.addReflections(dy, w, dx)
	}
}

// gradPhase is phase i of the input's pixels.
func (c *Conv) gradPhase(i int) phase {
	across := min(c.Stride, c.W)
	return phase{
		rows: gradAxis(i/across, c.Pad.Top, c.KH, c.Stride, c.H),
		cols: gradAxis(i%across, c.Pad.Left, c.KW, c.Stride, c.W),
	}
}

// gradAxis is one direction of the phase of the n input positions i, i+stride, …:
// of the window of k taps those lead to an output whose distance from the padded
// position is a multiple of the stride.
func gradAxis(i, pad, k, stride, n int) axis {
	r := (i + pad) % stride
	taps := 0
	if r < k {
		taps = ground.CeilDiv(k-r, stride)
	}
	return axis{first: (i+pad)/stride - taps + 1, taps: taps, at: i, outputs: ground.CeilDiv(n-i, stride)}
}
