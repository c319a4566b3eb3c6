package pixel

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// kernels are the kernels of one instruction set. They trust the lengths that
// the exported functions have checked. Where one is nil, its Go twin does all
// the work.
//
// They keep no pointer after they return, which the compiler cannot see through
// a function value: isa.Arg tells it.
type kernels struct {
	WeighRows func(dst, ring []float32, stride, lo, size int, w []float32)
	Columns   func(dst, ring []uint8, stride, lo, size int, k []int32)
	Row       func(dst, src []uint8, t *FixedTaps)
	IDCT      func(b *[64]int32, dst []uint8, stride int)
	YCC       func(dst, y, cb, cr []uint8, n int)
	Pick      func(dst, src []float32, n int, t *Taps) // the first n outputs
	Curve     func(c *ToneCurve, v []float32, scale, shift [3]float32)
	Sample    func(dst []float32, n int, src []uint8, rowBytes int, limX, limY uint32, w *Walk) int
}

// table has each set's kernels. Plain Go has none: the twins stand where the
// kernels are called.
var table isa.Table[kernels]

func init() { table.Add(isa.Generic, kernels{}) }
