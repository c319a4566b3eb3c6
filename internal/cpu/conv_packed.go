package cpu

import "fmt"

// PackedConv is a convolution prepared for inference: its weights are packed
// once, in the layout of the level that was active, and may be used by any
// number of goroutines at once. A linear layer is a 1x1 convolution over 1x1
// maps.
type PackedConv struct {
	c     Conv // N, H, W unused
	level Level
	bp    []float32
	bias  []float32 // filled up to whole panels, or nil
}

// PackConv packs w [KH,KW,C,K] and bias [K], which may be nil. c.N, c.H and c.W
// are ignored. It panics when a length does not fit the shape.
func PackConv(c Conv, w, bias []float32) *PackedConv {
	mustLen("PackConv", "weight", len(w), c.KH*c.KW*c.C*c.K)
	p := &PackedConv{c: c, level: level}
	g := forwardIGEMM(Conv{N: 1, H: c.KH, W: c.KW, C: c.C, K: c.K, KH: c.KH, KW: c.KW, Stride: 1}, nil, nil, 0)
	p.bp = alignedFloats(packedBLen(g.kBlocks()*kBlock, c.K))
	packForward(p.bp, c, w)
	if bias != nil {
		mustLen("PackConv", "bias", len(bias), c.K)
		p.bias = alignedFloats(ceilDiv(c.K, tileCols()) * tileCols())
		copy(p.bias, bias)
	}
	return p
}

// Bytes returns the memory that the packed weights take.
func (p *PackedConv) Bytes() int { return (len(p.bp) + len(p.bias)) * 4 }

// Forward computes y = relu?(conv(x) + bias + residual) for x [n,h,w,C]. The
// pixels of y [n,OH,OW] lie yStride >= K floats apart and K values are written
// at each, so that y may be a slice of the channels of a concatenated tensor.
// residual is nil or dense [n,OH,OW,K]; it may share memory with y only if it is
// exactly y. Forward panics when a length does not fit, or when the level has
// changed since PackConv.
func (p *PackedConv) Forward(n, h, w int, x, residual []float32, relu bool, y []float32, yStride int) {
	c := p.c
	c.N, c.H, c.W = n, h, w
	if err := c.Check(); err != nil {
		panic("cpu: PackedConv.Forward: " + err.Error())
	}
	oh, ow := c.Out()
	pixels := n * oh * ow
	mustLen("PackedConv.Forward", "input", len(x), n*h*w*c.C)
	if residual != nil {
		mustLen("PackedConv.Forward", "residual", len(residual), pixels*c.K)
	}
	if yStride < c.K || len(y) < (pixels-1)*yStride+c.K {
		panic(fmt.Sprintf("cpu: PackedConv.Forward: %d pixels of %d channels at stride %d do not fit an output of %d values", pixels, c.K, yStride, len(y)))
	}
	if p.level != level {
		panic(fmt.Sprintf("cpu: PackedConv.Forward: weights were packed for level %s, but %s is active; pack them again", p.level, level))
	}
	g := forwardIGEMM(c, x, y, yStride)
	g.run(p.bp, &epilogue{bias: p.bias, residual: residual, relu: relu})
}
