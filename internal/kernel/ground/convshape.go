package ground

import "fmt"

// ConvShape describes a 2-D convolution (cross-correlation, as torch.nn.Conv2d
// computes it) over NHWC activations, with one group, no dilation, and the same
// stride and zero padding in both directions.
//
// Shapes: x [N,H,W,C], w [KH,KW,C,K], y [N,OH,OW,K].
type ConvShape struct {
	N, H, W, C  int // batch, height, width and channels of the input
	K           int // channels of the output
	KH, KW      int // size of the window
	Stride, Pad int
}

// Out returns the height and width of the output,
// floor((size + 2*Pad - window)/Stride) + 1.
func (c ConvShape) Out() (oh, ow int) {
	return (c.H+2*c.Pad-c.KH)/c.Stride + 1, (c.W+2*c.Pad-c.KW)/c.Stride + 1
}

// Check reports a shape that cannot be computed: a dimension below 1, a
// negative padding, or a window larger than the padded input.
func (c ConvShape) Check() error {
	if c.N < 1 || c.H < 1 || c.W < 1 || c.C < 1 || c.K < 1 || c.KH < 1 || c.KW < 1 || c.Stride < 1 || c.Pad < 0 {
		return fmt.Errorf("convolution %+v: every dimension and the stride must be at least 1, the padding at least 0", c)
	}
	if c.H+2*c.Pad < c.KH || c.W+2*c.Pad < c.KW {
		return fmt.Errorf("convolution of %dx%d (padding %d) by a window of %dx%d: the input is smaller than the window; use larger pictures", c.H, c.W, c.Pad, c.KH, c.KW)
	}
	return nil
}
