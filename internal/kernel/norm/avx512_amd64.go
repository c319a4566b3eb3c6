//go:build !noasm

package norm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX512, kernels{
		Stats:                            normStatsAVX512,
		ScaleShift:                       normScaleShiftAVX512,
		ScaleShiftNonTemporal:            normScaleShiftNonTemporalAVX512,
		ScaleShiftReLU:                   normScaleShiftReLUAVX512,
		ScaleShiftReLUNonTemporal:        normScaleShiftReLUNonTemporalAVX512,
		ScaleShiftAdd:                    normScaleShiftAddAVX512,
		ScaleShiftAddNonTemporal:         normScaleShiftAddNonTemporalAVX512,
		ScaleShiftAddReLU:                normScaleShiftAddReLUAVX512,
		ScaleShiftAddReLUNonTemporal:     normScaleShiftAddReLUNonTemporalAVX512,
		ScaleShiftReLUMask:               normScaleShiftReLUMaskAVX512,
		ScaleShiftReLUMaskNonTemporal:    normScaleShiftReLUMaskNonTemporalAVX512,
		ScaleShiftAddReLUMask:            normScaleShiftAddReLUMaskAVX512,
		ScaleShiftAddReLUMaskNonTemporal: normScaleShiftAddReLUMaskNonTemporalAVX512,
		MaskGrad:                         normMaskGradAVX512,
		BNReduce:                         normBNReduceAVX512,
		BNReduceY:                        normBNReduceYAVX512,
		BNReduceX:                        normBNReduceXAVX512,
		BNReduceMask:                     normBNReduceMaskAVX512,
		BNGrad:                           normBNGradAVX512,
		BNGradX:                          normBNGradXAVX512,
		BNGradMask:                       normBNGradMaskAVX512,
		BNGradRes:                        normBNGradResAVX512,
		BNGradResNonTemporal:             normBNGradResNonTemporalAVX512,
		BNGradMaskRes:                    normBNGradMaskResAVX512,
		BNGradMaskResNonTemporal:         normBNGradMaskResNonTemporalAVX512,
		NonTemporalFloats:                4 << 20,
	})
}
