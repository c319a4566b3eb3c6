package conv

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Forward computes y [N,OH,OW,K] = conv(x [N,H,W,C], w [KH,KW,C/Groups,K]) with
// epilogue e, which must have no residual. It panics when a length does not fit.
func (c Grouped) Forward(x, w, y []float32, e elementwise.Epilogue) {
	const op = "conv.Grouped.Forward"
	c.mustCheck(op)
	ground.Need(op, "w", len(w), c.weights())
	s := c.forward(x, y, c.epilogue(op, len(x), y, e))
	s.relu, s.after = e.Split(op)
	s.measure()
	s.packed = ground.GetScratch(s.groupBlocks.count() * s.panelsLen)
	defer ground.PutScratch(s.packed)
	s.pack(s.packed, w)
	if e.Bias != nil {
		s.bias = ground.GetScratch(s.biasLen())
		defer ground.PutScratch(s.bias)
		s.packBias(s.bias, e.Bias)
	}
	s.run()
}

// epilogue checks the lengths of x and y and what e asks for, and returns the distance
// of y's pixels.
func (c *Grouped) epilogue(op string, x int, y []float32, e elementwise.Epilogue) int {
	oh, ow := c.Out()
	ground.Need(op, "x", x, c.N*c.H*c.W*c.C)
	if e.Residual != nil {
		panic(op + ": it adds no residual: leave Epilogue.Residual nil")
	}
	return e.Distance(op, c.N*oh*ow, c.K, y)
}

// forward returns the forward pass, to pixels of y that lie pix apart, without its
// panels and its epilogue.
func (c *Grouped) forward(x, y []float32, pix int) groupedSums {
	oh, ow := c.Out()
	return groupedSums{
		conv: *c, groupBlocks: blocksOf(c.Groups, c.C/c.Groups, c.K/c.Groups),
		src: x, n: c.N, h: c.H, w: c.W, c: c.C,
		dst: y, oh: oh, ow: ow, pix: pix, step: c.Stride, outStep: 1,
	}
}

// BackwardData computes dx [N,H,W,C], the gradient of the input, from
// dy [N,OH,OW,K] and w [KH,KW,C/Groups,K]. dx is overwritten, or with add added to. It
// panics when a length does not fit.
func (c Grouped) BackwardData(dy, w, dx []float32, add bool) {
	const op = "conv.Grouped.BackwardData"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "dy", len(dy), c.N*oh*ow*c.K)
	ground.Need(op, "w", len(w), c.weights())
	ground.Need(op, "dx", len(dx), c.N*c.H*c.W*c.C)
	s := c.backwardData(dy, dx, add)
	s.measure()
	s.packed = ground.GetScratch(s.groupBlocks.count() * s.panelsLen)
	defer ground.PutScratch(s.packed)
	s.pack(s.packed, w)
	s.run()
}

// backwardData returns the data gradient without its panels.
func (c *Grouped) backwardData(dy, dx []float32, add bool) groupedSums {
	oh, ow := c.Out()
	return groupedSums{
		conv: *c, backward: true, groupBlocks: blocksOf(c.Groups, c.K/c.Groups, c.C/c.Groups),
		src: dy, n: c.N, h: oh, w: ow, c: c.K,
		dst: dx, oh: c.H, ow: c.W, pix: c.C, step: 1, outStep: c.Stride, add: add,
	}
}

// PackedGrouped is a grouped convolution prepared for inference: its weights are
// packed once, in the layout of the instruction set in use, and may be used by any
// number of goroutines at once.
type PackedGrouped struct {
	c            Grouped // N, H, W and Pad unused
	set          *isa.Set
	packed, bias []float32
}

// PackGrouped packs w [KH,KW,C/Groups,K] and bias [K], which may be nil; both are
// copied. c.N, c.H, c.W and c.Pad are ignored. It panics when a length does not fit the
// shape. The memory comes from alloc, as for Pack.
func PackGrouped(alloc func(n int) []float32, c Grouped, w, bias []float32) *PackedGrouped {
	const op = "conv.PackGrouped"
	c.N, c.H, c.W, c.Pad = 1, c.KH, c.KW, ground.Padding{}
	c.mustCheck(op)
	ground.Need(op, "w", len(w), c.weights())
	ground.NeedOptional(op, "bias", bias, c.K)
	p := &PackedGrouped{c: c, set: isa.Active()}
	s := c.forward(nil, nil, c.K)
	s.measure()
	p.packed = alloc(s.groupBlocks.count() * s.panelsLen)
	s.pack(p.packed, w)
	if bias != nil {
		p.bias = alloc(s.biasLen())
		s.packBias(p.bias, bias)
	}
	return p
}

// Forward computes y [n,OH,OW,K] = conv(x [n,h,w,C]) + bias, the bias that was packed,
// for maps padded by pad, with epilogue e, whose own Bias and Residual must be nil. It
// panics when a length does not fit, or when another instruction set is in use than at
// PackGrouped.
func (p *PackedGrouped) Forward(n, h, w int, pad ground.Padding, x, y []float32, e elementwise.Epilogue) {
	const op = "conv.PackedGrouped.Forward"
	c := p.c
	c.N, c.H, c.W, c.Pad = n, h, w, pad
	c.mustCheck(op)
	if e.Bias != nil {
		panic(op + ": the bias is packed with the weights; leave Epilogue.Bias nil")
	}
	if p.set != isa.Active() {
		panic(fmt.Sprintf("%s: weights were packed for %s, but %s is in use; pack them again", op, p.set, isa.Active()))
	}
	s := c.forward(x, y, c.epilogue(op, len(x), y, e))
	s.relu, s.after = e.Split(op)
	s.measure()
	s.packed, s.bias = p.packed, p.bias
	s.run()
}
