package conv

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// winoCases are the shapes that every pass is checked on: the maps of the
// networks, maps that are not multiples of 4, channels that are not multiples
// of a vector or of a panel, both schedules, and every padding.
var winoCases = []struct {
	name string
	c    Conv
}{
	{"one tile", Conv{N: 1, H: 4, W: 4, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"one pixel", Conv{N: 1, H: 1, W: 1, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"one row", Conv{N: 2, H: 1, W: 13, C: 16, K: 48, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"resnet layer1, small map", Conv{N: 2, H: 12, W: 12, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"7x7 map", Conv{N: 3, H: 7, W: 7, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"prime sizes", Conv{N: 2, H: 11, W: 13, C: 17, K: 19, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"prime channels over a panel", Conv{N: 1, H: 9, W: 5, C: 37, K: 67, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"tiles of all shapes, 7x7", Conv{N: 9, H: 7, W: 7, C: 32, K: 40, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"tiles of all shapes, 14x13", Conv{N: 8, H: 14, W: 13, C: 24, K: 33, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"tiles of 3x3 alone", Conv{N: 9, H: 3, W: 3, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"3x4 tiles, one sticking out", Conv{N: 40, H: 5, W: 6, C: 16, K: 20, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"few channels", Conv{N: 2, H: 6, W: 5, C: 1, K: 3, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"no padding", Conv{N: 2, H: 9, W: 10, C: 20, K: 33, KH: 3, KW: 3, Stride: 1, Pad: 0}},
	{"smallest without padding", Conv{N: 1, H: 3, W: 3, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 0}},
	{"padding 2", Conv{N: 2, H: 5, W: 6, C: 24, K: 40, KH: 3, KW: 3, Stride: 1, Pad: 2}},
	{"squeezenet expand", Conv{N: 1, H: 13, W: 13, C: 48, K: 192, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"staged schedule", Conv{N: 2, H: 7, W: 7, C: 160, K: 112, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"staged, odd channels", Conv{N: 1, H: 6, W: 9, C: 211, K: 131, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"staged, several blocks", Conv{N: 20, H: 14, W: 14, C: 130, K: 130, KH: 3, KW: 3, Stride: 1, Pad: 1}},
}

// refConv holds the three passes as direct sums in float64.
type refConv struct{ y, dx, dw []float64 }

func newRefConv(c Conv, x, w, dy []float32) refConv {
	oh, ow := c.Out()
	r := refConv{make([]float64, c.N*oh*ow*c.K), make([]float64, len(x)), make([]float64, len(w))}
	for n := range c.N {
		for oy := range oh {
			for ox := range ow {
				at := ((n*oh+oy)*ow + ox) * c.K
				y, d := r.y[at:at+c.K], dy[at:at+c.K]
				for ky := range c.KH {
					for kx := range c.KW {
						iy, ix := oy*c.Stride+ky-c.Pad, ox*c.Stride+kx-c.Pad
						if iy < 0 || iy >= c.H || ix < 0 || ix >= c.W {
							continue
						}
						for ch := range c.C {
							xi := ((n*c.H+iy)*c.W+ix)*c.C + ch
							wi := ((ky*c.KW+kx)*c.C + ch) * c.K
							xv, sum := float64(x[xi]), 0.0
							wr, dwr := w[wi:wi+c.K], r.dw[wi:wi+c.K]
							for k, g := range d {
								wv, gv := float64(wr[k]), float64(g)
								y[k] += xv * wv
								sum += gv * wv
								dwr[k] += xv * gv
							}
							r.dx[xi] += sum
						}
					}
				}
			}
		}
	}
	return r
}

// winogradPlain is the forward pass by Winograd without an epilogue, whether it
// would be chosen or not.
func winogradPlain(c Conv, x, w, y []float32) {
	winograd.Forward(ground.ConvShape(c), x, w, winograd.Epilogue{Y: y, YStride: c.K})
}

func winoOperands(c Conv) (x, w, dy []float32) {
	oh, ow := c.Out()
	return kerneltest.Normals(1, c.N*c.H*c.W*c.C, 1),
		kerneltest.Normals(2, 9*c.C*c.K, math.Sqrt(2/float64(9*c.C))),
		kerneltest.Normals(3, c.N*oh*ow*c.K, 1)
}

// TestWinogradError bounds the relative L2 error of the three passes against
// the direct sum in float64. F(4x4,3x3) in float32 gives 5e-7 to 2e-6 on these
// shapes; the bound leaves a factor of five.
func TestWinogradError(t *testing.T) {
	const bound = 1e-5
	for _, tc := range winoCases {
		if tc.c.N*tc.c.H*tc.c.C > 30000 && !slow.On() {
			continue // its direct sums take long
		}
		x, w, dy := winoOperands(tc.c)
		want := newRefConv(tc.c, x, w, dy)
		t.Run(tc.name, func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				for _, p := range []struct {
					pass string
					run  func(out []float32)
					want []float64
				}{
					{"forward", func(o []float32) { winogradPlain(tc.c, x, w, o) }, want.y},
					{"data gradient", func(o []float32) { winograd.BackwardData(ground.ConvShape(tc.c), dy, w, o, false) }, want.dx},
					{"weight gradient", func(o []float32) { winograd.BackwardWeights(ground.ConvShape(tc.c), x, dy, o) }, want.dw},
				} {
					got, check := kerneltest.NanGuarded(t, p.pass, len(p.want))
					p.run(got)
					check()
					e := kerneltest.RelL2(got, p.want)
					if !(e <= bound) {
						t.Errorf("%s of %+v: relative L2 error %.2e, want at most %.0e", p.pass, tc.c, e, bound)
					}
					t.Logf("%s: %.2e", p.pass, e)
				}
			})
		})
	}
}

// TestWinogradThreads checks that every pass gives the same bits for any
// number of threads.
func TestWinogradThreads(t *testing.T) {
	for _, c := range []Conv{
		{N: 3, H: 23, W: 22, C: 40, K: 48, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 16, H: 7, W: 7, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 5, H: 14, W: 14, C: 144, K: 160, KH: 3, KW: 3, Stride: 1, Pad: 1},
	} {
		x, w, dy := winoOperands(c)
		var first [3][]float32
		for threads := 1; threads <= 4; threads++ {
			old := parallel.SetThreads(threads)
			out := [3][]float32{make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))}
			winogradPlain(c, x, w, out[0])
			winograd.BackwardData(ground.ConvShape(c), dy, w, out[1], false)
			winograd.BackwardWeights(ground.ConvShape(c), x, dy, out[2])
			parallel.SetThreads(old)
			if threads == 1 {
				first = out
				continue
			}
			for pass := range out {
				for i, v := range out[pass] {
					if v != first[pass][i] {
						t.Fatalf("pass %d of %+v: element %d is %v with %d threads, %v with one", pass, c, i, v, threads, first[pass][i])
					}
				}
			}
		}
	}
}

// TestWinogradPacked checks the packed layer and each part of its epilogue
// against the direct sum, with the result in a slice of wider pixels.
func TestWinogradPacked(t *testing.T) {
	for _, c := range []Conv{
		{N: 2, H: 8, W: 12, C: 32, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 1, H: 7, W: 7, C: 24, K: 41, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 2, H: 7, W: 9, C: 144, K: 136, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 1, H: 6, W: 6, C: 16, K: 16, KH: 3, KW: 3, Stride: 1, Pad: 0},
	} {
		x, w, dy := winoOperands(c)
		conv := newRefConv(c, x, w, dy).y
		bias, res := kerneltest.Normals(4, c.K, 1), kerneltest.Normals(5, len(dy), 1)
		for _, tc := range []struct {
			bias, res, relu bool
			extra           int
		}{{}, {bias: true}, {res: true}, {relu: true}, {bias: true, relu: true, extra: 5}, {bias: true, res: true, relu: true, extra: 16}} {
			t.Run(fmt.Sprintf("%dx%d/%d-%d/%+v", c.H, c.W, c.C, c.K, tc), func(t *testing.T) {
				kerneltest.EachSet(t, func(t *testing.T) {
					var b, r []float32
					want := make([]float64, len(conv))
					for i, v := range conv {
						if tc.bias {
							b = bias
							v += float64(bias[i%c.K])
						}
						if tc.res {
							r = res
							v += float64(res[i])
						}
						if tc.relu {
							v = max(0, v)
						}
						want[i] = v
					}
					stride := c.K + tc.extra
					pixels := len(conv) / c.K
					y, check := kerneltest.NanGuarded(t, "y", pixels*stride-tc.extra)
					Pack(mem.Floats, c, w, b).packWinograd().Forward(c.N, c.H, c.W, x, winograd.Epilogue{Y: y, YStride: stride, Residual: r, ReLU: tc.relu})
					check()
					got := make([]float32, 0, len(conv))
					for i := range pixels {
						got = append(got, y[i*stride:][:c.K]...)
						for _, v := range y[min(len(y), i*stride+c.K):min(len(y), (i+1)*stride)] {
							if v == v {
								t.Fatalf("pixel %d: wrote beside its %d channels", i, c.K)
							}
						}
					}
					if e := kerneltest.RelL2(got, want); !(e <= 1e-5) {
						t.Errorf("relative L2 error %.2e, want at most 1e-5", e)
					}
				})
			})
		}
	}
}

// TestAllow checks the switch and the choice of shapes.
func TestAllow(t *testing.T) {
	layer := Conv{N: 32, H: 56, W: 56, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}
	for _, tc := range []struct {
		name string
		c    Conv
		want bool
	}{
		{"resnet layer1", layer, true},
		{"resnet layer4", Conv{N: 32, H: 7, W: 7, C: 512, K: 512, KH: 3, KW: 3, Stride: 1, Pad: 1}, true},
		{"resnet layer3, one picture", Conv{N: 1, H: 14, W: 14, C: 256, K: 256, KH: 3, KW: 3, Stride: 1, Pad: 1}, true},
		{"squeezenet's first expand", Conv{N: 32, H: 55, W: 55, C: 16, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}, true},
		{"stride 2", Conv{N: 32, H: 56, W: 56, C: 64, K: 128, KH: 3, KW: 3, Stride: 2, Pad: 1}, false},
		{"1x1", Conv{N: 32, H: 56, W: 56, C: 64, K: 64, KH: 1, KW: 1, Stride: 1, Pad: 0}, false},
		{"three channels", Conv{N: 32, H: 56, W: 56, C: 3, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}, false},
		{"one pixel", Conv{N: 32, H: 1, W: 1, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}, false},
	} {
		for pass := winograd.PassForward; pass <= winograd.PassBackwardWeights; pass++ {
			if got := winograd.Wins(ground.ConvShape(tc.c), pass); got != tc.want {
				t.Errorf("%s, pass %d: %v, want %v", tc.name, pass, got, tc.want)
			}
		}
	}
	// The filters of a map of 7x7 cost more than its results.
	layer4 := Conv{N: 1, H: 7, W: 7, C: 512, K: 512, KH: 3, KW: 3, Stride: 1, Pad: 1}
	if !winograd.Wins(ground.ConvShape(layer4), winograd.PassForward) || winograd.Wins(ground.ConvShape(layer4), winograd.PassBackwardData) || winograd.Wins(ground.ConvShape(layer4), winograd.PassBackwardWeights) {
		t.Error("resnet layer4, one picture: want Winograd in the forward pass and in no other")
	}
	if old := winograd.Allow(false); !old {
		t.Error("Winograd is not on by default")
	}
	if winograd.Wins(ground.ConvShape(layer), winograd.PassForward) {
		t.Error("Winograd chosen although it is off")
	}
	if old := winograd.Allow(true); old {
		t.Error("winograd.Allow(true) did not report that it was off")
	}
}
