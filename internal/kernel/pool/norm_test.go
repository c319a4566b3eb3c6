package pool

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/norm"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// The fused stem equals its parts: ScaleShift with ReLU, then max pooling; and
// back, the pool's gradient, then batch normalization's.
func TestNormMaxPool(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, p := range []NormMax{
			{Max{2, 12, 12, 64, 3, 2, 1, false, false}},
			{Max{1, 13, 11, 17, 3, 2, 0, true, false}},
			{Max{3, 8, 7, 5, 2, 2, 0, false, false}},
			{Max{1, 1, 1, 16, 3, 2, 1, false, false}},
			{Max{1, 70, 70, 40, 5, 1, 2, false, false}},
			{Max{2, 9, 9, 8, 1, 3, 0, true, false}},
			{Max{1, 3, 20, 130, 3, 2, 1, false, false}},
			{Max{0, 7, 7, 3, 3, 2, 1, false, false}},
		} {
			for _, special := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v special %v", p, special), func(t *testing.T) {
					rows, oh, ow := p.N*p.H*p.W, 0, 0
					oh, ow = p.Out()
					outs := p.N * oh * ow * p.C
					var arg, wantArg []uint8
					var dy []float32
					values := func(a *kerneltest.Arena) (x, scale, shift, mean, inv, gamma []float32) {
						x = a.Normal(rows*p.C, 0.2, 1)
						if special {
							kerneltest.Odd(x)
						}
						return x, a.Normal(p.C, 0, 1), a.Normal(p.C, 0, 0.5), a.Normal(p.C, 0.2, 0.1), a.Normal(p.C, 1, 0.1), a.Normal(p.C, 1, 0.2)
					}
					got := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x, scale, shift, mean, inv, gamma := values(a)
						y, top := a.Zeros(outs), a.Zeros(outs)
						arg = a.ByteZeros(outs)
						p.Forward(x, scale, shift, y, top, arg)
						dy = a.Normal(outs, 0, 1)
						dg, db, dx := a.Zeros(p.C), a.Zeros(p.C), a.Zeros(len(x))
						if !special {
							b := norm.BatchNorm{Mean: mean, InvStd: inv, Gamma: gamma, DGamma: dg, DBeta: db}
							p.Reduce(dy, y, top, b)
							p.Grad(dy, arg, x, dx, b)
						}
						return [][]float32{y, dg, db, dx}
					})
					a := kerneltest.NewArena(t, 1, 0)
					x, scale, shift, mean, inv, gamma := values(a)
					normed, y := a.Zeros(len(x)), a.Zeros(outs)
					wantArg = a.ByteZeros(outs)
					norm.ScaleShift{Rows: rows, C: p.C, Scale: scale, Shift: shift}.Apply(x, normed, elementwise.Epilogue{Activation: elementwise.ReLU})
					p.Max.Forward(normed, y, wantArg)
					kerneltest.Near(t, "y", got[0], kerneltest.Float64s(y), 1e-6) // the twin does not fuse multiply and add
					for i, v := range y {
						if want := wantArg[i]; arg[i] != want && (v != 0 || arg[i] != nowhere) {
							t.Fatalf("argmax[%d] = %d, want %d for maximum %v", i, arg[i], want, v)
						}
					}
					if special {
						return
					}
					dnorm, dx, dg, db := a.Zeros(len(x)), a.Zeros(len(x)), a.Zeros(p.C), a.Zeros(p.C)
					p.Max.Backward(dy, wantArg, elementwise.InputGrad{DX: dnorm})
					norm.BatchNorm{Rows: rows, C: p.C, Mean: mean, InvStd: inv, DGamma: dg, DBeta: db, Passed: norm.Mask{Words: kerneltest.MaskOf(normed, rows, p.C)}}.Reduce(dnorm, x)
					norm.BatchNorm{Rows: rows, C: p.C, Mean: mean, InvStd: inv, Gamma: gamma, DGamma: dg, DBeta: db, Passed: norm.Mask{Words: kerneltest.MaskOf(normed, rows, p.C)}}.Grad(dnorm, x, dx, nil)
					// The sums are grouped otherwise.
					tol := 2e-6 * math.Sqrt(float64(rows+1))
					kerneltest.Near(t, "dgamma", got[1], kerneltest.Float64s(dg), tol)
					kerneltest.Near(t, "dbeta", got[2], kerneltest.Float64s(db), tol)
					kerneltest.Near(t, "dx", got[3], kerneltest.Float64s(dx), 1e-5)
				})
			}
		}
	})
}

// The stem of ResNet at batch 32 and 224 pixels, fused and in parts.
func BenchmarkStem(b *testing.B) {
	p := NormMax{Max{N: 32, H: 112, W: 112, C: 64, K: 3, Stride: 2, Pad: 1}}
	rows := p.N * p.H * p.W
	s, q := kerneltest.BenchSlices(3, rows*p.C), kerneltest.BenchSlices(8, p.C)
	y, dy, arg := make([]float32, rows*p.C/4), kerneltest.BenchSlices(1, rows*p.C/4)[0], make([]uint8, rows*p.C/4)
	b.Run("fused", func(b *testing.B) {
		top := make([]float32, len(y))
		bn := norm.BatchNorm{Mean: q[2], InvStd: q[3], Gamma: q[4], DGamma: q[5], DBeta: q[6]}
		for b.Loop() {
			p.Forward(s[0], q[0], q[1], y, top, arg)
			p.Reduce(dy, y, top, bn)
			p.Grad(dy, arg, s[0], s[1], bn)
		}
	})
	b.Run("parts", func(b *testing.B) {
		for b.Loop() {
			norm.ScaleShift{Rows: rows, C: p.C, Scale: q[0], Shift: q[1]}.Apply(s[0], s[1], elementwise.Epilogue{Activation: elementwise.ReLU})
			p.Max.Forward(s[1], y, arg)
			p.Max.Backward(dy, arg, elementwise.InputGrad{DX: s[2]})
			norm.BatchNorm{Rows: rows, C: p.C, Mean: q[2], InvStd: q[3], DGamma: q[5], DBeta: q[6], Passed: norm.Mask{Scale: q[0], Shift: q[1]}}.Reduce(s[2], s[0])
			norm.BatchNorm{Rows: rows, C: p.C, Mean: q[2], InvStd: q[3], Gamma: q[4], DGamma: q[5], DBeta: q[6], Passed: norm.Mask{Scale: q[0], Shift: q[1]}}.Grad(s[2], s[0], s[2], nil)
		}
	})
}

// FuzzNormMaxPool compares the fused stem with its parts on any geometry.
func FuzzNormMaxPool(f *testing.F) {
	f.Add(uint8(1), uint8(7), uint8(9), uint8(64), uint8(3), uint8(2), uint8(1), false, uint64(1))
	f.Add(uint8(2), uint8(6), uint8(6), uint8(17), uint8(3), uint8(2), uint8(0), true, uint64(2))
	f.Fuzz(func(t *testing.T, n, h, w, c, k, stride, pad uint8, ceil bool, seed uint64) {
		p := NormMax{Max{N: 1 + int(n)%2, H: 1 + int(h)%12, W: 1 + int(w)%12, C: 1 + int(c)%90, K: 1 + int(k)%5, Stride: 1 + int(stride)%4, Ceil: ceil}}
		p.Pad = int(pad) % (p.K/2 + 1)
		oh, ow := p.Out()
		rows, outs := p.N*p.H*p.W, p.N*oh*ow*p.C
		kerneltest.WithEachSet(func(s *isa.Set) {
			a := kerneltest.NewArena(t, seed, int(seed%16))
			x, normed, dnorm, dx, wantDX := a.Normal(rows*p.C, 0, 1), a.Zeros(rows*p.C), a.Zeros(rows*p.C), a.Zeros(rows*p.C), a.Zeros(rows*p.C)
			y, want, top, dy := a.Zeros(outs), a.Zeros(outs), a.Zeros(outs), a.Normal(outs, 0, 1)
			arg, wantArg := a.ByteZeros(outs), a.ByteZeros(outs)
			var q [7][]float32
			for i := range q {
				q[i] = a.Normal(p.C, 0, 1)
			}
			p.Forward(x, q[0], q[1], y, top, arg)
			p.Grad(dy, arg, x, dx, norm.BatchNorm{Mean: q[2], InvStd: q[3], Gamma: q[4], DGamma: q[5], DBeta: q[6]})
			norm.ScaleShift{Rows: rows, C: p.C, Scale: q[0], Shift: q[1]}.Apply(x, normed, elementwise.Epilogue{Activation: elementwise.ReLU})
			p.Max.Forward(normed, want, wantArg)
			kerneltest.Near(t, "y", y, kerneltest.Float64s(want), 1e-6)
			p.Max.Backward(dy, arg, elementwise.InputGrad{DX: dnorm})
			norm.BatchNorm{Rows: rows, C: p.C, Mean: q[2], InvStd: q[3], Gamma: q[4], DGamma: q[5], DBeta: q[6]}.Grad(dnorm, x, wantDX, nil)
			kerneltest.Near(t, "dx", dx, kerneltest.Float64s(wantDX), 1e-5)
			for i, at := range arg {
				if at == nowhere != (y[i] == 0) {
					t.Fatalf("output %v has position %d", y[i], at)
				}
			}
			a.Check()
		})
	})
}
