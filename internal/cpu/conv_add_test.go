package cpu

import "testing"

// TestConvBackwardDataAdd compares with the gradient computed apart and added.
func TestConvBackwardDataAdd(t *testing.T) {
	defer SetWinograd(true)
	eachSet(t, func(t *testing.T) {
		for _, wino := range []bool{false, true} {
			SetWinograd(wino)
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
				w, dy := randoms(2, c.KH*c.KW*c.C*c.K), randoms(3, c.N*oh*ow*c.K)
				before := randoms(4, c.N*c.H*c.W*c.C)
				apart, want := make([]float32, len(before)), make([]float64, len(before))
				c.BackwardData(dy, w, InputGrad{DX: apart})
				for i, v := range before {
					want[i] = float64(v) + float64(apart[i])
				}
				dx, check := guarded(t, "ConvBackwardDataAdd", len(before))
				copy(dx, before)
				c.BackwardData(dy, w, InputGrad{DX: dx, Add: true})
				check()
				if e := relL2(dx, want); !(e <= tol) {
					t.Errorf("%s, Winograd %v: relative L2 error %.3g against the sum, want at most %.3g", tc.name, wino, e, tol)
				}
			}
		}
	})
}
