package elementwise

import (
	"unsafe"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// This file calls the kernels of rowKernels: each function packs its slices,
// whose lengths its callers have checked, into the argument of the kernel for
// its case. The twins ending in Go say what they compute.

// wordPtr is ptr for words of mask, as rowArgs has it.
func wordPtr(s []uint16) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(s))) }

// flat runs a kernel on one row of n floats, if there are any.
func flat(kernel func(a *rowArgs), n int, k [8]float32, p ...[]float32) {
	if n == 0 {
		return
	}
	a := rowArgs{rows: 1, c: n, k: k}
	for i, s := range p {
		a.p[i] = ground.Ptr(s)
	}
	kernel(isa.Arg(&a))
}

func activate(a Activation, x, y []float32) {
	flat(Table.Active().Activate[a], len(x), [8]float32{}, x, y)
}

func activateTile(a Activation, y []float32, rows, c, stride int) {
	if rows > 0 && c > 0 {
		Table.Active().Activate[a](isa.Arg(&rowArgs{p: [9]*float32{ground.Ptr(y), ground.Ptr(y)}, rows: rows, c: c, stride: stride}))
	}
}

func activateGrad(a Activation, dy, x, dx []float32) {
	flat(Table.Active().ActivateGrad[a], len(dx), [8]float32{}, dy, x, dx)
}

// AddPiece is Add on the calling goroutine alone, lengths not checked.
func AddPiece(x, y, dst []float32) { flat(Table.Active().Add, len(x), [8]float32{}, x, y, dst) }

func mul(x, y, dst []float32) { flat(Table.Active().Mul, len(x), [8]float32{}, x, y, dst) }

func axpy(a float32, x, y []float32) { flat(Table.Active().AXPY, len(x), [8]float32{a}, x, y) }

func scaleAdd(a float32, y []float32, b float32, x []float32) {
	flat(Table.Active().ScaleAdd, len(x), [8]float32{a, b}, y, x)
}

func adam(p, g, avg, sqr []float32, k *adamConstants) {
	flat(Table.Active().Adam, len(p), [8]float32{k.decay, k.mom, k.damp, k.sqrMom, k.sqrInv, k.debias, k.eps, k.step}, p, g, avg, sqr)
}

// AddBiasPiece is AddBias on the calling goroutine alone, lengths not checked.
func AddBiasPiece(x, bias, y []float32, rows, c int) {
	Table.Active().AddBias(isa.Arg(&rowArgs{p: [9]*float32{ground.Ptr(x), ground.Ptr(y), ground.Ptr(bias)}, rows: rows, c: c}))
}

// SumPiece adds the column sums of x [rows, c] to sums [c], in float32, on the
// calling goroutine alone; lengths are not checked.
func SumPiece(x []float32, rows, c int, sums []float32) {
	Table.Active().SumRows(isa.Arg(&rowArgs{p: [9]*float32{ground.Ptr(x), ground.Ptr(sums)}, rows: rows, c: c}))
}

func splitSum(dx, x []float32, stride int, dz []float32, rows, c int, sums []float32, nonTemporal bool) {
	a := rowArgs{p: [9]*float32{ground.Ptr(dx), ground.Ptr(x), ground.Ptr(dz), ground.Ptr(sums)}, rows: rows, c: c, stride: stride}
	t := Table.Active()
	kernel := t.SplitSum
	switch {
	case x != nil && nonTemporal:
		kernel = t.SplitSumReLUNonTemporal
	case x != nil:
		kernel = t.SplitSumReLU
	case nonTemporal:
		kernel = t.SplitSumNonTemporal
	}
	kernel(isa.Arg(&a))
}

func stats(x, shift []float32, rows, c int, sum, sq []float32) {
	Table.Active().Stats(isa.Arg(&rowArgs{p: [9]*float32{ground.Ptr(x), ground.Ptr(shift), ground.Ptr(sum), ground.Ptr(sq)}, rows: rows, c: c}))
}

func scaleShift(x, scale, shift, residual, y []float32, rows, c int, relu, nonTemporal bool) {
	a := rowArgs{p: [9]*float32{ground.Ptr(x), ground.Ptr(y), ground.Ptr(scale), ground.Ptr(shift), ground.Ptr(residual)}, rows: rows, c: c}
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
	a := rowArgs{p: [9]*float32{ground.Ptr(x), ground.Ptr(y), ground.Ptr(scale), ground.Ptr(shift), ground.Ptr(residual), wordPtr(mask)}, rows: rows, c: c}
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
	Table.Active().MaskGrad(isa.Arg(&rowArgs{p: [9]*float32{ground.Ptr(dy), wordPtr(mask), ground.Ptr(dx)}, rows: rows, c: c}))
}

func bnReduce(dy, x, mean []float32, m Mask, rows, c int, sumG, sumGX []float32) {
	a := rowArgs{p: [9]*float32{ground.Ptr(dy), ground.Ptr(x), ground.Ptr(m.Y), ground.Ptr(mean), ground.Ptr(sumG), ground.Ptr(sumGX), nil, ground.Ptr(m.Scale), ground.Ptr(m.Shift)}, rows: rows, c: c}
	t := Table.Active()
	kernel := t.BNReduce
	switch {
	case m.Y != nil:
		kernel = t.BNReduceY
	case m.Words != nil:
		a.p[2] = wordPtr(m.Words)
		kernel = t.BNReduceMask
	case m.Scale != nil:
		kernel = t.BNReduceX
	}
	kernel(isa.Arg(&a))
}

// bnGrad has kernels for what occurs: no mask by y, and none by x together with
// a residual; those go to the twin.
func bnGrad(dy, x []float32, m Mask, k NormCoefficients, rows, c int, dx, dres []float32, nonTemporal bool) {
	if m.Y != nil || m.Scale != nil && dres != nil {
		bnGradGo(dy, x, m, k, rows, c, dx, dres)
		return
	}
	a := rowArgs{p: [9]*float32{ground.Ptr(dy), ground.Ptr(x), ground.Ptr(dx), ground.Ptr(k.Mean), ground.Ptr(k.A), ground.Ptr(k.B), ground.Ptr(k.D), wordPtr(m.Words), ground.Ptr(dres)}, rows: rows, c: c}
	t := Table.Active()
	kernel := t.BNGrad
	switch {
	case m.Scale != nil:
		a.p[7], a.p[8] = ground.Ptr(m.Scale), ground.Ptr(m.Shift)
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
