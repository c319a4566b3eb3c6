package pool

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds max pooling over windows, NHWC, forward and backward, with
// the rules of torch.nn.MaxPool2d.

// Out returns how many windows of k fit along size with pad on both sides
// (torch.nn.functional.max_pool2d). With ceil a last window may hang over the
// end, but must start inside the input or its left padding. It returns 0 when
// none fits.
func Out(size, k, stride, pad int, ceil bool) int {
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

// Max is the geometry of max pooling, with the rules of torch.nn.MaxPool2d:
// x [N,H,W,C], windows of K x K with 1 <= K <= 16, and padding, at most half a
// window, that counts as -Inf. With Ceil a last window may hang over the end, as
// Out says.
type Max struct {
	N, H, W, C     int
	K, Stride, Pad int
	Ceil           bool

	// OfReLU says that x is the result of a ReLU, and that the gradient of what
	// is before it will be asked for: where a maximum is not above 0, its noted
	// position is 255, which no input has. K is then at most 15.
	OfReLU bool
}

// nowhere is the position of a maximum that ReLU made: no input has it.
const nowhere = 255

// Out returns the output's height and width; 0 when no window fits.
func (p Max) Out() (oh, ow int) {
	return Out(p.H, p.K, p.Stride, p.Pad, p.Ceil), Out(p.W, p.K, p.Stride, p.Pad, p.Ceil)
}

// Shape is the geometry of one picture.
type Shape struct {
	h, W, C, OH, OW, K, Stride, pad int
}

// Shape panics, naming the operation, when p is impossible.
func (p Max) Shape(op string) Shape {
	most := 16
	if p.OfReLU {
		most = 15
	}
	if p.K < 1 || p.K > most || p.Stride < 1 || p.Pad < 0 || 2*p.Pad > p.K || min(p.N, p.H, p.W, p.C) < 0 {
		panic(fmt.Sprintf("%s: %+v: want 1 <= K <= %d, Stride >= 1, 0 <= 2*Pad <= K, and no negative dimension", op, p, most))
	}
	oh, ow := p.Out()
	return Shape{p.H, p.W, p.C, oh, ow, p.K, p.Stride, p.Pad}
}

// Forward computes y [N,OH,OW,C], the maximum of each window of x; a NaN in the
// window gives NaN. argmax, like y, or nil, receives the position ky*K+kx of the
// maximum in the window, the first if there are several, as Backward wants it.
func (p Max) Forward(x, y []float32, argmax []uint8) {
	const op = "pool.Max.Forward"
	s := p.Shape(op)
	s.forward(op, p.N, x, y, argmax, p.OfReLU)
}

// forward is Pool.Forward for n pictures, with relu OfReLU.
func (p *Shape) forward(op string, n int, x, y []float32, argmax []uint8, relu bool) {
	h, w, c := p.h, p.W, p.C
	ground.Need(op, "x", len(x), n*h*w*c)
	ground.Need(op, "y", len(y), n*p.OH*p.OW*c)
	if argmax != nil {
		ground.Need(op, "argmax", len(argmax), len(y))
	}
	if len(y) == 0 {
		return
	}
	type args struct {
		p      Shape
		x, y   []float32
		argmax []uint8
		relu   bool
	}
	parallel.ForWith(n*p.OH, args{*p, x, y, argmax, relu}, func(a *args, i int) {
		p := &a.p
		row, in := p.OW*p.C, p.h*p.W*p.C
		var arg []uint8
		if a.argmax != nil {
			arg = a.argmax[i*row : (i+1)*row]
		}
		img := i / p.OH
		p.ForwardRow(p.WindowRow(i%p.OH), a.x[img*in:(img+1)*in], a.y[i*row:(i+1)*row], arg, a.relu)
	})
}

// ForwardRow computes the row of one picture's output whose windows win begins.
func (p *Shape) ForwardRow(win maxWindow, x, y []float32, arg []uint8, relu bool) {
	for ox := range p.OW {
		win.column(p, ox, x)
		out := y[ox*p.C : (ox+1)*p.C]
		var a []uint8
		if arg != nil {
			a = arg[ox*p.C : (ox+1)*p.C]
		}
		win.max(out, a, relu)
	}
}

// maxWindow is the part of a pooling window that lies inside the input: rows x
// cols pixels of c channels from x[0], rows rowStride floats apart. The first
// has position first in the window, and the next row's first is rowStep on.
type maxWindow struct {
	x                        []float32
	Rows, cols, rowStride, c int
	first, rowStep           int
	Top, Y0                  int // first row inside the input, first row
}

// WindowRow returns what the windows of row oy have in common.
func (p *Shape) WindowRow(oy int) maxWindow {
	y0 := oy*p.Stride - p.pad
	top, bottom := max(y0, 0), min(y0+p.K, p.h)
	return maxWindow{Rows: bottom - top, rowStride: p.W * p.C, c: p.C, rowStep: p.K, Top: top, Y0: y0}
}

// column makes w the window of column ox of picture x.
func (w *maxWindow) column(p *Shape, ox int, x []float32) {
	x0 := ox*p.Stride - p.pad
	left, right := max(x0, 0), min(x0+p.K, p.W)
	w.x = x[(w.Top*p.W+left)*p.C:]
	w.cols = right - left
	w.first = (w.Top-w.Y0)*p.K + left - x0
}

// maxGo is the Go twin of max: per channel the maximum and, unless arg is nil, its
// position, or with relu nowhere where it is not above 0.
func (w *maxWindow) maxGo(out []float32, arg []uint8, relu bool) {
	copy(out, w.x[:w.c])
	for i := range arg {
		arg[i] = uint8(w.first)
	}
	for r := range w.Rows {
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

// Backward computes the gradient of x from dy and argmax [N,OH,OW,C] as Forward
// wrote it, and takes it where to says: every output's gradient goes to the input
// that was the maximum. It gathers, input by input, in a fixed order. Through a
// ReLU it wants OfReLU in Forward, and does not read to.ReLU.X.
func (p Max) Backward(dy []float32, argmax []uint8, to elementwise.InputGrad) {
	const op = "pool.Max.Backward"
	s := p.Shape(op)
	ground.Need(op, "dy", len(dy), p.N*s.OH*s.OW*p.C)
	ground.Need(op, "argmax", len(argmax), len(dy))
	to.Check(op, p.N*p.H*p.W, p.C)
	if to.ReLU != nil && !p.OfReLU {
		panic(op + ": the gradient is to go through a ReLU that Forward was not told of; set OfReLU")
	}
	switch {
	case to.ReLU != nil && to.DX == nil:
		s.backwardReLU(p.N, dy, argmax, to.ReLU)
	case to.ReLU == nil && !to.Add:
		s.backward(p.N, dy, argmax, to.DX)
	default:
		tmp := ground.GetScratch(p.N * p.H * p.W * p.C)
		defer ground.PutScratch(tmp)
		s.backward(p.N, dy, argmax, tmp)
		elementwise.Add(to.DX, tmp, to.DX)
		if to.ReLU != nil {
			to.ReLU.Backward(to.DX, p.N*p.H*p.W)
		}
	}
}

// backward computes dx of n pictures, overwriting it.
func (p *Shape) backward(n int, dy []float32, argmax []uint8, dx []float32) {
	if len(dx) == 0 {
		return
	}
	type args struct {
		p           Shape
		dy          []float32
		argmax      []uint8
		dx          []float32
		nonTemporal bool
	}
	nonTemporal := ground.StoresNonTemporal(table.Active().NonTemporalFloats, len(dx), dx, p.C)
	parallel.ForWith(n*p.h, args{*p, dy, argmax, dx, nonTemporal}, func(a *args, i int) {
		p := &a.p
		img, out, row := i/p.h, p.OH*p.OW*p.C, p.W*p.C
		p.BackwardRow(i%p.h, a.dy[img*out:(img+1)*out], a.argmax[img*out:(img+1)*out], a.dx[i*row:(i+1)*row], a.nonTemporal)
		if a.nonTemporal {
			ground.StoreFence()
		}
	})
}

// backwardReLU computes the gradient of what is before the ReLU, a row at a
// time.
func (p *Shape) backwardReLU(n int, dy []float32, argmax []uint8, to *elementwise.ReLUGrad) {
	if n*p.h*p.W*p.C == 0 {
		for _, part := range to.Parts {
			clear(part.DBias)
		}
		return
	}
	masked := elementwise.ReLUGrad{Parts: to.Parts}
	b := masked.Begin(n*p.h, p.C, nil)
	type args struct {
		p      Shape
		dy     []float32
		argmax []uint8
		b      elementwise.ReLUGradBlocks
	}
	parallel.ForWith(n*p.h, args{*p, dy, argmax, b}, func(a *args, i int) {
		p := &a.p
		img, out := i/p.h, p.OH*p.OW*p.C
		row := ground.GetScratch(p.W * p.C)
		defer ground.PutScratch(row)
		p.BackwardRow(i%p.h, a.dy[img*out:(img+1)*out], a.argmax[img*out:(img+1)*out], row, false)
		a.b.Take(i, i*p.W, p.W, row)
	})
	b.End()
}

// covering returns the windows [lo,hi) of n that contain input position i.
func covering(i, k, stride, pad, n int) (lo, hi int) {
	if i+pad >= k {
		lo = (i+pad-k)/stride + 1
	}
	return lo, min((i+pad)/stride+1, n)
}

// BackwardRow computes row iy of one picture's dx.
func (p *Shape) BackwardRow(iy int, dy []float32, arg []uint8, dx []float32, nonTemporal bool) {
	g := p.gatherRow(iy)
	for ix := range p.W {
		out := dx[ix*p.C : (ix+1)*p.C]
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
func (p *Shape) gatherRow(iy int) gatherWindow {
	oy0, oy1 := covering(iy, p.K, p.Stride, p.pad, p.OH)
	return gatherWindow{
		rows: oy1 - oy0, rowStride: p.OW * p.C, c: p.C,
		rowStep: p.Stride * p.K, colStep: p.Stride,
		oy0: oy0, y0: (iy + p.pad - oy0*p.Stride) * p.K,
	}
}

// column moves g on to pixel ix of its row, from the pixel before, and reports
// whether any window covers it. dy and arg are one picture's.
func (g *gatherWindow) column(p *Shape, ix int, dy []float32, arg []uint8) bool {
	// ox0 and ox1 are covering(ix, ...) step by step, without its divisions.
	for g.ox0*p.Stride+p.K <= ix+p.pad {
		g.ox0++
	}
	for g.ox1 < p.OW && g.ox1*p.Stride <= ix+p.pad {
		g.ox1++
	}
	if g.rows <= 0 || g.ox0 >= g.ox1 {
		return false
	}
	at := (g.oy0*p.OW + g.ox0) * p.C
	g.dy, g.arg, g.cols = dy[at:], arg[at:], g.ox1-g.ox0
	g.first = g.y0 + ix + p.pad - g.ox0*p.Stride
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
