//go:build !noasm

package norm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX2, kernels{
		Stats:                            normStatsAVX2,
		ScaleShift:                       normScaleShiftAVX2,
		ScaleShiftNonTemporal:            normScaleShiftNonTemporalAVX2,
		ScaleShiftReLU:                   normScaleShiftReLUAVX2,
		ScaleShiftReLUNonTemporal:        normScaleShiftReLUNonTemporalAVX2,
		ScaleShiftAdd:                    normScaleShiftAddAVX2,
		ScaleShiftAddNonTemporal:         normScaleShiftAddNonTemporalAVX2,
		ScaleShiftAddReLU:                normScaleShiftAddReLUAVX2,
		ScaleShiftAddReLUNonTemporal:     normScaleShiftAddReLUNonTemporalAVX2,
		ScaleShiftReLUMask:               normScaleShiftReLUMaskAVX2,
		ScaleShiftReLUMaskNonTemporal:    normScaleShiftReLUMaskNonTemporalAVX2,
		ScaleShiftAddReLUMask:            normScaleShiftAddReLUMaskAVX2,
		ScaleShiftAddReLUMaskNonTemporal: normScaleShiftAddReLUMaskNonTemporalAVX2,
		MaskGrad:                         normMaskGradAVX2,
		BNReduce:                         normBNReduceAVX2,
		BNReduceY:                        normBNReduceYAVX2,
		BNReduceX:                        normBNReduceXAVX2,
		BNReduceMask:                     normBNReduceMaskAVX2,
		BNGrad:                           normBNGradAVX2,
		BNGradX:                          normBNGradXAVX2,
		BNGradMask:                       normBNGradMaskAVX2,
		BNGradRes:                        normBNGradResAVX2,
		BNGradResNonTemporal:             normBNGradResNonTemporalAVX2,
		BNGradMaskRes:                    normBNGradMaskResAVX2,
		BNGradMaskResNonTemporal:         normBNGradMaskResNonTemporalAVX2,
		NonTemporalFloats:                4 << 20,
	})
}
