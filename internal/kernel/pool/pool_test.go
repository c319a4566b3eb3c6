package pool

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestPoolOut(t *testing.T) {
	// Sizes that torch.nn.functional.max_pool2d gives.
	for _, tc := range []struct {
		size, k, stride, pad int
		ceil                 bool
		want                 int
	}{
		{112, 3, 2, 1, false, 56}, // ResNet
		{111, 3, 2, 0, true, 55},  // SqueezeNet 1.1
		{55, 3, 2, 0, true, 27},
		{27, 3, 2, 0, true, 13},
		{109, 3, 2, 0, true, 54}, // SqueezeNet 1.0
		{54, 3, 2, 0, true, 27},
		{4, 3, 2, 0, false, 1},
		{4, 3, 2, 0, true, 2},
		{5, 2, 2, 1, true, 3}, // a fourth window would start in the right padding
		{5, 2, 2, 1, false, 3},
		{4, 1, 3, 0, true, 2},
		{3, 1, 3, 0, true, 1},
		{2, 3, 2, 0, true, 1},
		{2, 3, 2, 0, false, 0},
		{0, 2, 1, 1, false, 0},
		{1, 3, 2, 1, false, 1},
	} {
		if got := Out(tc.size, tc.k, tc.stride, tc.pad, tc.ceil); got != tc.want {
			t.Errorf("PoolOut(%d, window %d, stride %d, pad %d, ceil %v) = %d, want %d", tc.size, tc.k, tc.stride, tc.pad, tc.ceil, got, tc.want)
		}
	}
}

type poolCase struct {
	n, h, w, c, k, stride, pad int
	ceil                       bool
}

func (p poolCase) pool() Max {
	return Max{N: p.n, H: p.h, W: p.w, C: p.c, K: p.k, Stride: p.stride, Pad: p.pad, Ceil: p.ceil}
}

// ofReLU is p on the result of a ReLU.
func ofReLU(p Max) Max {
	p.OfReLU = true
	return p
}

func (p poolCase) String() string {
	return fmt.Sprintf("%dx%dx%dx%d window %d stride %d pad %d ceil %v", p.n, p.h, p.w, p.c, p.k, p.stride, p.pad, p.ceil)
}

var poolCases = []poolCase{
	{2, 12, 12, 64, 3, 2, 1, false},
	{1, 13, 11, 17, 3, 2, 0, true},
	{3, 8, 7, 5, 2, 2, 0, false},
	{1, 5, 6, 33, 2, 1, 1, false},
	{1, 1, 1, 16, 3, 2, 1, false},
	{2, 9, 9, 8, 1, 3, 0, true}, // stride beyond the window: gaps
	{1, 20, 19, 40, 16, 3, 8, false},
	{1, 2, 2, 31, 3, 2, 0, true},
	{1, 7, 7, 130, 5, 1, 2, false},
	{0, 7, 7, 3, 3, 2, 1, false},
}

// poolRef is max pooling and its backward by scattering, as torch does it.
func poolRef(p poolCase, x, dy []float32) (y []float64, arg []uint8, dx []float64) {
	oh, ow := Out(p.h, p.k, p.stride, p.pad, p.ceil), Out(p.w, p.k, p.stride, p.pad, p.ceil)
	y, arg, dx = make([]float64, p.n*oh*ow*p.c), make([]uint8, p.n*oh*ow*p.c), make([]float64, p.n*p.h*p.w*p.c)
	for o := range y {
		ch, ox, oy, n := o%p.c, o/p.c%ow, o/p.c/ow%oh, o/p.c/ow/oh
		best, at := math.Inf(-1), -1
		for ky := range p.k {
			for kx := range p.k {
				iy, ix := oy*p.stride-p.pad+ky, ox*p.stride-p.pad+kx
				if iy < 0 || ix < 0 || iy >= p.h || ix >= p.w {
					continue
				}
				i := ((n*p.h+iy)*p.w+ix)*p.c + ch
				if v := float64(x[i]); at < 0 || v > best || v != v {
					best, at, arg[o] = v, i, uint8(ky*p.k+kx)
				}
			}
		}
		y[o] = best
		dx[at] += float64(dy[o])
	}
	return y, arg, dx
}

func TestMaxPool(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, p := range poolCases {
			for _, special := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v special %v", p, special), func(t *testing.T) {
					var x, dy []float32
					var arg []uint8
					out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x = a.Normal(p.n*p.h*p.w*p.c, 0, 1)
						// Ties, as ReLU makes them.
						elementwise.ReLU.Apply(x, x)
						if special {
							kerneltest.Odd(x)
						}
						outs := p.n * Out(p.h, p.k, p.stride, p.pad, p.ceil) * Out(p.w, p.k, p.stride, p.pad, p.ceil) * p.c
						y, dx := a.Zeros(outs), a.Normal(len(x), 0, 1)
						dy, arg = a.Normal(outs, 0, 1), a.ByteZeros(outs)
						p.pool().Forward(x, y, arg)
						p.pool().Backward(dy, arg, elementwise.InputGrad{DX: dx})
						only := a.Zeros(outs)
						p.pool().Forward(x, only, nil)
						return [][]float32{y, dx, only}
					})
					y, wantArg, dx := poolRef(p, x, dy)
					kerneltest.Near(t, "y", out[0], y, 0)
					for i := range arg {
						if arg[i] != wantArg[i] {
							t.Fatalf("argmax[%d] = %d, want %d", i, arg[i], wantArg[i])
						}
					}
					kerneltest.Near(t, "dx", out[1], dx, 1e-6)
					kerneltest.Near(t, "y without argmax", out[2], y, 0)
				})
			}
		}
	})
}

func TestGlobalPool(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, s := range []struct{ n, hw, c int }{{1, 1, 1}, {3, 49, 512}, {2, 169, 37}, {5, 4, 16}, {0, 4, 4}, {2, 256, 33}, {2, 300, 20}} {
			for _, accumulate := range []bool{false, true} {
				t.Run(fmt.Sprintf("%dx%dx%d accumulate %v", s.n, s.hw, s.c, accumulate), func(t *testing.T) {
					var x, dy, before []float32
					var arg []int32
					out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x, dy = a.Normal(s.n*s.hw*s.c, 0, 1), a.Normal(s.n*s.c, 0, 1)
						before = a.Normal(len(x), 0, 1)
						if s.hw > 3 && s.n > 0 {
							x[3*s.c] = kerneltest.Nan32
						}
						avg, top := a.Normal(s.n*s.c, 0, 1), a.Normal(s.n*s.c, 0, 1)
						arg = make([]int32, s.n*s.c)
						davg, dtop := a.CopyOf(before), a.CopyOf(before)
						Global{N: s.n, HW: s.hw, C: s.c}.Avg(x, avg)
						Global{N: s.n, HW: s.hw, C: s.c}.AvgBackward(dy, davg, accumulate)
						Global{N: s.n, HW: s.hw, C: s.c}.Max(x, top, arg)
						Global{N: s.n, HW: s.hw, C: s.c}.MaxBackward(dy, arg, dtop, accumulate)
						Global{N: s.n, HW: s.hw, C: s.c}.Max(x, a.Zeros(s.n*s.c), nil)
						return [][]float32{avg, top, davg, dtop}
					})
					avg, top := make([]float64, s.n*s.c), make([]float64, s.n*s.c)
					davg, dtop := make([]float64, len(x)), make([]float64, len(x))
					for i := range davg {
						if accumulate {
							davg[i], dtop[i] = float64(before[i]), float64(before[i])
						}
					}
					for o := range avg {
						n, ch := o/s.c, o%s.c
						best, at := math.Inf(-1), 0
						for p := range s.hw {
							i := (n*s.hw+p)*s.c + ch
							v := float64(x[i])
							avg[o] += v / float64(s.hw)
							davg[i] += float64(dy[o]) / float64(s.hw)
							if p == 0 || v > best || v != v {
								best, at = v, i
							}
						}
						top[o] = best
						dtop[at] += float64(dy[o])
					}
					kerneltest.Near(t, "mean", out[0], avg, 1e-6)
					kerneltest.Near(t, "max", out[1], top, 0)
					kerneltest.Near(t, "mean's gradient", out[2], davg, 1e-6)
					kerneltest.Near(t, "max's gradient", out[3], dtop, 1e-6)
				})
			}
		}
	})
}

// TestPoolBackwardAdds: a gradient is added to what is there, and what others
// contribute goes through the ReLU too.
func TestPoolBackwardAdds(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		p := ofReLU(poolCase{2, 9, 8, 24, 3, 2, 1, false}.pool())
		oh, ow := p.Out()
		a := kerneltest.NewArena(t, 3, 0)
		rows := p.N * p.H * p.W
		x, y, arg := a.Normal(rows*p.C, 0, 1), a.Zeros(p.N*oh*ow*p.C), a.ByteZeros(p.N*oh*ow*p.C)
		elementwise.ReLU.Apply(x, x)
		p.Forward(x, y, arg)
		dy, before, dx := a.Normal(len(y), 0, 1), a.Normal(len(x), 0, 1), a.Zeros(len(x))
		p.Backward(dy, arg, elementwise.InputGrad{DX: dx})
		want := a.CopyOf(before)
		elementwise.Add(want, dx, want)

		sum := a.CopyOf(before)
		p.Backward(dy, arg, elementwise.InputGrad{DX: sum, Add: true})
		kerneltest.Near(t, "the sum", sum, kerneltest.Float64s(want), 0)

		dz, other := a.Zeros(len(x)), a.CopyOf(before)
		p.Backward(dy, arg, elementwise.InputGrad{DX: other, ReLU: &elementwise.ReLUGrad{X: x, Parts: []elementwise.GradPart{{C: p.C, DZ: dz}}}})
		elementwise.ReLU.Backward(want, x, want)
		kerneltest.Near(t, "the sum through the ReLU", dz, kerneltest.Float64s(want), 0)
		a.Check()

		defer func() {
			if recover() == nil {
				t.Error("a gradient through a ReLU that Forward was not told of was accepted")
			}
		}()
		p.OfReLU = false
		p.Backward(dy, arg, elementwise.InputGrad{ReLU: &elementwise.ReLUGrad{X: x, Parts: []elementwise.GradPart{{C: p.C, DZ: dz}}}})
	})
}

func TestPoolLengthsAreChecked(t *testing.T) {
	s := func(n int) []float32 { return make([]float32, n) }
	for name, f := range map[string]func(){
		"MaxPool":       func() { Max{N: 1, H: 4, W: 4, C: 1, K: 2, Stride: 2, Pad: 0, Ceil: false}.Forward(s(16), s(5), nil) },
		"MaxPoolWindow": func() { Max{N: 1, H: 4, W: 4, C: 1, K: 2, Stride: 2, Pad: 2, Ceil: false}.Forward(s(16), s(16), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("slices of the wrong length were accepted")
				}
			}()
			f()
		})
	}
}
