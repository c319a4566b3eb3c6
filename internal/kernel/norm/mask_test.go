package norm

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// The mask is that of the values beside it, for odd ones too, and the values are
// those of ScaleShift to the bit.
func TestScaleShiftReLUMask(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		for _, residual := range []bool{false, true} {
			for _, inPlace := range []bool{false, true} {
				a := kerneltest.NewArena(t, 9, 3)
				x, scale, shift := a.Normal(rows*c, 0, 1), a.Normal(c, 0, 1), a.Normal(c, 0, 1)
				kerneltest.Odd(x)
				var r []float32
				if residual {
					r = a.Normal(rows*c, 0, 1)
				}
				want, y, s := a.Zeros(rows*c), a.Zeros(rows*c), a.Words(MaskWords(rows, c))
				ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, want, elementwise.Epilogue{Residual: r, Activation: elementwise.ReLU})
				if inPlace {
					y = x
				}
				ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, y, elementwise.Epilogue{Residual: r, Activation: elementwise.ReLU, Mask: s})
				for i := range y {
					if math.Float32bits(y[i]) != math.Float32bits(want[i]) {
						t.Fatalf("residual %t, in place %t: value %d is %v, ScaleShift gives %v", residual, inPlace, i, y[i], want[i])
					}
					if got := s[i/c*maskRowWords(c)+i%c/16]>>(i%c%16)&1 == 1; got != (y[i] > 0) {
						t.Fatalf("residual %t, in place %t: value %d is %v, its sign %t", residual, inPlace, i, y[i], got)
					}
				}
				dy, dx, wantDX := a.Normal(rows*c, 0, 1), a.Zeros(rows*c), a.Zeros(rows*c)
				MaskBackward(dy, s, rows, c, dx)
				elementwise.ReLU.Backward(dy, want, wantDX)
				for i := range dx {
					if dx[i] != wantDX[i] {
						t.Fatalf("gradient %d is %v where y is %v, want %v", i, dx[i], want[i], wantDX[i])
					}
				}
				a.Check()
			}
		}
	})
}
