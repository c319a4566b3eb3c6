package models

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// convolutions lists the different convolutions of an architecture on two
// pictures of 224×224.
func convolutions(a *Architecture) []conv.Conv {
	var all []conv.Conv
	seen := map[conv.Conv]bool{}
	g := nn.BuildGraph(nn.NewSequential(a.Units(), a.top(1000))) // shapes only: no initial weights
	shapes, err := g.Shapes([]int{2, 224, 224, 3})
	if err != nil {
		panic(err)
	}
	for _, d := range g.Nodes {
		layer, ok := d.Op.(*op.Conv)
		if !ok {
			continue
		}
		s, w := shapes[d.Inputs[0]], layer.Weight.Value.Shape
		c := conv.Conv{N: s[0], H: s[1], W: s[2], C: s[3], K: w[3], KH: w[0], KW: w[1], Stride: layer.Stride, Pad: layer.Pad}
		if w[3] != 1000 && !seen[c] { // the top's comes from another place
			seen[c] = true
			all = append(all, c)
		}
	}
	return all
}

// TestEveryConvolution compares the three passes of every convolution of every
// architecture, at the size that it has in training, with float64: the relative
// L2 error of values taken at random. Operands are those of a network: a source
// that has passed a ReLU, filters of He's magnitude, half of the gradient masked.
// TestWinogradError and TestWinogradErrorOfActivations have the figures. Of the
// convolutions of one pixel, which are products of matrices, those of the quick networks
// stand for all.
func TestEveryConvolution(t *testing.T) {
	const bound, samples = 1e-5, 200
	done := map[conv.Conv]bool{}
	for _, name := range Names() {
		if large(name) && !slow.On() {
			continue
		}
		for _, c := range convolutions(registry.all[name]) {
			if done[c] || !slow.On() && c.H > 14 || large(name) && c.KH*c.KW == 1 {
				continue
			}
			done[c] = true
			t.Run(fmt.Sprintf("%s %dx%d/%d, %d to %d channels at %dx%d", name, c.KH, c.KW, c.Stride, c.C, c.K, c.H, c.W), func(t *testing.T) {
				r := rng.New(1)
				oh, ow := c.Out()
				x, w, dy := make([]float32, c.N*c.H*c.W*c.C), make([]float32, c.KH*c.KW*c.C*c.K), make([]float32, c.N*oh*ow*c.K)
				he := math.Sqrt(6 / float64(c.KH*c.KW*c.C))
				for i := range x {
					x[i] = float32(max(0, r.Uniform(-1, 1)))
				}
				for i := range w {
					w[i] = float32(he * r.Uniform(-1, 1))
				}
				for i := range dy {
					if v := r.Uniform(-2, 2); math.Abs(v) < 1 {
						dy[i] = float32(v)
					}
				}
				y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
				for _, on := range []bool{false, true} {
					defer winograd.Allow(winograd.Allow(on))
					c.Forward(x, w, y, elementwise.Epilogue{})
					c.BackwardData(dy, w, elementwise.InputGrad{DX: dx})
					c.BackwardWeights(x, dy, dw)
					for _, p := range []struct {
						pass string
						got  []float32
						want func(at int) float64
					}{
						{"forward", y, func(at int) float64 { return oneOutput(c, x, w, at) }},
						{"data gradient", dx, func(at int) float64 { return oneDataGrad(c, dy, w, at) }},
						{"filter gradient", dw, func(at int) float64 { return oneFilterGrad(c, x, dy, at) }},
					} {
						got, want := make([]float32, samples), make([]float64, samples)
						for i := range samples {
							at := r.IntN(len(p.got))
							got[i], want[i] = p.got[at], p.want(at)
						}
						near(t, fmt.Sprintf("%s, Winograd %v", p.pass, on), got, want, bound)
					}
				}
			})
		}
	}
}

// oneOutput is y[at].
func oneOutput(c conv.Conv, x, w []float32, at int) (sum float64) {
	oh, ow := c.Out()
	k, j, i, n := at%c.K, at/c.K%ow, at/c.K/ow%oh, at/c.K/ow/oh
	for a := range c.KH {
		for b := range c.KW {
			h, q := i*c.Stride-c.Pad+a, j*c.Stride-c.Pad+b
			if h < 0 || h >= c.H || q < 0 || q >= c.W {
				continue
			}
			for ch := range c.C {
				sum += float64(x[((n*c.H+h)*c.W+q)*c.C+ch]) * float64(w[((a*c.KW+b)*c.C+ch)*c.K+k])
			}
		}
	}
	return sum
}

// oneDataGrad is dx[at].
func oneDataGrad(c conv.Conv, dy, w []float32, at int) (sum float64) {
	oh, ow := c.Out()
	ch, q, h, n := at%c.C, at/c.C%c.W, at/c.C/c.W%c.H, at/c.C/c.W/c.H
	for a := range c.KH {
		for b := range c.KW {
			i, j := h+c.Pad-a, q+c.Pad-b
			if i < 0 || j < 0 || i%c.Stride != 0 || j%c.Stride != 0 || i/c.Stride >= oh || j/c.Stride >= ow {
				continue
			}
			for k := range c.K {
				sum += float64(dy[((n*oh+i/c.Stride)*ow+j/c.Stride)*c.K+k]) * float64(w[((a*c.KW+b)*c.C+ch)*c.K+k])
			}
		}
	}
	return sum
}

// oneFilterGrad is dw[at].
func oneFilterGrad(c conv.Conv, x, dy []float32, at int) (sum float64) {
	oh, ow := c.Out()
	k, ch, b, a := at%c.K, at/c.K%c.C, at/c.K/c.C%c.KW, at/c.K/c.C/c.KW
	for n := range c.N {
		for i := range oh {
			for j := range ow {
				h, q := i*c.Stride-c.Pad+a, j*c.Stride-c.Pad+b
				if h >= 0 && h < c.H && q >= 0 && q < c.W {
					sum += float64(x[((n*c.H+h)*c.W+q)*c.C+ch]) * float64(dy[((n*oh+i)*ow+j)*c.K+k])
				}
			}
		}
	}
	return sum
}
