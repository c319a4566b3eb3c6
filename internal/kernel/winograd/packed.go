package winograd

import "github.com/whippet-ml/whippet/internal/kernel/ground"

// Packed is a 3x3 layer packed for inference, read only, so that any number
// of goroutines may share it.
//
// U has four times the bytes of the filters. A layer of the fused schedule
// keeps it; the large layers of the staged schedule transform the filters from
// the panels of the direct sum as they are used, which takes a few percent of
// the time, and less memory to hold and to read.
type Packed struct {
	c, k, pad int
	u         []float32 // of the fused schedule
	bp        []float32
	bias      []float32 // padded to whole panels, or nil
}

// Pack prepares the layer c, of which N, H and W are ignored. Its
// filters as the panels of the direct sum, bp, and bias [K filled up to whole
// panels], which may be nil, must not change while the result is in use. The
// result belongs to the instruction set in use when it was made.
func Pack(alloc func(n int) []float32, c ground.ConvShape, bp, bias []float32) *Packed {
	p := &Packed{c: c.C, k: c.K, pad: c.Pad, bias: bias, bp: bp}
	if winoFused(c.C, c.K) {
		g := winoGeom{c: c.C, k: c.K}
		f := winoFilters{bp: bp, c: c.C, k: c.K, kc: g.kc()}
		p.u = alloc(f.size())
		f.pack(p.u)
	}
	return p
}

// Floats returns how many floats it keeps besides the panels and bias that it was
// given.
func (p *Packed) Floats() int { return len(p.u) }

// Forward computes the convolution of x [n,h,w,C] with epilogue e, whose bias is
// that of the layer.
func (p *Packed) Forward(n, h, w int, x []float32, e Epilogue) {
	c := ground.ConvShape{N: n, H: h, W: w, C: p.c, K: p.k, KH: 3, KW: 3, Stride: 1, Pad: p.pad}
	g := winoForwardGeom(c)
	f := winoFilters{bp: p.bp, u: p.u, c: p.c, k: p.k, kc: g.kc()}
	e.Bias = p.bias
	winoConvolve(&g, x, &f, &e)
}
