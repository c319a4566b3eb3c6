package pool

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
)

// windowArgs is the argument of the pooling kernels. The skips and steps are
// what is added on from one pixel to the next and, besides, from the last of a
// row to the first of the next.
type windowArgs struct {
	src              *float32
	arg              *uint8
	out              *float32
	rows, cols       int
	rowSkip, c       int
	first            int
	colStep, rowStep int
	more             [5]*float32 // see normMax and normGather
}

// kernels are the kernels of pooling for one instruction set. They take
// windows of at least Lanes channels; what has fewer, and what a set has no
// kernel for, is done by the Go twins, which are methods of maxWindow and
// gatherWindow: portable kernels there are none.
type kernels struct {
	Lanes int // floats of a vector

	MaxWindow, MaxWindowArg, MaxWindowArgReLU func(a *windowArgs)
	GatherWindow, GatherWindowNonTemporal     func(a *windowArgs)
	NormWindow                                func(a *windowArgs)
	NormGather, NormGatherNonTemporal         func(a *windowArgs)

	NonTemporalFloats int // see ground.StoresNonTemporal
}

var table isa.Table[kernels]

func init() { table.Add(isa.Generic, kernels{NonTemporalFloats: ground.NeverNonTemporal}) }

// run calls kernel if there is one for so many channels, and reports whether
// there was.
func (t *kernels) run(kernel func(a *windowArgs), a *windowArgs) bool {
	if kernel == nil || a.c < t.Lanes {
		return false
	}
	kernel(isa.Arg(a))
	return true
}

// args is the part of the argument that the kernels of maxima have in common.
func (w *maxWindow) args(out []float32, arg []uint8) windowArgs {
	return windowArgs{
		src: ground.Ptr(w.x), arg: unsafe.SliceData(arg), out: ground.Ptr(out),
		rows: w.Rows, cols: w.cols, rowSkip: w.rowStride - w.cols*w.c, c: w.c,
		first: w.first, colStep: 1, rowStep: w.rowStep - w.cols,
	}
}

// max computes the maximum; see maxGo.
func (w *maxWindow) max(out []float32, arg []uint8, relu bool) {
	t := table.Active()
	kernel := t.MaxWindow
	switch {
	case arg != nil && relu:
		kernel = t.MaxWindowArgReLU
	case arg != nil:
		kernel = t.MaxWindowArg
	}
	a := w.args(out, arg)
	if !t.run(kernel, &a) {
		w.maxGo(out, arg, relu)
	}
}

// normMax computes the maximum of a normalized window; see normMaxGo.
func (w *maxWindow) normMax(scale, shift, out, top []float32, arg []uint8) {
	a := w.args(out, arg)
	a.more = [5]*float32{ground.Ptr(scale), ground.Ptr(shift), ground.Ptr(top)}
	if t := table.Active(); !t.run(t.NormWindow, &a) {
		w.normMaxGo(scale, shift, out, top, arg)
	}
}

// args is the part of the argument that the kernels of gradients have in
// common.
func (g *gatherWindow) args(out []float32) windowArgs {
	return windowArgs{
		src: ground.Ptr(g.dy), arg: unsafe.SliceData(g.arg), out: ground.Ptr(out),
		rows: g.rows, cols: g.cols, rowSkip: g.rowStride - g.cols*g.c, c: g.c,
		first: g.first, colStep: -g.colStep, rowStep: g.cols*g.colStep - g.rowStep,
	}
}

// gather sums up a pixel's gradient; see gatherGo.
func (g *gatherWindow) gather(out []float32, nonTemporal bool) {
	t := table.Active()
	kernel := t.GatherWindow
	if nonTemporal {
		kernel = t.GatherWindowNonTemporal
	}
	a := g.args(out)
	if !t.run(kernel, &a) {
		g.gatherGo(out)
	}
}

// normGather sums up a pixel's gradient and takes it through the normalization
// of x; see normGatherGo.
func (g *gatherWindow) normGather(x []float32, k *norm.Coefficients, out []float32, nonTemporal bool) {
	a := g.args(out)
	a.more = [5]*float32{ground.Ptr(x), ground.Ptr(k.Mean), ground.Ptr(k.A), ground.Ptr(k.B), ground.Ptr(k.D)}
	t := table.Active()
	kernel := t.NormGather
	if nonTemporal {
		kernel = t.NormGatherNonTemporal
	}
	if !t.run(kernel, &a) {
		g.normGatherGo(x, k, out)
	}
}
