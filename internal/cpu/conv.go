package cpu

import "fmt"

// Conv describes a 2-D convolution (cross-correlation, as torch.nn.Conv2d
// computes it) over NHWC activations, with one group, no dilation, and the same
// stride and zero padding in both directions.
//
// Shapes: x [N,H,W,C], w [KH,KW,C,K], y [N,OH,OW,K].
type Conv struct {
	N, H, W, C  int // batch, height, width and channels of the input
	K           int // channels of the output
	KH, KW      int // size of the window
	Stride, Pad int
}

// Out returns the height and width of the output,
// floor((size + 2*Pad - window)/Stride) + 1.
func (c Conv) Out() (oh, ow int) {
	return (c.H+2*c.Pad-c.KH)/c.Stride + 1, (c.W+2*c.Pad-c.KW)/c.Stride + 1
}

// Check reports a shape that cannot be computed: a dimension below 1, a
// negative padding, or a window larger than the padded input.
func (c Conv) Check() error {
	if c.N < 1 || c.H < 1 || c.W < 1 || c.C < 1 || c.K < 1 || c.KH < 1 || c.KW < 1 || c.Stride < 1 || c.Pad < 0 {
		return fmt.Errorf("convolution %+v: every dimension and the stride must be at least 1, the padding at least 0", c)
	}
	if c.H+2*c.Pad < c.KH || c.W+2*c.Pad < c.KW {
		return fmt.Errorf("convolution of %dx%d (padding %d) by a window of %dx%d: the input is smaller than the window; use larger pictures", c.H, c.W, c.Pad, c.KH, c.KW)
	}
	return nil
}

// mustFit panics, naming the operation, when the shape is impossible or a slice
// has not the length that the shape demands: both are errors of the caller, who
// checks what comes from outside with Check.
func (c Conv) mustFit(op string, x, w, y []float32) {
	if err := c.Check(); err != nil {
		panic("cpu." + op + ": " + err.Error())
	}
	oh, ow := c.Out()
	need(op, "x", len(x), c.N*c.H*c.W*c.C)
	need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	need(op, "y", len(y), c.N*oh*ow*c.K)
}

// ConvBackwardData computes dx [N,H,W,C], the gradient of the input, from
// dy [N,OH,OW,K] and w [KH,KW,C,K]. dx is overwritten. It panics when a length
// does not fit.
func ConvBackwardData(c Conv, dy, w, dx []float32) {
	c.mustFit("ConvBackwardData", dx, w, dy)
	if winogradWins(c, passBackwardData) {
		winogradBackwardData(c, dy, w, dx)
		return
	}
	directBackwardData(c, dy, w, dx)
}

// ConvBackwardWeights computes dw [KH,KW,C,K], the gradient of the weights,
// from x [N,H,W,C] and dy [N,OH,OW,K]. dw is overwritten. It panics when a
// length does not fit.
func ConvBackwardWeights(c Conv, x, dy, dw []float32) {
	c.mustFit("ConvBackwardWeights", x, dw, dy)
	if winogradWins(c, passBackwardWeights) {
		winogradBackwardWeights(c, x, dy, dw)
		return
	}
	directBackwardWeights(c, x, dy, dw)
}
