package cpu

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds max pooling over windows, NHWC, forward and backward, with
// the rules of torch.nn.MaxPool2d.

// PoolOut returns how many windows of k fit along size with pad on both sides
// (torch.nn.functional.max_pool2d). With ceil a last window may hang over the
// end, but must start inside the input or its left padding. It returns 0 when
// none fits.
func PoolOut(size, k, stride, pad int, ceil bool) int {
	span := size + 2*pad - k
	if ceil {
		span += stride - 1
	}
	if size < 1 || span < 0 {
		return 0
	}
	out := span/stride + 1
	if ceil && (out-1)*stride >= size+pad {
		out--
	}
	return out
}

// poolShape is the geometry that forward and backward share.
type poolShape struct {
	h, w, c, oh, ow, k, stride, pad int
}

func newPoolShape(op string, n, h, w, c, k, stride, pad int, ceil bool) poolShape {
	if k < 1 || k > 16 || stride < 1 || pad < 0 || 2*pad > k || n < 0 || h < 0 || w < 0 || c < 0 {
		panic(fmt.Sprintf("cpu.%s: window %d, stride %d, padding %d on [%d,%d,%d,%d]: want 1 <= window <= 16, stride >= 1, 0 <= 2*padding <= window",
			op, k, stride, pad, n, h, w, c))
	}
	return poolShape{h, w, c, PoolOut(h, k, stride, pad, ceil), PoolOut(w, k, stride, pad, ceil), k, stride, pad}
}

// MaxPoolForward computes y [n,oh,ow,c], the maximum of each k x k window of x
// [n,h,w,c], oh and ow by PoolOut. Padding counts as -Inf; a NaN in the window
// gives NaN. argmax, [n,oh,ow,c] or nil, receives the position ky*k+kx of the
// maximum in the window, the first if there are several, as MaxPoolBackward
// wants it. k is at most 16, so that a position fits a byte.
func MaxPoolForward(n, h, w, c, k, stride, pad int, ceil bool, x, y []float32, argmax []uint8) {
	p := newPoolShape("MaxPoolForward", n, h, w, c, k, stride, pad, ceil)
	p.forward("MaxPoolForward", n, x, y, argmax, false)
}

// MaxPoolForwardReLU is MaxPoolForward for an x that is the result of a ReLU,
// with argmax. Where y is not above 0, argmax is 255, a position that no input
// has: MaxPoolBackward then gives the gradient of what is before the ReLU, which
// MaxPoolBackwardReLU needs. k is at most 15.
func MaxPoolForwardReLU(n, h, w, c, k, stride, pad int, ceil bool, x, y []float32, argmax []uint8) {
	const op = "MaxPoolForwardReLU"
	p := NormMaxPool{n, h, w, c, k, stride, pad, ceil}.shape(op)
	need(op, "argmax", len(argmax), len(y))
	p.forward(op, n, x, y, argmax, true)
}

// forward is MaxPoolForward, or with relu MaxPoolForwardReLU.
func (p *poolShape) forward(op string, n int, x, y []float32, argmax []uint8, relu bool) {
	h, w, c := p.h, p.w, p.c
	need(op, "x", len(x), n*h*w*c)
	need(op, "y", len(y), n*p.oh*p.ow*c)
	if argmax != nil {
		need(op, "argmax", len(argmax), len(y))
	}
	if len(y) == 0 {
		return
	}
	type args struct {
		p      poolShape
		x, y   []float32
		argmax []uint8
		relu   bool
	}
	parallel.ForWith(n*p.oh, args{*p, x, y, argmax, relu}, func(a *args, i int) {
		p := &a.p
		row, in := p.ow*p.c, p.h*p.w*p.c
		var arg []uint8
		if a.argmax != nil {
			arg = a.argmax[i*row : (i+1)*row]
		}
		img := i / p.oh
		p.forwardRow(p.windowRow(i%p.oh), a.x[img*in:(img+1)*in], a.y[i*row:(i+1)*row], arg, a.relu)
	})
}

// forwardRow computes the row of one picture's output whose windows win begins.
func (p *poolShape) forwardRow(win maxWindow, x, y []float32, arg []uint8, relu bool) {
	for ox := range p.ow {
		win.column(p, ox, x)
		out := y[ox*p.c : (ox+1)*p.c]
		var a []uint8
		if arg != nil {
			a = arg[ox*p.c : (ox+1)*p.c]
		}
		win.max(out, a, relu)
	}
}

// maxWindow is the part of a pooling window that lies inside the input: rows x
// cols pixels of c channels from x[0], rows rowStride floats apart. The first
// has position first in the window, and the next row's first is rowStep on.
type maxWindow struct {
	x                        []float32
	rows, cols, rowStride, c int
	first, rowStep           int
	top, y0                  int // first row inside the input, first row
}

// windowRow returns what the windows of row oy have in common.
func (p *poolShape) windowRow(oy int) maxWindow {
	y0 := oy*p.stride - p.pad
	top, bottom := max(y0, 0), min(y0+p.k, p.h)
	return maxWindow{rows: bottom - top, rowStride: p.w * p.c, c: p.c, rowStep: p.k, top: top, y0: y0}
}

// column makes w the window of column ox of picture x.
func (w *maxWindow) column(p *poolShape, ox int, x []float32) {
	x0 := ox*p.stride - p.pad
	left, right := max(x0, 0), min(x0+p.k, p.w)
	w.x = x[(w.top*p.w+left)*p.c:]
	w.cols = right - left
	w.first = (w.top-w.y0)*p.k + left - x0
}

// maxGo is the Go twin of max: per channel the maximum and, unless arg is nil, its
// position, or with relu nowhere where it is not above 0.
func (w *maxWindow) maxGo(out []float32, arg []uint8, relu bool) {
	copy(out, w.x[:w.c])
	for i := range arg {
		arg[i] = uint8(w.first)
	}
	for r := range w.rows {
		for q := range w.cols {
			px := w.x[r*w.rowStride+q*w.c:][:w.c]
			pos := uint8(w.first + r*w.rowStep + q)
			for i, v := range px {
				if v > out[i] || v != v {
					out[i] = v
					if arg != nil {
						arg[i] = pos
					}
				}
			}
		}
	}
	if relu {
		for i := range arg {
			if !(out[i] > 0) {
				arg[i] = nowhere
			}
		}
	}
}

// MaxPoolBackward computes dx [n,h,w,c], overwriting it, from dy and argmax
// [n,oh,ow,c] as MaxPoolForward wrote it: every output's gradient goes to the
// input that was the maximum. It gathers, input by input, in a fixed order.
func MaxPoolBackward(n, h, w, c, k, stride, pad int, ceil bool, dy []float32, argmax []uint8, dx []float32) {
	p := newPoolShape("MaxPoolBackward", n, h, w, c, k, stride, pad, ceil)
	need("MaxPoolBackward", "dx", len(dx), n*h*w*c)
	need("MaxPoolBackward", "dy", len(dy), n*p.oh*p.ow*c)
	need("MaxPoolBackward", "argmax", len(argmax), len(dy))
	if len(dx) == 0 {
		return
	}
	type args struct {
		p           poolShape
		dy          []float32
		argmax      []uint8
		dx          []float32
		nonTemporal bool
	}
	parallel.ForWith(n*h, args{p, dy, argmax, dx, storesNonTemporal(windowTable.Active().NonTemporalFloats, len(dx), dx, c)}, func(a *args, i int) {
		p := &a.p
		img, out, row := i/p.h, p.oh*p.ow*p.c, p.w*p.c
		p.backwardRow(i%p.h, a.dy[img*out:(img+1)*out], a.argmax[img*out:(img+1)*out], a.dx[i*row:(i+1)*row], a.nonTemporal)
		if a.nonTemporal {
			storeFence()
		}
	})
}

// MaxPoolBackwardReLU is MaxPoolBackward for an input that is the result of a
// ReLU, with argmax from MaxPoolForwardReLU: the gradient of what is before the
// ReLU goes to to, of which X is not used.
func MaxPoolBackwardReLU(n, h, w, c, k, stride, pad int, ceil bool, dy []float32, argmax []uint8, to *ReLUGrad) {
	const op = "MaxPoolBackwardReLU"
	p := newPoolShape(op, n, h, w, c, k, stride, pad, ceil)
	need(op, "dy", len(dy), n*p.oh*p.ow*c)
	need(op, "argmax", len(argmax), len(dy))
	to.check(op, n*h*w, c)
	if n*h*w*c == 0 {
		return
	}
	masked := ReLUGrad{Parts: to.Parts}
	b := masked.begin(n*h, c, nil)
	type args struct {
		p      poolShape
		dy     []float32
		argmax []uint8
		b      reluGradBlocks
	}
	parallel.ForWith(n*h, args{p, dy, argmax, b}, func(a *args, i int) {
		p := &a.p
		img, out := i/p.h, p.oh*p.ow*p.c
		row := getScratch(p.w * p.c)
		defer putScratch(row)
		p.backwardRow(i%p.h, a.dy[img*out:(img+1)*out], a.argmax[img*out:(img+1)*out], row, false)
		a.b.take(i, i*p.w, p.w, row)
	})
	b.end()
}

// covering returns the windows [lo,hi) of n that contain input position i.
func covering(i, k, stride, pad, n int) (lo, hi int) {
	if i+pad >= k {
		lo = (i+pad-k)/stride + 1
	}
	return lo, min((i+pad)/stride+1, n)
}

// backwardRow computes row iy of one picture's dx.
func (p *poolShape) backwardRow(iy int, dy []float32, arg []uint8, dx []float32, nonTemporal bool) {
	g := p.gatherRow(iy)
	for ix := range p.w {
		out := dx[ix*p.c : (ix+1)*p.c]
		if !g.column(p, ix, dy, arg) {
			clear(out) // between windows, when the stride exceeds k
			continue
		}
		g.gather(out, nonTemporal)
	}
}

// gatherWindow is the rows x cols outputs whose windows contain one input
// pixel. The pixel has position first in the first of them, rowStep less for
// each row and colStep less for each column.
type gatherWindow struct {
	dy                       []float32
	arg                      []uint8
	rows, cols, rowStride, c int
	first, rowStep, colStep  int
	oy0, ox0, ox1            int // first output row; output columns
	y0                       int // position of the pixel's row in the first window
}

// gatherRow returns what the pixels of row iy have in common, before column 0.
func (p *poolShape) gatherRow(iy int) gatherWindow {
	oy0, oy1 := covering(iy, p.k, p.stride, p.pad, p.oh)
	return gatherWindow{
		rows: oy1 - oy0, rowStride: p.ow * p.c, c: p.c,
		rowStep: p.stride * p.k, colStep: p.stride,
		oy0: oy0, y0: (iy + p.pad - oy0*p.stride) * p.k,
	}
}

// column moves g on to pixel ix of its row, from the pixel before, and reports
// whether any window covers it. dy and arg are one picture's.
func (g *gatherWindow) column(p *poolShape, ix int, dy []float32, arg []uint8) bool {
	// ox0 and ox1 are covering(ix, ...) step by step, without its divisions.
	for g.ox0*p.stride+p.k <= ix+p.pad {
		g.ox0++
	}
	for g.ox1 < p.ow && g.ox1*p.stride <= ix+p.pad {
		g.ox1++
	}
	if g.rows <= 0 || g.ox0 >= g.ox1 {
		return false
	}
	at := (g.oy0*p.ow + g.ox0) * p.c
	g.dy, g.arg, g.cols = dy[at:], arg[at:], g.ox1-g.ox0
	g.first = g.y0 + ix + p.pad - g.ox0*p.stride
	return true
}

// gatherGo is the Go twin of gather: the sum of dy over the outputs whose maximum the
// pixel was.
func (g *gatherWindow) gatherGo(out []float32) {
	clear(out)
	for r := range g.rows {
		for q := range g.cols {
			at := r*g.rowStride + q*g.c
			pos := uint8(g.first - r*g.rowStep - q*g.colStep)
			dy, arg := g.dy[at:at+g.c], g.arg[at:at+g.c]
			for i := range out {
				if arg[i] == pos {
					out[i] += dy[i]
				}
			}
		}
	}
}
