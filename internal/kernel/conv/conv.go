package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Conv is a 2-D convolution over NHWC activations, with one group and no
// dilation: fields and shapes are those of ConvShape.
type Conv ground.ConvShape

// Out returns the height and width of the output, as ConvShape.Out does.
func (c Conv) Out() (oh, ow int) { return ground.ConvShape(c).Out() }

// Check reports a shape that cannot be computed, as ConvShape.Check does.
func (c Conv) Check() error { return ground.ConvShape(c).Check() }

// FewChannels reports whether pixels have so few channels that a window's follow each other without filling up, as
// a picture's do: MaxPool.Fits only such.
func (c Conv) FewChannels() bool { return gemm.UseFlat(c.C) }

// pointwise reports whether windows are single pixels, none of them in the padding.
func (c Conv) pointwise() bool { return c.KH == 1 && c.KW == 1 && (c.Same || c.Pad == 0) }

// mustCheck panics, naming the operation, when the shape is impossible: an error
// of the caller, who checks what comes from outside with Check.
func (c Conv) mustCheck(op string) {
	if err := c.Check(); err != nil {
		panic(op + ": " + err.Error())
	}
}
