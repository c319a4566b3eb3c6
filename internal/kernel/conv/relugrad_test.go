package conv

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// splits cuts c channels into two uneven parts, where there are two.
func splits(c int) []int {
	if c < 2 {
		return []int{c}
	}
	return []int{(c + 2) / 3, c - (c+2)/3}
}

// newReLUGrad returns a ReLUGrad with guarded slices for rows rows of parts of
// these widths; the last part wants no sums.
func newReLUGrad(a *kerneltest.Arena, x []float32, rows int, widths []int) *elementwise.ReLUGrad {
	g := &elementwise.ReLUGrad{X: x}
	for i, w := range widths {
		p := elementwise.GradPart{C: w, DZ: a.Normal(rows*w, 0, 1)}
		if i == 0 || i < len(widths)-1 {
			p.DBias = a.Normal(w, 0, 1)
		}
		g.Parts = append(g.Parts, p)
	}
	return g
}

// outputs returns the slices that g's users write.
func outputs(g *elementwise.ReLUGrad) [][]float32 {
	var out [][]float32
	for _, p := range g.Parts {
		out = append(out, p.DZ, p.DBias)
	}
	return out
}

// checkReLUGrad compares outputs with dx taken through the ReLU whose result is
// x.
func checkReLUGrad(t *testing.T, dx []float64, x []float32, rows int, widths []int, outputs [][]float32, tol float64) {
	t.Helper()
	c, at := 0, 0
	for _, w := range widths {
		c += w
	}
	for k, w := range widths {
		dz, db := make([]float64, rows*w), make([]float64, w)
		for i := range dz {
			if from := i/w*c + at + i%w; x[from] > 0 {
				dz[i] = dx[from]
				db[i%w] += dx[from]
			}
		}
		kerneltest.Near(t, fmt.Sprintf("part %d: dz", k), outputs[2*k], dz, tol)
		if outputs[2*k+1] != nil {
			kerneltest.Near(t, fmt.Sprintf("part %d: dbias", k), outputs[2*k+1], db, tol+2e-6*math.Sqrt(float64(rows+1)))
		}
		at += w
	}
}

func TestReLUGrad(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		for _, widths := range [][]int{{c}, splits(c)} {
			for _, alias := range []bool{false, true} {
				if alias && len(widths) > 1 {
					continue
				}
				var dx, x []float32
				out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
					dx, x = a.Normal(rows*c, 0, 1), a.Normal(rows*c, 0, 1)
					g := newReLUGrad(a, x, rows, widths)
					if alias {
						copy(g.Parts[0].DZ, dx)
						g.Backward(g.Parts[0].DZ, rows)
					} else {
						g.Backward(dx, rows)
					}
					return outputs(g)
				})
				checkReLUGrad(t, kerneltest.Float64s(dx), x, rows, widths, out, 0)
			}
		}
	})
}

// The data gradient of a convolution, or the gradient of a max pool, taken
// through the ReLU on the way is what the two passes one after the other give.
func TestConvBackwardDataReLU(t *testing.T) {
	for _, c := range []Conv{
		{N: 2, H: 5, W: 7, C: 5, K: 3, KH: 1, KW: 1, Stride: 1},
		{N: 3, H: 9, W: 9, C: 128, K: 16, KH: 1, KW: 1, Stride: 1},
		{N: 1, H: 1, W: 1, C: 33, K: 40, KH: 1, KW: 1, Stride: 1},
		{N: 8, H: 13, W: 11, C: 64, K: 48, KH: 1, KW: 1, Stride: 1},
		{N: 1, H: 4, W: 3, C: 20, K: 1300, KH: 1, KW: 1, Stride: 1},
		{N: 2, H: 8, W: 9, C: 6, K: 5, KH: 1, KW: 1, Stride: 2},
		{N: 2, H: 8, W: 9, C: 16, K: 24, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 1, H: 15, W: 14, C: 7, K: 3, KH: 5, KW: 5, Stride: 1, Pad: 2},
		{N: 1, H: 7, W: 7, C: 4, K: 6, KH: 3, KW: 3, Stride: 2, Pad: 1},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				oh, ow := c.Out()
				rows := c.N * c.H * c.W
				for _, widths := range [][]int{{c.C}, splits(c.C)} {
					for _, others := range []bool{false, true} {
						var x, dx []float32
						out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
							x = a.Normal(rows*c.C, 0, 1)
							dy, w := a.Normal(c.N*oh*ow*c.K, 0, 1), a.Normal(c.KH*c.KW*c.C*c.K, 0, 0.1)
							dx = make([]float32, rows*c.C)
							c.BackwardData(dy, w, elementwise.InputGrad{DX: dx})
							var other []float32
							if others {
								other = a.Normal(rows*c.C, 0, 1)
								elementwise.Add(dx, other, dx)
							}
							g := newReLUGrad(a, x, rows, widths)
							c.BackwardData(dy, w, elementwise.InputGrad{DX: other, ReLU: g})
							return outputs(g)
						})
						checkReLUGrad(t, kerneltest.Float64s(dx), x, rows, widths, out, 1e-5)
					}
				}
			})
		})
	}
}

func TestMaxPoolBackwardReLU(t *testing.T) {
	for _, p := range []pool.Max{
		{N: 2, H: 7, W: 9, C: 20, K: 3, Stride: 2, Ceil: true},
		{N: 1, H: 8, W: 8, C: 64, K: 3, Stride: 2, Pad: 1},
		{N: 3, H: 6, W: 5, C: 7, K: 2, Stride: 2},
		{N: 2, H: 9, W: 9, C: 130, K: 2, Stride: 3, Ceil: true},
		{N: 1, H: 3, W: 3, C: 1, K: 3, Stride: 1, Pad: 1},
	} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				q := p
				q.OfReLU = true
				oh, ow := p.Out()
				rows := p.N * p.H * p.W
				for _, widths := range [][]int{{p.C}, splits(p.C)} {
					var x, dx []float32
					out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x = a.Normal(rows*p.C, -0.5, 1)
						elementwise.ReLU.Apply(x, x)
						y, arg := a.Zeros(p.N*oh*ow*p.C), a.ByteZeros(p.N*oh*ow*p.C)
						dy := a.Normal(len(y), 0, 1)
						p.Forward(x, y, arg)
						want := a.CopyOf(y)
						dx = make([]float32, rows*p.C)
						p.Backward(dy, arg, elementwise.InputGrad{DX: dx})
						q.Forward(x, y, arg)
						kerneltest.Near(t, "y", y, kerneltest.Float64s(want), 0)
						g := newReLUGrad(a, nil, rows, widths)
						q.Backward(dy, arg, elementwise.InputGrad{ReLU: g})
						return outputs(g)
					})
					checkReLUGrad(t, kerneltest.Float64s(dx), x, rows, widths, out, 0)
				}
			})
		})
	}
}

// ConvForwardBias gives what convolution, bias and ReLU one after the other
// give, in its place among the channels of a wider map, and leaves the others
// alone.
func TestConvForwardBias(t *testing.T) {
	for _, c := range []Conv{
		{N: 2, H: 5, W: 7, C: 16, K: 24, KH: 1, KW: 1, Stride: 1},
		{N: 1, H: 9, W: 9, C: 16, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 2, H: 13, W: 10, C: 20, K: 37, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 2, H: 15, W: 17, C: 3, K: 32, KH: 3, KW: 3, Stride: 2},
		{N: 1, H: 8, W: 8, C: 130, K: 140, KH: 3, KW: 3, Stride: 1, Pad: 1},
		{N: 1, H: 1, W: 1, C: 5, K: 1, KH: 1, KW: 1, Stride: 1},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				oh, ow := c.Out()
				pixels := c.N * oh * ow
				for _, nonTemporal := range []bool{false, true} {
					for _, relu := range []bool{false, true} {
						for _, biased := range []bool{false, true} {
							for _, wide := range []int{c.K, (c.K+15)/16*16 + 32} {
								off := (wide - c.K) / 32 * 16
								var want []float64
								out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
									if nonTemporal {
										defer storeAllFrom(0)()
									}
									x, w := a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.KH*c.KW*c.C*c.K, 0, 0.1)
									var bias []float32
									if biased {
										bias = a.Normal(c.K, 0, 1)
									}
									plain := make([]float32, pixels*c.K)
									convForward(c, x, w, plain)
									y := mem.Floats(pixels * wide)
									for i := range y {
										y[i] = kerneltest.GuardWord
									}
									c.Forward(x, w, y[off:], elementwise.Epilogue{Bias: bias, Activation: act(relu), Stride: wide})
									want = make([]float64, len(y))
									for i := range want {
										want[i] = float64(kerneltest.GuardWord)
										if k := i%wide - off; k >= 0 && k < c.K {
											v := plain[i/wide*c.K+k]
											if biased {
												v += bias[k]
											}
											if relu {
												v = max(v, 0)
											}
											want[i] = float64(v)
										}
									}
									return [][]float32{y}
								})
								kerneltest.Near(t, fmt.Sprintf("relu %v, bias %v, stride %d: y", relu, biased, wide), out[0], want, 1e-5)
							}
						}
					}
				}
			})
		})
	}
}
