package cpu

// Forward computes y [N,OH,OW,K] = conv(x [N,H,W,C], w [KH,KW,C,K]) with
// epilogue e, which is applied while a tile is in registers. It panics when a
// length does not fit.
func (c Conv) Forward(x, w, y []float32, e Epilogue) {
	const op = "Conv.Forward"
	c.mustCheck(op)
	oh, ow := c.Out()
	need(op, "x", len(x), c.N*c.H*c.W*c.C)
	need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	stride, relu := e.stride(op, c.N*oh*ow, c.K, y), e.relu(op)
	var panels []float32 // bias, filled up to whole panels
	if e.Bias != nil {
		panels = getScratch(roundUp(c.K, winoCols()))
		defer putScratch(panels)
		clear(panels[copy(panels, e.Bias):])
	}
	if winogradWins(c, passForward) {
		g := winoForwardGeom(c)
		f := winoFilters{w: w, c: c.C, k: c.K, kc: g.kc()}
		winoConvolve(&g, x, &f, &winoEpilogue{y: y, yStride: stride, bias: panels, residual: e.Residual, relu: relu})
		return
	}
	g := forwardIGEMM(c, x, y, stride)
	bp := getScratch(packedBLen(g.kBlocks()*kBlock, c.K))
	packForward(bp, c, w)
	g.run(bp, &epilogue{bias: panels, residual: e.Residual, relu: relu})
	putScratch(bp)
}
