//go:build !noasm

package elementwise

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX512, rowKernels{
		Activate: [activations]func(a *rowArgs){
			ReLU:        ewReLUAVX512,
			ReLU6:       ewReLU6AVX512,
			Sigmoid:     ewSigmoidAVX512,
			SiLU:        ewSiLUAVX512,
			Hardsigmoid: ewHardsigmoidAVX512,
			Hardswish:   ewHardswishAVX512,
			GELU:        ewGELUAVX512,
			GELUTanh:    ewGELUTanhAVX512,
		},
		ActivateGrad: [activations]func(a *rowArgs){
			ReLU:        ewReLUGradAVX512,
			ReLU6:       ewReLU6GradAVX512,
			Sigmoid:     ewSigmoidGradAVX512,
			SiLU:        ewSiLUGradAVX512,
			Hardsigmoid: ewHardsigmoidGradAVX512,
			Hardswish:   ewHardswishGradAVX512,
			GELU:        ewGELUGradAVX512,
			GELUTanh:    ewGELUTanhGradAVX512,
		},
		Add:                              ewAddAVX512,
		Mul:                              ewMulAVX512,
		AXPY:                             ewAXPYAVX512,
		ScaleAdd:                         ewScaleAddAVX512,
		AddBias:                          ewAddBiasAVX512,
		SumRows:                          ewSumRowsAVX512,
		SplitSum:                         ewSplitSumAVX512,
		SplitSumNonTemporal:              ewSplitSumNonTemporalAVX512,
		SplitSumReLU:                     ewSplitSumReLUAVX512,
		SplitSumReLUNonTemporal:          ewSplitSumReLUNonTemporalAVX512,
		Stats:                            ewStatsAVX512,
		ScaleShift:                       ewScaleShiftAVX512,
		ScaleShiftNonTemporal:            ewScaleShiftNonTemporalAVX512,
		ScaleShiftReLU:                   ewScaleShiftReLUAVX512,
		ScaleShiftReLUNonTemporal:        ewScaleShiftReLUNonTemporalAVX512,
		ScaleShiftAdd:                    ewScaleShiftAddAVX512,
		ScaleShiftAddNonTemporal:         ewScaleShiftAddNonTemporalAVX512,
		ScaleShiftAddReLU:                ewScaleShiftAddReLUAVX512,
		ScaleShiftAddReLUNonTemporal:     ewScaleShiftAddReLUNonTemporalAVX512,
		ScaleShiftReLUMask:               ewScaleShiftReLUMaskAVX512,
		ScaleShiftReLUMaskNonTemporal:    ewScaleShiftReLUMaskNonTemporalAVX512,
		ScaleShiftAddReLUMask:            ewScaleShiftAddReLUMaskAVX512,
		ScaleShiftAddReLUMaskNonTemporal: ewScaleShiftAddReLUMaskNonTemporalAVX512,
		MaskGrad:                         ewMaskGradAVX512,
		BNReduce:                         ewBNReduceAVX512,
		BNReduceY:                        ewBNReduceYAVX512,
		BNReduceX:                        ewBNReduceXAVX512,
		BNReduceMask:                     ewBNReduceMaskAVX512,
		BNGrad:                           ewBNGradAVX512,
		BNGradX:                          ewBNGradXAVX512,
		BNGradMask:                       ewBNGradMaskAVX512,
		BNGradRes:                        ewBNGradResAVX512,
		BNGradResNonTemporal:             ewBNGradResNonTemporalAVX512,
		BNGradMaskRes:                    ewBNGradMaskResAVX512,
		BNGradMaskResNonTemporal:         ewBNGradMaskResNonTemporalAVX512,
		Adam:                             ewAdamAVX512,
		NonTemporalFloats:                4 << 20,
	})
}
