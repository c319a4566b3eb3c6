package conv

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// The convolution, ReLU and max pool of a stem as one operation give what they
// give one after the other, forward and backward, whatever the maps are cut into.
func TestConvMaxPool(t *testing.T) {
	for _, p := range []MaxPool{
		{Conv: Conv{N: 2, H: 31, W: 29, C: 3, K: 64, KH: 3, KW: 3, Stride: 2}, K: 3, Stride: 2, Ceil: true},
		{Conv: Conv{N: 1, H: 40, W: 33, C: 3, K: 20, KH: 7, KW: 7, Stride: 2}, K: 3, Stride: 2, Ceil: true},
		{Conv: Conv{N: 2, H: 18, W: 20, C: 4, K: 33, KH: 3, KW: 3, Stride: 1, Pad: 1}, K: 2, Stride: 2},
		{Conv: Conv{N: 3, H: 16, W: 15, C: 1, K: 5, KH: 3, KW: 3, Stride: 1}, K: 3, Stride: 1, Pad: 1},
		{Conv: Conv{N: 1, H: 29, W: 29, C: 3, K: 16, KH: 3, KW: 3, Stride: 1}, K: 2, Stride: 3},
		{Conv: Conv{N: 1, H: 40, W: 130, C: 1, K: 64, KH: 3, KW: 3, Stride: 1}, K: 3, Stride: 2}, // rows stay for the windows after
		{Conv: Conv{N: 1, H: 64, W: 600, C: 3, K: 96, KH: 7, KW: 7, Stride: 2}, K: 3, Stride: 2, Ceil: true},
	} {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			if p.Conv.W == 600 && !slow.On() {
				t.Skip("takes long")
			}
			kerneltest.EachSet(t, func(t *testing.T) {
				if !p.Fits() {
					t.Fatal("the shape does not fit; the test wants one that does")
				}
				c := p.Conv
				h, w := c.Out()
				oh, ow := p.Out()
				outs := c.N * oh * ow * c.K
				for _, full := range []bool{true, false} {
					var want [][]float64
					out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x, wt := a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.KH*c.KW*c.C*c.K, 0, 0.2)
						dy := a.Normal(outs, 0, 1)
						var bias, db, wantDB []float32
						if full {
							bias, db, wantDB = a.Normal(c.K, -0.5, 1), a.Normal(c.K, 0, 1), make([]float32, c.K)
						}
						z, wantY, wantArg := make([]float32, c.N*h*w*c.K), make([]float32, outs), make([]uint8, outs)
						c.Forward(x, wt, z, elementwise.Epilogue{Bias: bias, Activation: act(true), Stride: c.K})
						pool.Max{N: c.N, H: h, W: w, C: c.K, K: p.K, Stride: p.Stride, Pad: p.Pad, Ceil: p.Ceil, OfReLU: true}.Forward(z, wantY, wantArg)
						dz, wantDW := make([]float32, len(z)), make([]float32, len(wt))
						pool.Max{N: c.N, H: h, W: w, C: c.K, K: p.K, Stride: p.Stride, Pad: p.Pad, Ceil: p.Ceil}.Backward(dy, wantArg, elementwise.InputGrad{DX: dz})
						c.BackwardWeights(x, dz, wantDW)
						if full {
							elementwise.SumRows(dz, c.N*h*w, c.K, wantDB)
						}

						y, arg, dw := a.Zeros(outs), a.ByteZeros(outs), a.Normal(len(wt), 0, 1)
						if full {
							p.Forward(x, wt, bias, y, arg)
						} else {
							p.Forward(x, wt, bias, y, nil)
							copy(arg, wantArg)
						}
						for i, at := range arg {
							if at != wantArg[i] {
								t.Fatalf("argmax[%d] = %d, want %d", i, at, wantArg[i])
							}
						}
						packed := a.Zeros(outs)
						p.ForwardPacked(Pack(mem.Floats, c, wt, bias), x, packed)
						p.BackwardWeights(x, dy, arg, dw, db)
						want = [][]float64{kerneltest.Float64s(wantY), kerneltest.Float64s(wantY), kerneltest.Float64s(wantDW), kerneltest.Float64s(wantDB)}
						return [][]float32{y, packed, dw, db}
					})
					kerneltest.Near(t, "y", out[0], want[0], 0)
					kerneltest.Near(t, "y of packed weights", out[1], want[1], 0)
					kerneltest.Near(t, "dw", out[2], want[2], 1e-5*math.Sqrt(float64(c.N*h*w)))
					kerneltest.Near(t, "dbias", out[3], want[3], 1e-5*math.Sqrt(float64(c.N*h*w)))
				}
			})
		})
	}
}

func TestConvMaxPoolFits(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    MaxPool
	}{
		{"many channels", MaxPool{Conv: Conv{N: 1, H: 30, W: 30, C: 64, K: 8, KH: 3, KW: 3, Stride: 1}, K: 2, Stride: 2}},
		{"no window fits", MaxPool{Conv: Conv{N: 1, H: 3, W: 3, C: 3, K: 8, KH: 3, KW: 3, Stride: 1}, K: 3, Stride: 2}},
		{"a large window", MaxPool{Conv: Conv{N: 1, H: 60, W: 60, C: 3, K: 8, KH: 3, KW: 3, Stride: 1}, K: 16, Stride: 2}},
		{"an impossible convolution", MaxPool{Conv: Conv{N: 1, H: 2, W: 60, C: 3, K: 8, KH: 3, KW: 3, Stride: 1}, K: 2, Stride: 2}},
	} {
		if tc.p.Fits() {
			t.Errorf("%s: Fits reports true", tc.name)
		}
	}
}
