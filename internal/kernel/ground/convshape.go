package ground

import "fmt"

// ConvShape describes a 2-D convolution (cross-correlation, as torch.nn.Conv2d
// computes it) over NHWC activations, with one group, no dilation, and the same
// stride in both directions.
//
// Shapes: x [N,H,W,C], w [KH,KW,C,K], y [N,OH,OW,K].
type ConvShape struct {
	N, H, W, C int // batch, height, width and channels of the input
	K          int // channels of the output
	KH, KW     int // size of the window
	Stride     int
	Pad        int  // zeros on each side
	Same       bool // TensorFlow's "same" padding in place of Pad
}

// Padding returns the zeros around the input.
func (c ConvShape) Padding() Padding {
	if !c.Same {
		return Padding{Top: c.Pad, Bottom: c.Pad, Left: c.Pad, Right: c.Pad}
	}
	return SamePadding(c.H, c.W, c.KH, c.KW, c.Stride)
}

// Out returns the height and width of the output,
// floor((size + padding - window)/Stride) + 1.
func (c ConvShape) Out() (oh, ow int) {
	p := c.Padding()
	return (c.H+p.Top+p.Bottom-c.KH)/c.Stride + 1, (c.W+p.Left+p.Right-c.KW)/c.Stride + 1
}

// Check reports a shape that cannot be computed: a dimension below 1, a
// negative padding, or a window larger than the padded input.
func (c ConvShape) Check() error {
	if c.N < 1 || c.H < 1 || c.W < 1 || c.C < 1 || c.K < 1 || c.KH < 1 || c.KW < 1 || c.Stride < 1 || c.Pad < 0 {
		return fmt.Errorf("convolution %+v: every dimension and the stride must be at least 1, the padding at least 0", c)
	}
	if p := c.Padding(); c.H+p.Top+p.Bottom < c.KH || c.W+p.Left+p.Right < c.KW {
		return fmt.Errorf("convolution of %dx%d (padding %d) by a window of %dx%d: the input is smaller than the window; use larger pictures", c.H, c.W, c.Pad, c.KH, c.KW)
	}
	return nil
}
