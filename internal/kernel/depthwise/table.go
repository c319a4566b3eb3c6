package depthwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// group is how many outputs the kernels compute at once: 7 divides the maps of
// networks for 224 pixels, and with two vectors each fills AVX2's registers.
const group = 7

// packArgs is the argument of the kernels that copy pixels of c channels, stride
// floats apart in a map, to blocks, which are blockStep floats apart, their last
// filled up with zeros; and back.
type packArgs struct {
	dense, blocks     *float32
	pixels, c, stride int
	blockStep         int
}

// windowArgs is the argument of the kernels that sum over windows, for one block
// of channels: groups of outputs, whose windows of rows x cols taps begin xStep
// floats apart.
type windowArgs struct {
	x, w, bias, y *float32
	rows, cols    int
	xSkip         int // from the end of a row of the window to the next row
	xStep, yStep  int // from an output to the next
	channels      int // of the block that are computed: a vector's or all
	groups        int
	low, high     float32 // the bounds of y
}

// gradArgs is the argument of the kernels of the weights' gradient, for one block
// of channels of x and dy, of rows of groups of outputs.
type gradArgs struct {
	x, dy, dw    *float32
	rows, groups int
	xRow         int // from a row of x to the next
	xStep        int // from an output's first tap to the next one's
	xSkip        int // from the end of a row of outputs to the next row's first, besides
}

// fewOutputs and manyOutputs are the outputs of a group of the kernels of the
// weights' gradient, few where there are many taps.
const (
	fewOutputs  = 4
	manyOutputs = 7
)

// byStride are kernels for strides 1 and 2.
type byStride[A any] [2]func(a *A)

// kernels are the kernels of depthwise convolutions for one instruction set.
type kernels struct {
	Block int // channels of a block: two vectors

	Pack, Unpack, UnpackNonTemporal func(a *packArgs)

	Windows                      func(a *windowArgs)
	Windows3, Windows5, Windows7 byStride[windowArgs] // of so many columns

	Grad3x3, Grad2x5, Grad1x5 byStride[gradArgs] // of so many taps, for groups of fewOutputs
	Grad1x7                   byStride[gradArgs] // for groups of manyOutputs
	GradOne                   func(a *gradArgs)  // for single outputs

	NonTemporalFloats int // see ground.StoresNonTemporal
}

var table isa.Table[kernels]

// The portable kernels are the Go twins.
func init() {
	w := (*windowArgs).windowsGo
	both := byStride[windowArgs]{w, w}
	grad := func(rows, cols, group int) byStride[gradArgs] {
		g := func(a *gradArgs) { a.gradGo(rows, cols, group) }
		return byStride[gradArgs]{g, g}
	}
	table.Add(isa.Generic, kernels{
		Block:             8,
		Pack:              (*packArgs).packGo,
		Unpack:            (*packArgs).unpackGo,
		UnpackNonTemporal: (*packArgs).unpackGo,
		Windows:           w,
		Windows3:          both,
		Windows5:          both,
		Windows7:          both,
		Grad3x3:           grad(3, 3, fewOutputs),
		Grad2x5:           grad(2, 5, fewOutputs),
		Grad1x5:           grad(1, 5, fewOutputs),
		Grad1x7:           grad(1, 7, manyOutputs),
		GradOne:           grad(1, 1, 1)[0],
		NonTemporalFloats: ground.NeverNonTemporal,
	})
}

// block is the number of channels of a block.
func block() int { return table.Active().Block }

// windows returns the kernel for windows of k columns at a stride.
func (t *kernels) windows(k, stride int) func(a *windowArgs) {
	if stride <= 2 {
		switch k {
		case 3:
			return t.Windows3[stride-1]
		case 5:
			return t.Windows5[stride-1]
		case 7:
			return t.Windows7[stride-1]
		}
	}
	return t.Windows
}
