package conv

import (
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestActivationInEpilogue checks that a convolution with an activation gives the
// bits of one without, to which the activation is applied afterwards: in every
// way in which convolutions are computed, into dense maps and into slices of the
// channels of a wider one.
func TestActivationInEpilogue(t *testing.T) {
	cases := append(slices.Clone(convCases), convCase{"3x3, Winograd's form", Conv{N: 2, H: 13, W: 10, C: 24, K: 40, KH: 3, KW: 3, Stride: 1, Pad: 1}},
		convCase{"3x3, Winograd's form, staged", Conv{N: 1, H: 9, W: 9, C: 144, K: 150, KH: 3, KW: 3, Stride: 1, Pad: 1}})
	kerneltest.EachSet(t, func(t *testing.T) {
		for i, tc := range cases {
			for _, allowed := range []bool{false, true} {
				func() {
					defer winograd.Allow(winograd.Allow(allowed))
					checkActivation(t, tc, elementwise.ReLU6+elementwise.Activation(i%7))
				}()
			}
		}
	})
}

func checkActivation(t *testing.T, tc convCase, a elementwise.Activation) {
	t.Helper()
	c := tc.c
	oh, ow := c.Out()
	pixels, wide := c.N*oh*ow, c.K+5
	x, w := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K)
	bias, residual := kerneltest.Randoms(3, c.K), kerneltest.Randoms(4, pixels*c.K)
	for _, packed := range []bool{false, true} {
		run := func(a elementwise.Activation, stride int) []float32 {
			y, check := kerneltest.Guarded(t, tc.name, (pixels-1)*stride+c.K)
			e := elementwise.Epilogue{Bias: bias, Residual: residual, Activation: a, Stride: stride}
			if packed {
				e.Bias = nil
				Pack(mem.Floats, c, w, bias).Forward(c.N, c.H, c.W, x, y, e)
			} else {
				c.Forward(x, w, y, e)
			}
			check()
			return y
		}
		want := run(elementwise.Identity, c.K)
		a.Apply(want, want)
		dense, slice := run(a, c.K), run(a, wide)
		for i, v := range want {
			if dense[i] != v || slice[i/c.K*wide+i%c.K] != v {
				t.Fatalf("%s, %v, packed %v: value %d is %g, in a slice %g; applied afterwards %g", tc.name, a, packed, i, dense[i], slice[i/c.K*wide+i%c.K], v)
			}
			if at := i/c.K*wide + i%c.K; i%c.K == c.K-1 && at+1 < len(slice) && slice[at+1] != kerneltest.GuardWord {
				t.Fatalf("%s, %v: a channel beside the slice was written", tc.name, a)
			}
		}
	}
}
