package pool

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// FuzzMaxPool compares pooling, forward and backward, with the plain
// definition, on values with many ties.
func FuzzMaxPool(f *testing.F) {
	f.Add(uint8(1), uint8(7), uint8(9), uint8(64), uint8(3), uint8(2), uint8(1), false, uint64(1))
	f.Add(uint8(2), uint8(6), uint8(6), uint8(17), uint8(3), uint8(2), uint8(0), true, uint64(2))
	f.Fuzz(func(t *testing.T, n, h, w, c, k, stride, pad uint8, ceil bool, seed uint64) {
		p := poolCase{1 + int(n)%2, 1 + int(h)%12, 1 + int(w)%12, 1 + int(c)%90, 1 + int(k)%5, 1 + int(stride)%4, 0, ceil}
		p.pad = int(pad) % (p.k/2 + 1)
		outs := p.n * Out(p.h, p.k, p.stride, p.pad, p.ceil) * Out(p.w, p.k, p.stride, p.pad, p.ceil) * p.c
		kerneltest.WithEachSet(func(s *isa.Set) {
			a := kerneltest.NewArena(t, seed, int(seed%16))
			x, dy := a.Zeros(p.n*p.h*p.w*p.c), a.Normal(outs, 0, 1)
			for i := range x {
				x[i] = float32(a.R.IntN(5) - 2)
				if a.R.IntN(100) == 0 {
					x[i] = kerneltest.Nan32
				}
			}
			y, arg, dx := a.Zeros(outs), a.ByteZeros(outs), a.Zeros(len(x))
			p.pool().Forward(x, y, arg)
			p.pool().Backward(dy, arg, elementwise.InputGrad{DX: dx})
			a.Check()
			wantY, wantArg, wantDX := poolRef(p, x, dy)
			kerneltest.Near(t, "y", y, wantY, 0)
			for i := range arg {
				if arg[i] != wantArg[i] {
					t.Fatalf("%v: argmax[%d] = %d, want %d", p, i, arg[i], wantArg[i])
				}
			}
			kerneltest.Near(t, "dx", dx, wantDX, 1e-5)
			ofReLU(p.pool()).Forward(x, y, arg)
			a.Check()
			kerneltest.Near(t, "y after a ReLU", y, wantY, 0)
			for i := range arg {
				if want := wantArg[i]; !(y[i] > 0) && arg[i] != nowhere || y[i] > 0 && arg[i] != want {
					t.Fatalf("%v: argmax[%d] = %d where the maximum is %v at %d", p, i, arg[i], y[i], want)
				}
			}
		})
	})
}
