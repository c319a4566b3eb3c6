package conv

import (
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// around is padding by p on every side.
func around(p int) ground.Padding { return ground.Padding{Top: p, Bottom: p, Left: p, Right: p} }

var groupedCases = []Grouped{
	{N: 2, H: 14, W: 14, C: 72, K: 72, KH: 3, KW: 3, Groups: 3, Stride: 1, Pad: around(1)}, // RegNet
	{N: 1, H: 28, W: 28, C: 48, K: 48, KH: 3, KW: 3, Groups: 2, Stride: 2, Pad: around(1)},
	{N: 3, H: 7, W: 7, C: 40, K: 40, KH: 3, KW: 3, Groups: 5, Stride: 1, Pad: around(1)},
	{N: 1, H: 9, W: 13, C: 36, K: 36, KH: 3, KW: 3, Groups: 9, Stride: 1, Pad: around(1)}, // ResNeXt; a block of fewer groups
	{N: 1, H: 20, W: 19, C: 32, K: 96, KH: 1, KW: 1, Groups: 2, Stride: 1},
	{N: 1, H: 10, W: 21, C: 6, K: 4, KH: 2, KW: 2, Groups: 2, Stride: 5}, // gaps between windows
	{N: 1, H: 11, W: 12, C: 9, K: 33, KH: 2, KW: 4, Groups: 3, Stride: 3, Pad: ground.Padding{Top: 0, Bottom: 2, Left: 1, Right: 4}},
	{N: 1, H: 9, W: 30, C: 20, K: 24, KH: 1, KW: 7, Groups: 1, Stride: 1, Pad: ground.Padding{Left: 3, Right: 3}}, // rectangular
	{N: 1, H: 30, W: 9, C: 24, K: 8, KH: 7, KW: 1, Groups: 1, Stride: 2, Pad: ground.Padding{Top: 3, Bottom: 3}},
	{N: 2, H: 1, W: 1, C: 10, K: 10, KH: 3, KW: 3, Groups: 5, Stride: 1, Pad: around(1)},
	{N: 1, H: 3, W: 2, C: 64, K: 32, KH: 3, KW: 3, Groups: 2, Stride: 2, Pad: around(4)}, // windows wholly in the padding
	{N: 17, H: 4, W: 4, C: 7, K: 14, KH: 3, KW: 3, Groups: 7, Stride: 1, Pad: around(1)},
	{N: 1, H: 50, W: 60, C: 16, K: 10, KH: 3, KW: 3, Groups: 1, Stride: 1, Pad: around(1)}, // several bands

	// What Winograd's form takes: several bands, pictures at once, groups that are joined, other paddings, tiles of 3.
	{N: 1, H: 28, W: 28, C: 120, K: 120, KH: 3, KW: 3, Groups: 5, Stride: 1, Pad: around(1)},
	{N: 33, H: 8, W: 8, C: 72, K: 72, KH: 3, KW: 3, Groups: 3, Stride: 1, Pad: around(1)},
	{N: 2, H: 14, W: 14, C: 80, K: 80, KH: 3, KW: 3, Groups: 10, Stride: 1, Pad: around(1)},
	{N: 3, H: 13, W: 11, C: 96, K: 144, KH: 3, KW: 3, Groups: 3, Stride: 1, Pad: around(1)},
	{N: 1, H: 16, W: 9, C: 64, K: 64, KH: 3, KW: 3, Groups: 2, Stride: 1, Pad: ground.Padding{Left: 1, Right: 2}},
}

// withAndWithoutWinograd runs f with Winograd's form and without it, with the factor by which results may differ more.
func withAndWithoutWinograd(t *testing.T, f func(t *testing.T, factor float64)) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprintf("winograd=%t", on), func(t *testing.T) {
			defer winograd.Allow(winograd.Allow(on))
			f(t, map[bool]float64{false: 1, true: 10}[on])
		})
	}
}

func (c Grouped) String() string {
	return fmt.Sprintf("%dx%dx%dx%d-%d window %dx%d groups %d stride %d pad %v", c.N, c.H, c.W, c.C, c.K, c.KH, c.KW, c.Groups, c.Stride, c.Pad)
}

// each calls f for every pair of an output and an input value that a weight
// connects.
func (c Grouped) each(f func(y, x, w int)) {
	oh, ow := c.Out()
	in, out := c.C/c.Groups, c.K/c.Groups
	for n := range c.N {
		for oy := range oh {
			for ox := range ow {
				for ky := range c.KH {
					for kx := range c.KW {
						iy, ix := oy*c.Stride-c.Pad.Top+ky, ox*c.Stride-c.Pad.Left+kx
						if iy < 0 || ix < 0 || iy >= c.H || ix >= c.W {
							continue
						}
						for k := range c.K {
							for i := range in {
								f(((n*oh+oy)*ow+ox)*c.K+k, ((n*c.H+iy)*c.W+ix)*c.C+k/out*in+i, ((ky*c.KW+kx)*in+i)*c.K+k)
							}
						}
					}
				}
			}
		}
	}
}

// byWinograd reports whether the forward pass or the data gradient takes Winograd's form.
func (c Grouped) byWinograd() bool {
	f := c.forward(nil, nil, c.K)
	b := c.backwardData(nil, nil, false)
	_, forward := f.winograd()
	_, backward := b.winograd()
	return forward || backward
}

// sums64 are the passes in float64.
func (c Grouped) sums64(x, w, dy []float32) (y, dx, dw []float64) {
	y, dx, dw = make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	c.each(func(i, j, k int) {
		y[i] += float64(x[j]) * float64(w[k])
		dx[j] += float64(dy[i]) * float64(w[k])
		dw[k] += float64(dy[i]) * float64(x[j])
	})
	return y, dx, dw
}

func TestGrouped(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		byWinograd := 0
		defer func() {
			want := 5
			switch {
			case isa.Active() == isa.Generic: // whose panels are narrower than the transforms
				want = 0
			case gemm.TileCols() == 32: // groups of 8 are joined, and then wide enough
				want = 6
			}
			if byWinograd != want {
				t.Errorf("%d cases took Winograd's form, want %d", byWinograd, want)
			}
		}()
		for _, c := range groupedCases {
			withAndWithoutWinograd(t, func(t *testing.T, factor float64) {
				if factor > 1 && !c.byWinograd() {
					return
				}
				if factor > 1 {
					byWinograd++
				}
				oh, ow := c.Out()
				outs := c.N * oh * ow * c.K
				var x, w, bias, dy, before []float32
				out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
					x, w, bias, dy = a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.weights(), 0, 1), a.Normal(c.K, 0, 1), a.Normal(outs, 0, 1)
					y, bare, swish, packed := a.Normal(outs, 0, 1), a.Normal(outs, 0, 1), a.Normal(outs, 0, 1), a.Normal(outs, 0, 1)
					dx, dw := a.Normal(len(x), 0, 1), a.Normal(len(w), 0, 1)
					before = a.Normal(len(x), 0, 1)
					added := a.CopyOf(before)
					c.Forward(x, w, y, elementwise.Epilogue{Bias: bias, Activation: elementwise.ReLU})
					c.Forward(x, w, bare, elementwise.Epilogue{})
					c.Forward(x, w, swish, elementwise.Epilogue{Bias: bias, Activation: elementwise.Hardswish})
					PackGrouped(mem.Floats, c, w, bias).Forward(c.N, c.H, c.W, c.Pad, x, packed, elementwise.Epilogue{Activation: elementwise.ReLU})
					c.BackwardData(dy, w, dx, false)
					c.BackwardData(dy, w, added, true)
					c.BackwardWeights(x, dy, dw)
					return [][]float32{y, bare, dx, dw, swish, packed, added}
				})
				bare, dx, dw := c.sums64(x, w, dy)
				y, swish, added := make([]float64, outs), make([]float64, outs), make([]float64, len(dx))
				for i, v := range bare {
					v += float64(bias[i%c.K])
					y[i] = max(v, 0)
					swish[i] = v * min(max(v+3, 0), 6) / 6
				}
				for i, v := range dx {
					added[i] = v + float64(before[i])
				}
				kerneltest.Near(t, c.String()+": relu(y)", out[0], y, 5e-5*factor)
				kerneltest.Near(t, c.String()+": y without bias", out[1], bare, 5e-5*factor)
				kerneltest.Near(t, c.String()+": dx", out[2], dx, 5e-5*factor)
				kerneltest.Near(t, c.String()+": dw", out[3], dw, 2e-4)
				kerneltest.Near(t, c.String()+": hardswish(y)", out[4], swish, 5e-5*factor)
				kerneltest.Near(t, c.String()+": packed", out[5], y, 5e-5*factor)
				kerneltest.Near(t, c.String()+": dx added", out[6], added, 5e-5*factor)
			})
		}
	})
}

// TestGroupedPictures holds that the results of a picture have the same bits alone and in a batch.
func TestGroupedPictures(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range []Grouped{
			{N: 9, H: 8, W: 8, C: 72, K: 72, KH: 3, KW: 3, Groups: 3, Stride: 1, Pad: around(1)},
			{N: 5, H: 7, W: 7, C: 72, K: 72, KH: 3, KW: 3, Groups: 3, Stride: 1, Pad: around(1)},
			{N: 3, H: 28, W: 28, C: 40, K: 40, KH: 3, KW: 3, Groups: 1, Stride: 1, Pad: around(1)},
		} {
			x, w := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.weights())
			y := make([]float32, c.N*c.H*c.W*c.K)
			c.Forward(x, w, y, elementwise.Epilogue{})
			one := c
			one.N = 1
			last := make([]float32, len(y)/c.N)
			one.Forward(x[len(x)/c.N*(c.N-1):], w, last, elementwise.Epilogue{})
			if !slices.Equal(last, y[len(last)*(c.N-1):]) {
				t.Errorf("%v: the last picture alone has other bits", c)
			}
		}
	})
}

func TestGroupedCheck(t *testing.T) {
	ok := Grouped{N: 1, H: 8, W: 8, C: 4, K: 6, KH: 3, KW: 3, Groups: 2, Stride: 1, Pad: around(1)}
	for name, spoil := range map[string]func(c *Grouped){
		"no pictures":         func(c *Grouped) { c.N = 0 },
		"no groups":           func(c *Grouped) { c.Groups = 0 },
		"three groups of 4":   func(c *Grouped) { c.Groups = 3 },
		"four groups of 6":    func(c *Grouped) { c.Groups = 4 },
		"negative padding":    func(c *Grouped) { c.Pad.Right = -1 },
		"window over the top": func(c *Grouped) { c.KH = 11 },
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

func FuzzGrouped(f *testing.F) {
	f.Add(uint8(2), uint8(9), uint8(9), uint8(24), uint8(24), uint8(3), uint8(3), uint8(3), uint8(1), uint8(1), uint8(1))
	f.Add(uint8(1), uint8(15), uint8(30), uint8(3), uint8(4), uint8(5), uint8(5), uint8(7), uint8(2), uint8(2), uint8(0))
	f.Fuzz(func(t *testing.T, n, h, w, in, out, groups, kh, kw, stride, pad, more uint8) {
		c := Grouped{N: int(n % 3), H: int(h % 24), W: int(w % 40), KH: int(kh % 6), KW: int(kw % 6), Groups: int(groups % 6), Stride: int(stride % 4)}
		c.C, c.K = c.Groups*int(in%40), c.Groups*int(out%40)
		c.Pad = ground.Padding{Top: int(pad % 4), Bottom: int(more % 5), Left: int(pad / 4 % 4), Right: int(more / 5 % 5)}
		if c.Check() != nil {
			t.Skip()
		}
		oh, ow := c.Out()
		check := func(t *testing.T, factor float64) {
			a := kerneltest.NewArena(t, uint64(h), int(more%4))
			x, k, dy := a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.weights(), 0, 1), a.Normal(c.N*oh*ow*c.K, 0, 1)
			y, dx, dw := a.Zeros(len(dy)), a.Zeros(len(x)), a.Zeros(len(k))
			c.Forward(x, k, y, elementwise.Epilogue{})
			c.BackwardData(dy, k, dx, false)
			c.BackwardWeights(x, dy, dw)
			a.Check()
			wantY, wantX, wantW := c.sums64(x, k, dy)
			kerneltest.Near(t, "y", y, wantY, 1e-4*factor)
			kerneltest.Near(t, "dx", dx, wantX, 1e-4*factor)
			kerneltest.Near(t, "dw", dw, wantW, 3e-4)
		}
		kerneltest.EachSet(t, func(t *testing.T) { withAndWithoutWinograd(t, check) })
	})
}
