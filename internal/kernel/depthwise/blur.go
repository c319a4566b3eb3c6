package depthwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Blur is a 3×3 binomial filter, the outer product of [1 2 1]/4 with itself, over maps
// x [N,H,W,C] that their reflection surrounds, taken at every Stride-th pixel:
// y [N,⌈H/Stride⌉,⌈W/Stride⌉,C]. It is the depthwise convolution whose channels all have
// that window (Zhang 2019, https://arxiv.org/abs/1904.11486).
type Blur struct {
	N, H, W, C int
	Stride     int
}

// conv is the convolution.
func (b Blur) conv() Conv {
	return Conv{N: b.N, H: b.H, W: b.W, C: b.C, KH: 3, KW: 3, Stride: b.Stride, Pad: Padding{1, 1, 1, 1}, Reflect: true}
}

// Check reports a shape that cannot be computed: maps of one row or column have no
// reflection.
func (b Blur) Check() error { return b.conv().Check() }

// Out returns the height and width of the output.
func (b Blur) Out() (oh, ow int) { return b.conv().Out() }

// Forward computes y. It panics when a length does not fit.
func (b Blur) Forward(x, y []float32) {
	w := b.weights()
	defer ground.PutScratch(w)
	b.conv().Forward(x, w, nil, y, elementwise.Identity)
}

// Backward computes dx, the gradient of x, from dy. dx is overwritten. It panics when
// a length does not fit.
func (b Blur) Backward(dy, dx []float32) {
	w := b.weights()
	defer ground.PutScratch(w)
	b.conv().BackwardData(dy, w, dx)
}

// weights returns the filter of each channel, [3,3,C], in scratch memory.
func (b Blur) weights() []float32 {
	w := ground.GetScratch(9 * b.C)
	for i := range w {
		tap := i / b.C
		w[i] = float32((2-(tap/3-1)*(tap/3-1))*(2-(tap%3-1)*(tap%3-1))) / 16
	}
	return w
}
