package depthwise

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

var cases = []Conv{
	{N: 2, H: 14, W: 14, C: 64, KH: 3, KW: 3, Stride: 1, Pad: even(1)},
	{N: 1, H: 112, W: 112, C: 32, KH: 3, KW: 3, Stride: 2, Pad: Padding{0, 1, 0, 1}}, // TensorFlow's "same"
	{N: 3, H: 7, W: 7, C: 40, KH: 5, KW: 5, Stride: 1, Pad: even(2)},
	{N: 1, H: 56, W: 55, C: 17, KH: 5, KW: 5, Stride: 2, Pad: even(2)},
	{N: 2, H: 14, W: 28, C: 96, KH: 7, KW: 7, Stride: 1, Pad: even(3)},
	{N: 1, H: 9, W: 30, C: 33, KH: 1, KW: 7, Stride: 1, Pad: Padding{0, 0, 3, 3}},
	{N: 1, H: 30, W: 9, C: 16, KH: 7, KW: 1, Stride: 3, Pad: Padding{3, 3, 0, 0}},
	{N: 1, H: 11, W: 12, C: 8, KH: 2, KW: 4, Stride: 3, Pad: Padding{0, 2, 1, 4}},
	{N: 1, H: 10, W: 21, C: 130, KH: 2, KW: 2, Stride: 5}, // gaps between windows
	{N: 2, H: 1, W: 1, C: 5, KH: 3, KW: 3, Stride: 1, Pad: even(1)},
	{N: 1, H: 3, W: 2, C: 200, KH: 3, KW: 3, Stride: 2, Pad: even(4)}, // windows wholly in the padding
	{N: 1, H: 20, W: 19, C: 1, KH: 3, KW: 3, Stride: 1},
}

// reflecting are cases whose padding is a reflection.
var reflecting = []Conv{
	{N: 2, H: 56, W: 56, C: 64, KH: 3, KW: 3, Stride: 2, Pad: even(1), Reflect: true}, // a blur pool
	{N: 2, H: 2, W: 3, C: 40, KH: 3, KW: 3, Stride: 2, Pad: even(1), Reflect: true},
	{N: 1, H: 9, W: 30, C: 33, KH: 5, KW: 4, Stride: 1, Pad: Padding{4, 0, 2, 3}, Reflect: true},
	{N: 1, H: 5, W: 4, C: 9, KH: 3, KW: 7, Stride: 3, Pad: Padding{1, 4, 3, 3}, Reflect: true},
	{N: 1, H: 10, W: 4, C: 49, KH: 6, KW: 4, Stride: 4, Pad: Padding{2, 1, 2, 0}, Reflect: true}, // what is reflected is in no window itself
	{N: 1, H: 6, W: 5, C: 9, KH: 1, KW: 1, Stride: 4, Pad: Padding{2, 1, 2, 0}, Reflect: true},
}

// even is padding by p on every side.
func even(p int) Padding { return Padding{p, p, p, p} }

func (c Conv) String() string {
	return fmt.Sprintf("%dx%dx%dx%d window %dx%d stride %d pad %v reflect %v", c.N, c.H, c.W, c.C, c.KH, c.KW, c.Stride, c.Pad, c.Reflect)
}

// each calls f for every pair of an output and an input value that a weight
// connects.
func (c Conv) each(f func(y, x, w int)) {
	oh, ow := c.Out()
	for n := range c.N {
		for oy := range oh {
			for ox := range ow {
				for ky := range c.KH {
					for kx := range c.KW {
						iy, ix := oy*c.Stride-c.Pad.Top+ky, ox*c.Stride-c.Pad.Left+kx
						if c.Reflect {
							iy, ix = bounce(iy, c.H), bounce(ix, c.W)
						}
						if iy < 0 || ix < 0 || iy >= c.H || ix >= c.W {
							continue
						}
						for ch := range c.C {
							f(((n*oh+oy)*ow+ox)*c.C+ch, ((n*c.H+iy)*c.W+ix)*c.C+ch, (ky*c.KW+kx)*c.C+ch)
						}
					}
				}
			}
		}
	}
}

// bounce is where a ball is that runs from 0 on and is thrown back at 0 and n-1.
func bounce(i, n int) int {
	if i < 0 {
		i = -i
	}
	return n - 1 - max(n-1-i, i-(n-1))
}

func TestConv(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range slices.Concat(cases, reflecting) {
			t.Run(c.String(), func(t *testing.T) {
				oh, ow := c.Out()
				outs := c.N * oh * ow * c.C
				var x, w, bias, dy []float32
				out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
					x, w, bias, dy = a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.KH*c.KW*c.C, 0, 1), a.Normal(c.C, 0, 1), a.Normal(outs, 0, 1)
					y, bare, six, swish := a.Normal(outs, 0, 1), a.Normal(outs, 0, 1), a.Normal(outs, 0, 1), a.Normal(outs, 0, 1)
					dx, dw := a.Normal(len(x), 0, 1), a.Normal(len(w), 0, 1)
					c.Forward(x, w, bias, y, elementwise.Identity)
					c.Forward(x, w, nil, bare, elementwise.Identity)
					c.Forward(x, w, bias, six, elementwise.ReLU6)
					c.Forward(x, w, bias, swish, elementwise.Hardswish)
					c.BackwardData(dy, w, dx)
					c.BackwardWeights(x, dy, dw)
					packed := a.Normal(outs, 0, 1)
					Pack(mem.Floats, c.KH, c.KW, c.C, w, bias).Forward(c, x, packed, elementwise.Hardswish)
					if !slices.Equal(packed, swish) {
						t.Error("packed weights give another result")
					}
					return [][]float32{y, bare, six, dx, dw, swish}
				})
				bare, dx, dw := make([]float64, outs), make([]float64, len(x)), make([]float64, len(w))
				c.each(func(i, j, k int) {
					bare[i] += float64(x[j]) * float64(w[k])
					dx[j] += float64(dy[i]) * float64(w[k])
					dw[k] += float64(dy[i]) * float64(x[j])
				})
				y, six, swish := make([]float64, outs), make([]float64, outs), make([]float64, outs)
				for i, v := range bare {
					y[i] = v + float64(bias[i%c.C])
					six[i] = min(max(y[i], 0), 6)
					swish[i] = y[i] * min(max(y[i]+3, 0), 6) / 6
				}
				kerneltest.Near(t, "y", out[0], y, 1e-5)
				kerneltest.Near(t, "y without bias", out[1], bare, 1e-5)
				kerneltest.Near(t, "y within 0 and 6", out[2], six, 1e-5)
				kerneltest.Near(t, "hardswish(y)", out[5], swish, 1e-5)
				kerneltest.Near(t, "dx", out[3], dx, 1e-5)
				kerneltest.Near(t, "dw", out[4], dw, 1e-4)
			})
		}
	})
}

// TestNonTemporal compares results that are stored non-temporally, through strips, with those that go where they belong
// at once.
func TestNonTemporal(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range []Conv{
			{N: 2, H: 14, W: 14, C: 64, KH: 3, KW: 3, Stride: 1, Pad: even(1)},
			{N: 1, H: 9, W: 12, C: 96, KH: 5, KW: 5, Stride: 2, Pad: even(2)},
			{N: 3, H: 5, W: 4, C: 48, KH: 7, KW: 7, Stride: 1, Pad: even(3)}, // no whole blocks with AVX-512
		} {
			a := kerneltest.NewArena(t, 1, 0)
			oh, ow := c.Out()
			x, w, bias := mem.Floats(c.N*c.H*c.W*c.C), a.Normal(c.KH*c.KW*c.C, 0, 1), a.Normal(c.C, 0, 1)
			copy(x, a.Normal(len(x), 0, 1))
			want, got := mem.Floats(c.N*oh*ow*c.C), mem.Floats(c.N*oh*ow*c.C)
			c.Forward(x, w, bias, want, elementwise.Hardswish)
			restore := kerneltest.StoreFrom(1, &table.Active().NonTemporalFloats)
			c.Forward(x, w, bias, got, elementwise.Hardswish)
			restore()
			if !slices.Equal(got, want) {
				t.Errorf("%v: another result", c)
			}
		}
	})
}

// A NaN passes through, and reaches what it contributes to only.
func TestNaN(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		c := Conv{N: 1, H: 9, W: 20, C: 33, KH: 3, KW: 3, Stride: 1, Pad: even(1)}
		x, w, y := make([]float32, 9*20*33), make([]float32, 9*33), make([]float32, 9*20*33)
		for i := range w {
			w[i] = 1
		}
		x[(4*20+10)*33+7] = float32(math.NaN())
		c.Forward(x, w, nil, y, elementwise.ReLU6)
		for i, v := range y {
			row, col, ch := i/33/20, i/33%20, i%33
			meets := ch == 7 && row >= 3 && row <= 5 && col >= 9 && col <= 11
			if (v != v) != meets {
				t.Fatalf("y at row %d, column %d, channel %d is %v", row, col, ch, v)
			}
		}
	})
}

// Packed weights are for one shape of window and one instruction set.
func TestPackedRefuses(t *testing.T) {
	c := Conv{N: 1, H: 8, W: 8, C: 4, KH: 3, KW: 3, Stride: 1, Pad: even(1)}
	p := Pack(mem.Floats, 3, 3, 4, make([]float32, 36), nil)
	x, y := make([]float32, 8*8*8), make([]float32, 8*8*8)
	other, wide := c, c
	other.KW, wide.C = 5, 8
	for name, f := range map[string]func(){
		"another window":    func() { p.Forward(other, x, y, elementwise.Identity) },
		"more channels":     func() { p.Forward(wide, x, y, elementwise.Identity) },
		"too few weights":   func() { Pack(mem.Floats, 3, 3, 4, make([]float32, 35), nil) },
		"a short result":    func() { p.Forward(c, x, y[:255], elementwise.Identity) },
		"another set's use": func() { (&Packed{3, 3, 4, nil, p.weights}).Forward(c, x, y, elementwise.Identity) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestCheck(t *testing.T) {
	ok := Conv{N: 1, H: 8, W: 8, C: 4, KH: 3, KW: 3, Stride: 1, Pad: even(1)}
	for name, spoil := range map[string]func(c *Conv){
		"no pictures":         func(c *Conv) { c.N = 0 },
		"no channels":         func(c *Conv) { c.C = 0 },
		"no stride":           func(c *Conv) { c.Stride = 0 },
		"negative padding":    func(c *Conv) { c.Pad.Right = -1 },
		"reflects too much":   func(c *Conv) { c.H, c.W, c.Reflect = 1, 1, true },
		"window over the top": func(c *Conv) { c.KH = 11 },
	} {
		c := ok
		spoil(&c)
		if c.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
}

func FuzzConv(f *testing.F) {
	f.Add(uint8(2), uint8(9), uint8(9), uint8(20), uint8(3), uint8(3), uint8(1), uint8(1), uint8(1), true)
	f.Add(uint8(1), uint8(15), uint8(30), uint8(9), uint8(5), uint8(7), uint8(2), uint8(2), uint8(0), false)
	f.Fuzz(func(t *testing.T, n, h, w, ch, kh, kw, stride, pad, more uint8, reflect bool) {
		c := Conv{N: int(n % 3), H: int(h % 40), W: int(w % 40), C: int(ch % 70), KH: int(kh % 8), KW: int(kw % 8), Stride: int(stride % 5), Reflect: reflect}
		c.Pad = Padding{int(pad % 4), int(more % 5), int(pad / 4 % 4), int(more / 5 % 5)}
		if c.Check() != nil {
			t.Skip()
		}
		oh, ow := c.Out()
		kerneltest.EachSet(t, func(t *testing.T) {
			a := kerneltest.NewArena(t, uint64(h), int(more%4))
			x, k, dy := a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.KH*c.KW*c.C, 0, 1), a.Normal(c.N*oh*ow*c.C, 0, 1)
			y, dx, dw := a.Zeros(len(dy)), a.Zeros(len(x)), a.Zeros(len(k))
			c.Forward(x, k, nil, y, elementwise.Identity)
			c.BackwardData(dy, k, dx)
			c.BackwardWeights(x, dy, dw)
			a.Check()
			wantY, wantX, wantW := make([]float64, len(y)), make([]float64, len(x)), make([]float64, len(k))
			c.each(func(i, j, l int) {
				wantY[i] += float64(x[j]) * float64(k[l])
				wantX[j] += float64(dy[i]) * float64(k[l])
				wantW[l] += float64(dy[i]) * float64(x[j])
			})
			kerneltest.Near(t, "y", y, wantY, 1e-4)
			kerneltest.Near(t, "dx", dx, wantX, 1e-4)
			kerneltest.Near(t, "dw", dw, wantW, 1e-4)
		})
	})
}
