package depthwise

import "fmt"

// Padding is how many rows and columns surround the input, zeros unless Conv.Reflect
// says otherwise. The sides may differ, as in TensorFlow's "same" padding at stride 2.
type Padding struct{ Top, Bottom, Left, Right int }

// Conv is a depthwise 2-D convolution (cross-correlation, as torch.nn.Conv2d with
// as many groups as channels computes it) over NHWC activations.
//
// Shapes: x [N,H,W,C], w [KH,KW,C], y [N,OH,OW,C].
type Conv struct {
	N, H, W, C int // batch, height, width and channels
	KH, KW     int // size of the window
	Stride     int // in both directions
	Pad        Padding

	// Reflect fills the padding with the input's reflection in the middle of its
	// outermost rows and columns, as torch's "reflect" does: row -1 is row 1.
	Reflect bool
}

// Out returns the height and width of the output,
// floor((size + padding - window)/Stride) + 1.
func (c Conv) Out() (oh, ow int) {
	return (c.H+c.Pad.Top+c.Pad.Bottom-c.KH)/c.Stride + 1, (c.W+c.Pad.Left+c.Pad.Right-c.KW)/c.Stride + 1
}

// Check reports a shape that cannot be computed: a dimension below 1, a negative
// padding, a window larger than the padded input, or more padding to be reflected
// than there are rows or columns beside the outermost.
func (c Conv) Check() error {
	p := c.Pad
	if min(c.N, c.H, c.W, c.C, c.KH, c.KW, c.Stride) < 1 || min(p.Top, p.Bottom, p.Left, p.Right) < 0 {
		return fmt.Errorf("depthwise convolution %+v: every dimension and the stride must be at least 1, the padding at least 0", c)
	}
	if c.H+p.Top+p.Bottom < c.KH || c.W+p.Left+p.Right < c.KW {
		return fmt.Errorf("depthwise convolution of %dx%d (padding %+v) by a window of %dx%d: the input is smaller than the window; use larger pictures", c.H, c.W, p, c.KH, c.KW)
	}
	if c.Reflect && (max(p.Top, p.Bottom) >= c.H || max(p.Left, p.Right) >= c.W) {
		return fmt.Errorf("depthwise convolution of %dx%d: a padding of %+v that reflects the input is too large for it; use larger pictures", c.H, c.W, p)
	}
	return nil
}

// mustCheck panics, naming the operation, when the shape is impossible: an error
// of the caller, who checks what comes from outside with Check.
func (c Conv) mustCheck(op string) {
	if err := c.Check(); err != nil {
		panic(op + ": " + err.Error())
	}
}
