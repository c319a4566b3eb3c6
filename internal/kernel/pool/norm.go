package pool

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the stem of a ResNet as one operation,
//
//	y = maxpool(relu(x*scale + shift)),
//
// forward and backward. The map before pooling is the largest of the network;
// neither its normalized form nor that one's gradient is ever in memory.

// NormMax is the operation on maps and windows of this geometry, whose
// OfReLU is implied.
type NormMax struct{ Max }

// shape is the geometry, with the windows of OfReLU.
func (p NormMax) shape(op string) Shape {
	p.OfReLU = true
	return p.Max.Shape(op)
}

// Forward computes y [n,oh,ow,c] from x [n,h,w,c] and the coefficients scale
// and shift [c] of a batch normalization. For the backward pass it leaves, per
// output, in top [n,oh,ow,c] the x that was the maximum and in argmax its
// position in the window; where ReLU made the result 0, 0 and 255. Values equal
// those of ScaleShift and Max, to a rounding.
func (p NormMax) Forward(x, scale, shift, y, top []float32, argmax []uint8) {
	const op = "pool.NormMax.Forward"
	s := p.shape(op)
	ground.Need(op, "x", len(x), p.N*p.H*p.W*p.C)
	ground.Need(op, "y", len(y), p.N*s.OH*s.OW*p.C)
	ground.Need(op, "scale", len(scale), p.C)
	ground.Need(op, "shift", len(shift), p.C)
	ground.Need(op, "top", len(top), len(y))
	ground.Need(op, "argmax", len(argmax), len(y))
	if len(y) == 0 {
		return
	}
	type args struct {
		s                       Shape
		x, scale, shift, y, top []float32
		argmax                  []uint8
	}
	parallel.ForWith(p.N*s.OH, args{s, x, scale, shift, y, top, argmax}, func(a *args, i int) {
		s := &a.s
		img, in := i/s.OH, s.h*s.W*s.C
		win := s.WindowRow(i % s.OH)
		for ox := range s.OW {
			win.column(s, ox, a.x[img*in:(img+1)*in])
			lo, hi := (i*s.OW+ox)*s.C, (i*s.OW+ox+1)*s.C
			win.normMax(a.scale, a.shift, a.y[lo:hi], a.top[lo:hi], a.argmax[lo:hi])
		}
	})
}

// normMaxGo is the Go twin of normMax: per channel, out is the maximum over the window and 0
// of x*scale+shift, top that x, arg its position.
func (w *maxWindow) normMaxGo(scale, shift, out, top []float32, arg []uint8) {
	clear(out)
	clear(top)
	for i := range arg {
		arg[i] = nowhere
	}
	for r := range w.Rows {
		for q := range w.cols {
			pos := uint8(w.first + r*w.rowStep + q)
			for i, v := range w.x[r*w.rowStride+q*w.c:][:w.c] {
				n := float32(v*scale[i]) + shift[i] // as scaleShiftGo has it
				if n > out[i] || n != n {
					out[i], top[i], arg[i] = n, v, pos
				}
			}
		}
	}
}

// Reduce computes b.DGamma and b.DBeta, as BatchNorm.Reduce does, from dy, y and
// top [n,oh,ow,c]: outputs that ReLU made 0 pass no gradient, each other one
// passes all of it to one input, so the small tensors are enough. b's Rows, C
// and Passed follow from the rest and are not read, here and in Grad.
func (p NormMax) Reduce(dy, y, top []float32, b norm.BatchNorm) {
	const op = "pool.NormMax.Reduce"
	s := p.shape(op)
	b.Rows, b.C, b.Passed = p.N*s.OH*s.OW, p.C, norm.Mask{Y: y}
	b.ReduceAs(op, dy, top)
}

// Grad computes dx [n,h,w,c], overwriting it, as BatchNorm.Grad does with batch
// statistics, from dy and argmax [n,oh,ow,c] and x. dx must not be x.
func (p NormMax) Grad(dy []float32, argmax []uint8, x, dx []float32, b norm.BatchNorm) {
	const op = "pool.NormMax.Grad"
	s := p.shape(op)
	ground.Need(op, "dy", len(dy), p.N*s.OH*s.OW*p.C)
	ground.Need(op, "argmax", len(argmax), len(dy))
	ground.Need(op, "x", len(x), p.N*p.H*p.W*p.C)
	ground.Need(op, "dx", len(dx), len(x))
	ground.Need(op, "Mean", len(b.Mean), p.C)
	ground.Need(op, "InvStd", len(b.InvStd), p.C)
	ground.NeedOptional(op, "Gamma", b.Gamma, p.C)
	ground.Need(op, "DGamma", len(b.DGamma), p.C)
	ground.Need(op, "DBeta", len(b.DBeta), p.C)
	if b.Running {
		panic(op + ": it has no gradient for running statistics; use ScaleShift and Max, one after the other")
	}
	if len(x) == 0 {
		return
	}
	buf := ground.GetScratch(3 * p.C)
	defer ground.PutScratch(buf)
	k := norm.NewCoefficients(buf, b.Mean, b.InvStd, b.Gamma)
	k.Train(b.InvStd, b.DGamma, b.DBeta, p.N*p.H*p.W)
	type args struct {
		s           Shape
		dy          []float32
		argmax      []uint8
		x, dx       []float32
		k           norm.Coefficients
		nonTemporal bool
	}
	parallel.ForWith(p.N*p.H, args{s, dy, argmax, x, dx, k, ground.StoresNonTemporal(table.Active().NonTemporalFloats, len(dx), dx, p.C)}, func(a *args, i int) {
		s := &a.s
		img, out := i/s.h, s.OH*s.OW*s.C
		g := s.gatherRow(i % s.h)
		for ix := range s.W {
			lo, hi := (i*s.W+ix)*s.C, (i*s.W+ix+1)*s.C
			x, dx := a.x[lo:hi], a.dx[lo:hi]
			if g.column(s, ix, a.dy[img*out:(img+1)*out], a.argmax[img*out:(img+1)*out]) {
				g.normGather(x, &a.k, dx, a.nonTemporal)
				continue
			}
			clear(dx) // between windows, when the stride exceeds K
			a.k.Grad(dx, x, dx)
		}
		if a.nonTemporal {
			ground.StoreFence()
		}
	})
}

// normGatherGo is the Go twin of normGather: batch normalization's gradient of
// what gatherGo sums up.
func (g *gatherWindow) normGatherGo(x []float32, k *norm.Coefficients, out []float32) {
	g.gatherGo(out)
	k.Grad(out, x, out)
}
