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
		Add:                     ewAddAVX512,
		Mul:                     ewMulAVX512,
		AXPY:                    ewAXPYAVX512,
		AddBias:                 ewAddBiasAVX512,
		SumRows:                 ewSumRowsAVX512,
		SplitSum:                ewSplitSumAVX512,
		SplitSumNonTemporal:     ewSplitSumNonTemporalAVX512,
		SplitSumReLU:            ewSplitSumReLUAVX512,
		SplitSumReLUNonTemporal: ewSplitSumReLUNonTemporalAVX512,
		NonTemporalFloats:       4 << 20,
	})
}
