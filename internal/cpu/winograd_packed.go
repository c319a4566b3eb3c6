package cpu

// winoPacked is a 3x3 layer packed for inference: the transformed filters of
// all panels, and the bias padded to whole panels. It is read only, so any
// number of goroutines may share it.
type winoPacked struct {
	c, k, pad int
	f         winoFilters
	bias      []float32
}

// packWinograd transforms w [3,3,C,K] and copies bias [K] (which may be nil)
// for the layer c, of which N, H and W are ignored. The result belongs to the
// level at which it was made.
func packWinograd(c Conv, w, bias []float32) *winoPacked {
	p := &winoPacked{c: c.C, k: c.K, pad: c.Pad,
		f: winoFilters{w: w, c: c.C, k: c.K, kc: winoChunk(c.C, c.K)}}
	p.f.pack(alignedFloats(p.f.size()))
	p.f.w = nil // U is all that forward needs
	if bias != nil {
		p.bias = make([]float32, p.f.panels()*winoCols())
		copy(p.bias, bias)
	}
	return p
}

// bytes returns the memory that the packed layer holds.
func (p *winoPacked) bytes() int { return 4 * (len(p.f.u) + len(p.bias)) }

// forward computes y = relu?(conv(x)+bias+residual?) for x [n,h,w,C]; residual
// is [n,OH,OW,K] or nil, and pixel i of the result is y[i*yStride:][:K].
func (p *winoPacked) forward(n, h, w int, x, residual []float32, relu bool, y []float32, yStride int) {
	c := Conv{N: n, H: h, W: w, C: p.c, K: p.k, KH: 3, KW: 3, Stride: 1, Pad: p.pad}
	g := winoForwardGeom(c)
	f := p.f
	winoConvolve(&g, x, &f, &winoEpilogue{y: y, yStride: yStride, bias: p.bias, residual: residual, relu: relu})
}
