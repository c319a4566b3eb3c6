package conv

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// naiveConv visits every product of a convolution: input index, weight index,
// output index.
func naiveConv(c Conv, visit func(x, w, y int)) {
	oh, ow := c.Out()
	pad := ground.ConvShape(c).Padding()
	for n := range c.N {
		for oy := range oh {
			for ox := range ow {
				for ky := range c.KH {
					for kx := range c.KW {
						iy, ix := oy*c.Stride+ky-pad.Top, ox*c.Stride+kx-pad.Left
						if iy < 0 || iy >= c.H || ix < 0 || ix >= c.W {
							continue
						}
						for ch := range c.C {
							for k := range c.K {
								visit(((n*c.H+iy)*c.W+ix)*c.C+ch, ((ky*c.KW+kx)*c.C+ch)*c.K+k, ((n*oh+oy)*ow+ox)*c.K+k)
							}
						}
					}
				}
			}
		}
	}
}

type convCase struct {
	name string
	c    Conv
}

var convCases = []convCase{
	{"stem 7x7 s2 p3", Conv{N: 2, H: 29, W: 31, C: 3, K: 64, KH: 7, KW: 7, Stride: 2, Pad: 3}},
	{"stem of whole tiles", Conv{N: 2, H: 27, W: 56, C: 3, K: 40, KH: 7, KW: 7, Stride: 2, Pad: 3}},
	{"stem s1 of 27 columns", Conv{N: 1, H: 6, W: 27, C: 3, K: 16, KH: 5, KW: 5, Stride: 1, Pad: 2}},
	{"stem 3x3 s2 p0 of 27 columns", Conv{N: 2, H: 12, W: 55, C: 3, K: 64, KH: 3, KW: 3, Stride: 2, Pad: 0}},
	{"stem with wide padding", Conv{N: 1, H: 3, W: 9, C: 2, K: 5, KH: 3, KW: 3, Stride: 1, Pad: 4}},
	{"squeeze stem 3x3 s2 p0", Conv{N: 2, H: 23, W: 23, C: 3, K: 64, KH: 3, KW: 3, Stride: 2, Pad: 0}},
	{"squeeze stem 7x7 s2 p0", Conv{N: 1, H: 21, W: 24, C: 3, K: 96, KH: 7, KW: 7, Stride: 2, Pad: 0}},
	{"3x3 s1 p1", Conv{N: 2, H: 14, W: 14, C: 32, K: 48, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"3x3 s1 p0", Conv{N: 1, H: 9, W: 8, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 0}},
	{"3x3 s2 p1 even", Conv{N: 2, H: 14, W: 14, C: 32, K: 64, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"3x3 s2 p1 odd", Conv{N: 2, H: 13, W: 7, C: 16, K: 33, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"3x3 s3 p1", Conv{N: 1, H: 11, W: 10, C: 16, K: 8, KH: 3, KW: 3, Stride: 3, Pad: 1}},
	{"1x1 s1", Conv{N: 3, H: 7, W: 7, C: 64, K: 128, KH: 1, KW: 1, Stride: 1, Pad: 0}},
	{"1x1 s2", Conv{N: 2, H: 14, W: 15, C: 48, K: 64, KH: 1, KW: 1, Stride: 2, Pad: 0}},
	{"1x1 s3 pad 1", Conv{N: 1, H: 8, W: 9, C: 5, K: 6, KH: 1, KW: 1, Stride: 3, Pad: 1}},
	{"prime channels", Conv{N: 1, H: 11, W: 13, C: 17, K: 19, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"prime channels s2", Conv{N: 1, H: 11, W: 13, C: 37, K: 67, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"padded odd channels", Conv{N: 1, H: 5, W: 5, C: 63, K: 31, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"1x1 picture", Conv{N: 1, H: 1, W: 1, C: 24, K: 10, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"1x1 picture, 1 channel", Conv{N: 1, H: 1, W: 1, C: 1, K: 1, KH: 1, KW: 1, Stride: 1, Pad: 0}},
	{"1x1 picture 7x7 s2", Conv{N: 2, H: 1, W: 1, C: 3, K: 5, KH: 7, KW: 7, Stride: 2, Pad: 3}},
	{"linear", Conv{N: 5, H: 1, W: 1, C: 100, K: 37, KH: 1, KW: 1, Stride: 1, Pad: 0}},
	{"5x3 window", Conv{N: 1, H: 9, W: 12, C: 4, K: 7, KH: 5, KW: 3, Stride: 2, Pad: 2}},
	{"padding wider than window", Conv{N: 1, H: 4, W: 4, C: 3, K: 4, KH: 2, KW: 2, Stride: 2, Pad: 3}},
	{"deep k", Conv{N: 1, H: 4, W: 4, C: 320, K: 40, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"many columns", Conv{N: 1, H: 3, W: 3, C: 16, K: 600, KH: 1, KW: 1, Stride: 1, Pad: 0}},
	{"few rows, many columns, deep k", Conv{N: 1, H: 14, W: 12, C: 160, K: 530, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"wide map", Conv{N: 1, H: 2, W: 300, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"stem of same padding, even and odd", Conv{N: 2, H: 32, W: 57, C: 3, K: 24, KH: 3, KW: 3, Stride: 2, Same: true}},
	{"same padding of a wide window", Conv{N: 1, H: 12, W: 11, C: 16, K: 20, KH: 5, KW: 5, Stride: 2, Same: true}},
	{"same padding s3", Conv{N: 1, H: 11, W: 10, C: 17, K: 8, KH: 4, KW: 3, Stride: 3, Same: true}},
	{"1x1 s2 same", Conv{N: 2, H: 14, W: 15, C: 48, K: 64, KH: 1, KW: 1, Stride: 2, Same: true}},
	{"3x3 s1 same", Conv{N: 2, H: 14, W: 14, C: 32, K: 48, KH: 3, KW: 3, Stride: 1, Same: true}},
	{"one output row of 28", Conv{N: 2, H: 56, W: 56, C: 16, K: 32, KH: 3, KW: 3, Stride: 2, Pad: 1}},
}

// convTolerance bounds the relative L2 error of a direct pass against float64.
// float32 sums of up to some thousand products of numbers of size 1 carry a
// relative error of a few times 1e-7.
const convTolerance = 2e-6

// cancelTolerance bounds the same error relative to the sums of the products'
// magnitudes, of which rounding is a share however much the products cancel: a
// few outputs may all lie so near zero that the error is large relative to them.
const cancelTolerance = 1.0 / (1 << 23)

func TestConvDirect(t *testing.T) {
	defer winograd.Allow(winograd.Allow(false))
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, tc := range convCases {
			t.Run(tc.name, func(t *testing.T) { checkConv(t, tc.c, convTolerance) })
		}
	})
}

// convForward is the forward pass with nothing added.
func convForward(c Conv, x, w, y []float32) { c.Forward(x, w, y, elementwise.Epilogue{}) }

// act is ReLU or nothing.
func act(relu bool) elementwise.Activation {
	if relu {
		return elementwise.ReLU
	}
	return elementwise.Identity
}

// checkConv compares the three passes with float64 sums.
func checkConv(t *testing.T, c Conv, tol float64) {
	t.Helper()
	oh, ow := c.Out()
	x := kerneltest.Randoms(1, c.N*c.H*c.W*c.C)
	w := kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K)
	dy := kerneltest.Randoms(3, c.N*oh*ow*c.K)
	wantY, wantX, wantW := make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	sizeY, sizeX, sizeW := make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	naiveConv(c, func(i, j, k int) {
		xw, yw, yx := float64(x[i])*float64(w[j]), float64(dy[k])*float64(w[j]), float64(dy[k])*float64(x[i])
		wantY[k] += xw
		wantX[i] += yw
		wantW[j] += yx
		sizeY[k] += math.Abs(xw)
		sizeX[i] += math.Abs(yw)
		sizeW[j] += math.Abs(yx)
	})
	y, checkY := kerneltest.Guarded(t, "ConvForward", len(dy))
	dx, checkX := kerneltest.Guarded(t, "ConvBackwardData", len(x))
	dw, checkW := kerneltest.Guarded(t, "ConvBackwardWeights", len(w))
	convForward(c, x, w, y)
	c.BackwardData(dy, w, elementwise.InputGrad{DX: dx})
	c.BackwardWeights(x, dy, dw)
	checkY()
	checkX()
	checkW()
	for _, p := range []struct {
		pass string
		got  []float32
		want []float64
		size []float64 // the sums of the products' magnitudes
	}{{"forward", y, wantY, sizeY}, {"data gradient", dx, wantX, sizeX}, {"weight gradient", dw, wantW, sizeW}} {
		e := kerneltest.RelL2(p.got, p.want)
		share := e * norm(p.want) / norm(p.size)
		if !(e <= tol) && !(share <= cancelTolerance) {
			t.Errorf("%s of %+v: relative L2 error %.3g against float64, want at most %.3g; %.3g of the products' magnitudes", p.pass, c, e, tol, share)
		}
	}
}

func norm(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

func TestConvThreads(t *testing.T) {
	defer winograd.Allow(winograd.Allow(false))
	for _, tc := range convCases {
		c := tc.c
		oh, ow := c.Out()
		x, w, dy := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K), kerneltest.Randoms(3, c.N*oh*ow*c.K)
		var first []float32
		for threads := 1; threads <= 4; threads++ {
			func() {
				defer parallel.SetThreads(parallel.SetThreads(threads))
				all := make([]float32, len(dy)+len(x)+len(w))
				convForward(c, x, w, all[:len(dy)])
				c.BackwardData(dy, w, elementwise.InputGrad{DX: all[len(dy):][:len(x)]})
				c.BackwardWeights(x, dy, all[len(dy)+len(x):])
				if threads == 1 {
					first = all
					return
				}
				for i, v := range all {
					if v != first[i] {
						t.Fatalf("%s: value %d is %g with %d threads and %g with 1; want the same bits", tc.name, i, v, threads, first[i])
					}
				}
			}()
		}
	}
}

func TestPackedConv(t *testing.T) {
	sums := make([][]float64, len(convCases)) // the convolutions alone, computed once
	for i, tc := range convCases {
		c := tc.c
		x, w := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K)
		oh, ow := c.Out()
		sums[i] = make([]float64, c.N*oh*ow*c.K)
		naiveConv(c, func(a, b, k int) { sums[i][k] += float64(x[a]) * float64(w[b]) })
	}
	kerneltest.EachSet(t, func(t *testing.T) {
		for i, tc := range convCases {
			for _, form := range []struct {
				name                 string
				bias, residual, relu bool
				extra                int // channels of the concatenated output beside ours
			}{
				{name: "plain"},
				{name: "bias", bias: true},
				{name: "bias relu", bias: true, relu: true},
				{name: "all", bias: true, residual: true, relu: true},
				{name: "slice of a concatenation", bias: true, relu: true, extra: 5},
			} {
				c := tc.c
				oh, ow := c.Out()
				pixels := c.N * oh * ow
				x, w := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K)
				want := slices.Clone(sums[i])
				var bias, res []float32
				if form.bias {
					bias = kerneltest.Randoms(4, c.K)
					for i := range want {
						want[i] += float64(bias[i%c.K])
					}
				}
				if form.residual {
					res = kerneltest.Randoms(5, len(want))
					for i, v := range res {
						want[i] += float64(v)
					}
				}
				if form.relu {
					for i, v := range want {
						want[i] = max(0, v)
					}
				}
				stride := c.K + form.extra
				y, check := kerneltest.Guarded(t, "PackedConv.Forward", (pixels-1)*stride+c.K)
				Pack(mem.Floats, c, w, bias).Forward(c.N, c.H, c.W, x, y, elementwise.Epilogue{Residual: res, Activation: act(form.relu), Stride: stride})
				check()
				got := make([]float32, 0, len(want))
				for p := range pixels {
					got = append(got, y[p*stride:][:c.K]...)
					if p < pixels-1 {
						for i, v := range y[p*stride+c.K : (p+1)*stride] {
							if v != kerneltest.GuardWord {
								t.Fatalf("%s, %s: pixel %d: wrote %g to neighbouring channel %d", tc.name, form.name, p, v, i)
							}
						}
					}
				}
				// Inference may take the Winograd form, whose error is larger.
				if e := kerneltest.RelL2(got, want); !(e <= 1e-4) {
					t.Errorf("%s, %s: relative L2 error %.3g, want at most 1e-4", tc.name, form.name, e)
				}
			}
		}
	})
}

// TestPackedConvInPlace adds a residual that is the output itself, also where
// the steps are so many that they are computed in several passes.
func TestPackedConvInPlace(t *testing.T) {
	for _, c := range []Conv{
		{N: 1, H: 9, W: 9, C: 32, K: 48, KH: 1, KW: 1, Stride: 1},
		{N: 1, H: 9, W: 9, C: 320, K: 48, KH: 3, KW: 3, Stride: 2, Pad: 1},
		{N: 1, H: 9, W: 9, C: 2000, K: 70, KH: 1, KW: 1, Stride: 1},
		{N: 1, H: 9, W: 28, C: 3, K: 48, KH: 3, KW: 3, Stride: 1, Pad: 1},
	} {
		oh, ow := c.Out()
		x, w, y := kerneltest.Randoms(1, c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K), kerneltest.Randoms(3, oh*ow*c.K)
		p := Pack(mem.Floats, c, w, nil)
		want := make([]float32, len(y))
		p.Forward(1, c.H, c.W, x, want, elementwise.Epilogue{Residual: y, Activation: act(true), Stride: c.K})
		p.Forward(1, c.H, c.W, x, y, elementwise.Epilogue{Residual: y, Activation: act(true), Stride: c.K})
		for i := range y {
			if y[i] != want[i] {
				t.Fatalf("%+v: value %d is %g in place, %g apart", c, i, y[i], want[i])
			}
		}
	}
}

func TestConvRejects(t *testing.T) {
	for _, c := range []Conv{
		{},
		{N: 1, H: 2, W: 2, C: 1, K: 1, KH: 3, KW: 3, Stride: 1},
		{N: 1, H: 2, W: 2, C: 1, K: 1, KH: 1, KW: 1, Stride: 0},
		{N: 1, H: 2, W: 2, C: 1, K: 1, KH: 1, KW: 1, Stride: 1, Pad: -1},
	} {
		if c.Check() == nil {
			t.Errorf("%+v: accepted, want an error", c)
		}
	}
	if err := (Conv{N: 1, H: 2, W: 2, C: 1, K: 1, KH: 3, KW: 3, Stride: 1, Pad: 1}).Check(); err != nil {
		t.Error(err)
	}
}

func ExampleConv_Out() {
	fmt.Println(Conv{N: 1, H: 224, W: 224, C: 3, K: 64, KH: 7, KW: 7, Stride: 2, Pad: 3}.Out())
	// Output: 112 112
}

func FuzzConv(f *testing.F) {
	f.Add(uint8(1), uint8(13), uint8(29), uint8(3), uint8(40), uint8(6), uint8(6), uint8(1), uint8(3))
	f.Add(uint8(0), uint8(0), uint8(0), uint8(15), uint8(31), uint8(0), uint8(0), uint8(0), uint8(0))
	f.Add(uint8(1), uint8(6), uint8(14), uint8(63), uint8(15), uint8(2), uint8(2), uint8(1), uint8(1))
	f.Add(uint8(1), uint8(21), uint8(1), uint8(0), uint8(0), uint8(0), uint8(0), uint8(1), uint8(3)) // one weight, whose terms cancel
	f.Add(uint8(0), uint8(2), uint8(8), uint8(38), uint8(1), uint8(2), uint8(6), uint8(2), uint8(0)) // two outputs
	f.Fuzz(func(t *testing.T, n, h, w, ch, k, kh, kw, stride, pad uint8) {
		c := Conv{N: 1 + int(n%3), H: 1 + int(h%32), W: 1 + int(w%64), C: 1 + int(ch%72), K: 1 + int(k%72),
			KH: 1 + int(kh%7), KW: 1 + int(kw%7), Stride: 1 + int(stride%3), Pad: int(pad % 4)}
		if c.Check() != nil {
			t.Skip("the window does not fit")
		}
		if oh, ow := c.Out(); c.N*oh*ow*c.KH*c.KW*c.C*c.K > 2e6 {
			t.Skip("too large for the naive sum")
		}
		defer winograd.Allow(winograd.Allow(false))
		kerneltest.WithEachSet(func(s *isa.Set) {
			checkConv(t, c, convTolerance)
		})
	})
}

// TestConvNonTemporal computes outputs so large that they are stored
// non-temporally, and compares them with the same pictures one at a time, which are not.
func TestConvNonTemporal(t *testing.T) {
	defer winograd.Allow(winograd.Allow(false))
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, tc := range []struct {
			name string
			c    Conv
		}{
			{"pointwise", Conv{N: 9, H: 64, W: 64, C: 16, K: 256, KH: 1, KW: 1, Stride: 1}},
			{"pointwise, packed", Conv{N: 33, H: 23, W: 23, C: 33, K: 496, KH: 1, KW: 1, Stride: 1}},
			{"stem", Conv{N: 12, H: 208, W: 224, C: 3, K: 64, KH: 3, KW: 3, Stride: 2, Pad: 1}},
		} {
			c := tc.c
			oh, ow := c.Out()
			one := c
			one.N = 1
			x, w := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K)
			y, want := mem.Floats(c.N*oh*ow*c.K), make([]float32, oh*ow*c.K)
			if from := 8 << 20; len(y) < from || len(want) >= from {
				t.Fatalf("%s: outputs of %d and %d floats do not test the limit of %d", tc.name, len(y), len(want), from)
			}
			convForward(c, x, w, y)
			for n := range c.N {
				convForward(one, x[n*c.H*c.W*c.C:][:c.H*c.W*c.C], w, want)
				for i, v := range y[n*len(want):][:len(want)] {
					if v != want[i] {
						t.Fatalf("%s: picture %d, value %d is %g, want %g", tc.name, n, i, v, want[i])
					}
				}
			}
		}
	})
}
