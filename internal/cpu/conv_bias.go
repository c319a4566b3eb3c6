package cpu

import "fmt"

// ConvForwardBias computes y = relu?(conv(x, w) + bias): x [N,H,W,C], w
// [KH,KW,C,K], bias [K] or nil. The pixels of y [N,OH,OW] lie yStride >= K
// floats apart and K values are written at each, so that y may be a slice of the
// channels of a concatenated tensor. Bias and ReLU are applied while a tile is in
// registers; the values are those of ConvForward followed by AddBias. It panics
// when a length does not fit.
func ConvForwardBias(c Conv, x, w, bias []float32, relu bool, y []float32, yStride int) {
	const op = "ConvForwardBias"
	if err := c.Check(); err != nil {
		panic("cpu." + op + ": " + err.Error())
	}
	oh, ow := c.Out()
	need(op, "x", len(x), c.N*c.H*c.W*c.C)
	need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	if pixels := c.N * oh * ow; yStride < c.K || len(y) < (pixels-1)*yStride+c.K {
		panic(fmt.Sprintf("cpu.%s: %d pixels of %d channels at stride %d do not fit an output of %d values", op, pixels, c.K, yStride, len(y)))
	}
	var panels []float32 // bias, filled up to whole panels
	if bias != nil {
		need(op, "bias", len(bias), c.K)
		panels = getScratch(roundUp(c.K, winoCols()))
		defer putScratch(panels)
		clear(panels[copy(panels, bias):])
	}
	if winogradWins(c, passForward) {
		g := winoForwardGeom(c)
		f := winoFilters{w: w, c: c.C, k: c.K, kc: g.kc()}
		winoConvolve(&g, x, &f, &winoEpilogue{y: y, yStride: yStride, bias: panels, relu: relu})
		return
	}
	g := forwardIGEMM(c, x, y, yStride)
	bp := getScratch(packedBLen(g.kBlocks()*kBlock, c.K))
	packForward(bp, c, w)
	g.run(bp, &epilogue{bias: panels, relu: relu})
	putScratch(bp)
}
