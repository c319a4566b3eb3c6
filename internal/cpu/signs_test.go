package cpu

import (
	"math"
	"testing"
	"unsafe"
)

// signs returns the signs of y [rows, c], nil when y is.
func signs(y []float32, rows, c int) []uint16 {
	if y == nil {
		return nil
	}
	s := make([]uint16, SignWords(rows, c))
	signsGo(y, s, rows, c)
	return s
}

// words returns n guarded words, n rounded up to even.
func (a *arena) words(n int) []uint16 {
	f := a.zeros((n + 1) / 2)
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(f))), n)
}

// The signs are those of the values beside them, for odd ones too, and the
// values those of ScaleShift to the bit.
func TestScaleShiftReLUSigns(t *testing.T) {
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
				want, y, s := a.zeros(rows*c), a.zeros(rows*c), a.words(SignWords(rows, c))
				ScaleShift(x, scale, shift, r, want, rows, c, true)
				if inPlace {
					y = x
				}
				ScaleShiftReLU(x, scale, shift, r, y, s, rows, c)
				for i := range y {
					if math.Float32bits(y[i]) != math.Float32bits(want[i]) {
						t.Fatalf("residual %t, in place %t: value %d is %v, ScaleShift gives %v", residual, inPlace, i, y[i], want[i])
					}
					if got := s[i/c*signRow(c)+i%c/16]>>(i%c%16)&1 == 1; got != (y[i] > 0) {
						t.Fatalf("residual %t, in place %t: value %d is %v, its sign %t", residual, inPlace, i, y[i], got)
					}
				}
				dy, dx, wantDX := a.normal(rows*c, 0, 1), a.zeros(rows*c), a.zeros(rows*c)
				SignsBackward(dy, s, rows, c, dx)
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
