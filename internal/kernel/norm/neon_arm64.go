//go:build !noasm

package norm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm. There are no
// non-temporal stores: the kernels named for them are the others.
func init() {
	Table.Add(isa.NEON, kernels{
		Stats:                            normStatsNEON,
		ScaleShift:                       normScaleShiftNEON,
		ScaleShiftNonTemporal:            normScaleShiftNEON,
		ScaleShiftReLU:                   normScaleShiftReLUNEON,
		ScaleShiftReLUNonTemporal:        normScaleShiftReLUNEON,
		ScaleShiftAdd:                    normScaleShiftAddNEON,
		ScaleShiftAddNonTemporal:         normScaleShiftAddNEON,
		ScaleShiftAddReLU:                normScaleShiftAddReLUNEON,
		ScaleShiftAddReLUNonTemporal:     normScaleShiftAddReLUNEON,
		ScaleShiftReLUMask:               normScaleShiftReLUMaskNEON,
		ScaleShiftReLUMaskNonTemporal:    normScaleShiftReLUMaskNEON,
		ScaleShiftAddReLUMask:            normScaleShiftAddReLUMaskNEON,
		ScaleShiftAddReLUMaskNonTemporal: normScaleShiftAddReLUMaskNEON,
		MaskGrad:                         normMaskGradNEON,
		BNReduce:                         normBNReduceNEON,
		BNReduceY:                        normBNReduceYNEON,
		BNReduceX:                        normBNReduceXNEON,
		BNReduceMask:                     normBNReduceMaskNEON,
		BNGrad:                           normBNGradNEON,
		BNGradX:                          normBNGradXNEON,
		BNGradMask:                       normBNGradMaskNEON,
		BNGradRes:                        normBNGradResNEON,
		BNGradResNonTemporal:             normBNGradResNEON,
		BNGradMaskRes:                    normBNGradMaskResNEON,
		BNGradMaskResNonTemporal:         normBNGradMaskResNEON,
	})
}
