//go:build !noasm

package elementwise

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX2, rowKernels{
		Activate: [activations]func(a *rowArgs){
			ReLU:        ewReLUAVX2,
			ReLU6:       ewReLU6AVX2,
			Sigmoid:     ewSigmoidAVX2,
			SiLU:        ewSiLUAVX2,
			Hardsigmoid: ewHardsigmoidAVX2,
			Hardswish:   ewHardswishAVX2,
			GELU:        ewGELUAVX2,
			GELUTanh:    ewGELUTanhAVX2,
		},
		ActivateGrad: [activations]func(a *rowArgs){
			ReLU:        ewReLUGradAVX2,
			ReLU6:       ewReLU6GradAVX2,
			Sigmoid:     ewSigmoidGradAVX2,
			SiLU:        ewSiLUGradAVX2,
			Hardsigmoid: ewHardsigmoidGradAVX2,
			Hardswish:   ewHardswishGradAVX2,
			GELU:        ewGELUGradAVX2,
			GELUTanh:    ewGELUTanhGradAVX2,
		},
		Add:                     ewAddAVX2,
		Mul:                     ewMulAVX2,
		AXPY:                    ewAXPYAVX2,
		AddBias:                 ewAddBiasAVX2,
		SumRows:                 ewSumRowsAVX2,
		SplitSum:                ewSplitSumAVX2,
		SplitSumNonTemporal:     ewSplitSumNonTemporalAVX2,
		SplitSumReLU:            ewSplitSumReLUAVX2,
		SplitSumReLUNonTemporal: ewSplitSumReLUNonTemporalAVX2,
		NonTemporalFloats:       4 << 20,
	})
}
