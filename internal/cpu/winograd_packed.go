package cpu

// winoPacked is a 3x3 layer packed for inference, read only, so that any number
// of goroutines may share it.
//
// U has four times the bytes of the filters. A layer of the fused schedule
// keeps it; the large layers of the staged schedule transform the filters from
// the panels of the direct sum as they are used, which takes a few percent of
// the time, and less memory to hold and to read.
type winoPacked struct {
	c, k, pad int
	u         []float32 // of the fused schedule
	bp        []float32
	bias      []float32 // padded to whole panels, or nil
}

// packWinograd prepares the layer c, of which N, H and W are ignored. Its
// filters as the panels of the direct sum, bp, and bias [K filled up to whole
// panels], which may be nil, must not change while the result is in use. The
// result belongs to the instruction set in use when it was made.
func packWinograd(alloc func(n int) []float32, c Conv, bp, bias []float32) *winoPacked {
	p := &winoPacked{c: c.C, k: c.K, pad: c.Pad, bias: bias, bp: bp}
	if winoFused(c.C, c.K) {
		g := winoGeom{c: c.C, k: c.K}
		f := winoFilters{bp: bp, c: c.C, k: c.K, kc: g.kc()}
		p.u = alloc(f.size())
		f.pack(p.u)
	}
	return p
}

// forward computes y = relu?(conv(x)+bias+residual?) for x [n,h,w,C]; residual
// is [n,OH,OW,K] or nil and may be y itself; pixel i of the result is
// y[i*yStride:][:K].
func (p *winoPacked) forward(n, h, w int, x, residual []float32, relu bool, y []float32, yStride int) {
	c := Conv{N: n, H: h, W: w, C: p.c, K: p.k, KH: 3, KW: 3, Stride: 1, Pad: p.pad}
	g := winoForwardGeom(c)
	f := winoFilters{bp: p.bp, u: p.u, c: p.c, k: p.k, kc: g.kc()}
	winoConvolve(&g, x, &f, &winoEpilogue{y: y, yStride: yStride, bias: p.bias, residual: residual, relu: relu})
}
