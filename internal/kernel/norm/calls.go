package norm

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// This file calls the kernels: each function packs its slices, whose lengths its
// callers have checked, into the argument of the kernel for its case. The twins
// ending in Go say what they compute.

// wordPtr is ptr for words of mask, as rowArgs has it.
func wordPtr(s []uint16) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(s))) }

func stats(x, shift []float32, rows, c int, sum, sq []float32) {
	Table.Active().Stats(isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(x), ground.Ptr(shift), ground.Ptr(sum), ground.Ptr(sq)}, Rows: rows, C: c}))
}

func scaleShift(x, scale, shift, residual, y []float32, rows, c int, relu, nonTemporal bool) {
	a := rowArgs{P: [9]*float32{ground.Ptr(x), ground.Ptr(y), ground.Ptr(scale), ground.Ptr(shift), ground.Ptr(residual)}, Rows: rows, C: c}
	t := Table.Active()
	kernel := t.ScaleShift
	switch {
	case nonTemporal && residual != nil && relu:
		kernel = t.ScaleShiftAddReLUNonTemporal
	case nonTemporal && residual != nil:
		kernel = t.ScaleShiftAddNonTemporal
	case nonTemporal && relu:
		kernel = t.ScaleShiftReLUNonTemporal
	case nonTemporal:
		kernel = t.ScaleShiftNonTemporal
	case residual != nil && relu:
		kernel = t.ScaleShiftAddReLU
	case residual != nil:
		kernel = t.ScaleShiftAdd
	case relu:
		kernel = t.ScaleShiftReLU
	}
	kernel(isa.Arg(&a))
}

// scaleShiftMask is scaleShift with ReLU that writes the mask too.
func scaleShiftMask(x, scale, shift, residual, y []float32, mask []uint16, rows, c int, nonTemporal bool) {
	a := rowArgs{P: [9]*float32{ground.Ptr(x), ground.Ptr(y), ground.Ptr(scale), ground.Ptr(shift), ground.Ptr(residual), wordPtr(mask)}, Rows: rows, C: c}
	t := Table.Active()
	kernel := t.ScaleShiftReLUMask
	switch {
	case nonTemporal && residual != nil:
		kernel = t.ScaleShiftAddReLUMaskNonTemporal
	case nonTemporal:
		kernel = t.ScaleShiftReLUMaskNonTemporal
	case residual != nil:
		kernel = t.ScaleShiftAddReLUMask
	}
	kernel(isa.Arg(&a))
}

func maskGrad(dy []float32, mask []uint16, dx []float32, rows, c int) {
	Table.Active().MaskGrad(isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(dy), wordPtr(mask), ground.Ptr(dx)}, Rows: rows, C: c}))
}

func bnReduce(dy, x, mean []float32, m Mask, rows, c int, sumG, sumGX []float32) {
	a := rowArgs{P: [9]*float32{ground.Ptr(dy), ground.Ptr(x), ground.Ptr(m.Y), ground.Ptr(mean), ground.Ptr(sumG), ground.Ptr(sumGX), nil, ground.Ptr(m.Scale), ground.Ptr(m.Shift)}, Rows: rows, C: c}
	t := Table.Active()
	kernel := t.BNReduce
	switch {
	case m.Y != nil:
		kernel = t.BNReduceY
	case m.Words != nil:
		a.P[2] = wordPtr(m.Words)
		kernel = t.BNReduceMask
	case m.Scale != nil:
		kernel = t.BNReduceX
	}
	kernel(isa.Arg(&a))
}

// bnGrad has kernels for what occurs: no mask by y, and none by x together with
// a residual; those go to the twin.
func bnGrad(dy, x []float32, m Mask, k Coefficients, rows, c int, dx, dres []float32, nonTemporal bool) {
	if m.Y != nil || m.Scale != nil && dres != nil {
		bnGradGo(dy, x, m, k, rows, c, dx, dres)
		return
	}
	a := rowArgs{P: [9]*float32{ground.Ptr(dy), ground.Ptr(x), ground.Ptr(dx), ground.Ptr(k.Mean), ground.Ptr(k.A), ground.Ptr(k.B), ground.Ptr(k.D), wordPtr(m.Words), ground.Ptr(dres)}, Rows: rows, C: c}
	t := Table.Active()
	kernel := t.BNGrad
	switch {
	case m.Scale != nil:
		a.P[7], a.P[8] = ground.Ptr(m.Scale), ground.Ptr(m.Shift)
		kernel = t.BNGradX
	case m.Words != nil && dres == nil:
		kernel = t.BNGradMask
	case m.Words != nil && nonTemporal:
		kernel = t.BNGradMaskResNonTemporal
	case m.Words != nil:
		kernel = t.BNGradMaskRes
	case dres != nil && nonTemporal:
		kernel = t.BNGradResNonTemporal
	case dres != nil:
		kernel = t.BNGradRes
	}
	kernel(isa.Arg(&a))
}
