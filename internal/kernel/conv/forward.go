package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
)

// Forward computes y [N,OH,OW,K] = conv(x [N,H,W,C], w [KH,KW,C,K]) with
// epilogue e, which is applied while a tile is in registers or in the nearest
// cache. It panics when a length does not fit.
func (c Conv) Forward(x, w, y []float32, e elementwise.Epilogue) {
	const op = "conv.Conv.Forward"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	stride := e.Distance(op, c.N*oh*ow, c.K, y)
	relu, after := e.Split(op)
	var panels []float32 // bias, filled up to whole panels
	if e.Bias != nil {
		panels = ground.GetScratch(ground.RoundUp(c.K, winograd.Cols()))
		defer ground.PutScratch(panels)
		clear(panels[copy(panels, e.Bias):])
	}
	if winograd.Wins(ground.ConvShape(c), winograd.PassForward) {
		winograd.Forward(ground.ConvShape(c), x, w, winograd.Epilogue{Y: y, YStride: stride, Bias: panels, Residual: e.Residual, ReLU: relu, After: after})
		return
	}
	g := forwardIGEMM(c, x, y, stride)
	bp := ground.GetScratch(gemm.PackedBLen(g.kBlocks()*gemm.KBlock, c.K))
	packForward(bp, c, w)
	g.run(bp, &epilogue{bias: panels, residual: e.Residual, relu: relu, after: after})
	ground.PutScratch(bp)
}
