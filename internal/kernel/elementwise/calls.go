package elementwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// This file calls the kernels of rowKernels: each function packs its slices,
// whose lengths its callers have checked, into the argument of the kernel for
// its case. The twins ending in Go say what they compute.

func activate(a Activation, x, y []float32) {
	rowwise.Flat(Table.Active().Activate[a], len(x), [8]float32{}, x, y)
}

func activateTile(a Activation, y []float32, rows, c, stride int) {
	if rows > 0 && c > 0 {
		Table.Active().Activate[a](isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(y), ground.Ptr(y)}, Rows: rows, C: c, Stride: stride}))
	}
}

func activateGrad(a Activation, dy, x, dx []float32) {
	rowwise.Flat(Table.Active().ActivateGrad[a], len(dx), [8]float32{}, dy, x, dx)
}

func add(x, y, dst []float32) { rowwise.Flat(Table.Active().Add, len(x), [8]float32{}, x, y, dst) }

func mul(x, y, dst []float32) { rowwise.Flat(Table.Active().Mul, len(x), [8]float32{}, x, y, dst) }

func axpy(a float32, x, y []float32) { rowwise.Flat(Table.Active().AXPY, len(x), [8]float32{a}, x, y) }

func addBias(x, bias, y []float32, rows, c int) {
	Table.Active().AddBias(isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(x), ground.Ptr(y), ground.Ptr(bias)}, Rows: rows, C: c}))
}

func sumRows(x []float32, rows, c int, sums []float32) {
	Table.Active().SumRows(isa.Arg(&rowArgs{P: [9]*float32{ground.Ptr(x), ground.Ptr(sums)}, Rows: rows, C: c}))
}

func splitSum(dx, x []float32, stride int, dz []float32, rows, c int, sums []float32, nonTemporal bool) {
	a := rowArgs{P: [9]*float32{ground.Ptr(dx), ground.Ptr(x), ground.Ptr(dz), ground.Ptr(sums)}, Rows: rows, C: c, Stride: stride}
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
