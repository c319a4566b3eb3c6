package conv

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestConvBackwardDataAdd compares with the gradient computed apart and added.
func TestConvBackwardDataAdd(t *testing.T) {
	defer winograd.Allow(true)
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, wino := range []bool{false, true} {
			winograd.Allow(wino)
			tol := convTolerance
			if wino {
				tol = 1e-4
			}
			for _, tc := range append(convCases, struct {
				name string
				c    Conv
			}{"large 3x3", Conv{N: 2, H: 28, W: 28, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}}) {
				c := tc.c
				oh, ow := c.Out()
				w, dy := kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K), kerneltest.Randoms(3, c.N*oh*ow*c.K)
				before := kerneltest.Randoms(4, c.N*c.H*c.W*c.C)
				apart, want := make([]float32, len(before)), make([]float64, len(before))
				c.BackwardData(dy, w, elementwise.InputGrad{DX: apart})
				for i, v := range before {
					want[i] = float64(v) + float64(apart[i])
				}
				dx, check := kerneltest.Guarded(t, "ConvBackwardDataAdd", len(before))
				copy(dx, before)
				c.BackwardData(dy, w, elementwise.InputGrad{DX: dx, Add: true})
				check()
				if e := kerneltest.RelL2(dx, want); !(e <= tol) {
					t.Errorf("%s, Winograd %v: relative L2 error %.3g against the sum, want at most %.3g", tc.name, wino, e, tol)
				}
			}
		}
	})
}

// A convolution makes no mask, and says so.
func TestConvRefusesMask(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a mask was accepted, and would have stayed empty")
		}
	}()
	x, w, y := make([]float32, 4), make([]float32, 1), make([]float32, 4)
	Conv{N: 1, H: 2, W: 2, C: 1, K: 1, KH: 1, KW: 1, Stride: 1}.Forward(x, w, y, elementwise.Epilogue{Activation: elementwise.ReLU, Mask: make([]uint16, 4)})
}
