package cpu

import (
	"math"
	"testing"
	"unsafe"
)

// maskOf returns the mask of y [rows, c], nil when y is.
func maskOf(y []float32, rows, c int) []uint16 {
	if y == nil {
		return nil
	}
	s := make([]uint16, MaskWords(rows, c))
	maskGo(y, s, rows, c)
	return s
}

// words returns n guarded words, n rounded up to even.
func (a *arena) words(n int) []uint16 {
	f := a.zeros((n + 1) / 2)
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(f))), n)
}

// The mask is that of the values beside it, for odd ones too, and the values are
// those of ScaleShift to the bit.
func TestScaleShiftReLUMask(t *testing.T) {
	allShapes(t, func(t *testing.T, rows, c int) {
		for _, residual := range []bool{false, true} {
			for _, inPlace := range []bool{false, true} {
				a := newArena(t, 9, 3)
				x, scale, shift := a.normal(rows*c, 0, 1), a.normal(c, 0, 1), a.normal(c, 0, 1)
				odd(x)
				var r []float32
				if residual {
					r = a.normal(rows*c, 0, 1)
				}
				want, y, s := a.zeros(rows*c), a.zeros(rows*c), a.words(MaskWords(rows, c))
				ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, want, Epilogue{Residual: r, Activation: RectifiedUnit})
				if inPlace {
					y = x
				}
				ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, y, Epilogue{Residual: r, Activation: RectifiedUnit, Mask: s})
				for i := range y {
					if math.Float32bits(y[i]) != math.Float32bits(want[i]) {
						t.Fatalf("residual %t, in place %t: value %d is %v, ScaleShift gives %v", residual, inPlace, i, y[i], want[i])
					}
					if got := s[i/c*maskRowWords(c)+i%c/16]>>(i%c%16)&1 == 1; got != (y[i] > 0) {
						t.Fatalf("residual %t, in place %t: value %d is %v, its sign %t", residual, inPlace, i, y[i], got)
					}
				}
				dy, dx, wantDX := a.normal(rows*c, 0, 1), a.zeros(rows*c), a.zeros(rows*c)
				MaskBackward(dy, s, rows, c, dx)
				ReLUBackward(dy, want, wantDX)
				for i := range dx {
					if dx[i] != wantDX[i] {
						t.Fatalf("gradient %d is %v where y is %v, want %v", i, dx[i], want[i], wantDX[i])
					}
				}
				a.check()
			}
		}
	})
}
