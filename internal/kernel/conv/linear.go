package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
)

// Linear is the product x·wᵀ of many rows, pixels or tokens, with the weights w
// [Out,In] of a linear layer: a convolution with windows of one pixel, whose weights
// are stored the other way round.
type Linear struct {
	Rows, In, Out int
}

// Forward computes y [Rows,Out] = x [Rows,In]·wᵀ with epilogue e. It panics when a
// length does not fit.
func (l Linear) Forward(x, w, y []float32, e elementwise.Epilogue) {
	const op = "conv.Linear.Forward"
	c := pixels(l.Rows, l.In, l.Out)
	c.mustCheck(op)
	ground.Need(op, "x", len(x), l.Rows*l.In)
	ground.Need(op, "w", len(w), l.In*l.Out)
	stride := e.Distance(op, l.Rows, l.Out, y)
	relu, after := e.Split(op)
	var panels []float32 // bias, filled up to whole panels
	if e.Bias != nil {
		panels = ground.GetScratch(ground.RoundUp(l.Out, winograd.Cols()))
		defer ground.PutScratch(panels)
		clear(panels[copy(panels, e.Bias):])
	}
	g := forwardIGEMM(c, x, y, stride)
	bp := ground.GetScratch(gemm.PackedBLen(g.kBlocks()*gemm.KBlock, l.Out))
	defer ground.PutScratch(bp)
	packTaps(bp, filterTaps{w: w, cols: 1, size: l.In * l.Out}, l.In, l.Out, 1, true)
	g.run(bp, &epilogue{bias: panels, residual: e.Residual, relu: relu, after: after})
}

// BackwardWeights computes dw [Out,In], the gradient of the weights, from x [Rows,In]
// and dy [Rows,Out]. dw is overwritten.
func (l Linear) BackwardWeights(x, dy, dw []float32) {
	pixels(l.Rows, l.Out, l.In).BackwardWeights(dy, x, dw)
}

// BackwardData computes dx [Rows,In], the gradient of the input, from dy [Rows,Out]
// and w [Out,In], or with add adds it to dx.
func (l Linear) BackwardData(dy, w, dx []float32, add bool) {
	e := elementwise.Epilogue{}
	if add {
		e.Residual = dx
	}
	pixels(l.Rows, l.Out, l.In).Forward(dy, w, dx, e)
}

// pixels is a convolution with windows of one pixel.
func pixels(rows, c, k int) Conv {
	return Conv{N: 1, H: 1, W: rows, C: c, K: k, KH: 1, KW: 1, Stride: 1}
}
