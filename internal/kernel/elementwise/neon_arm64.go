//go:build !noasm

package elementwise

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm. There are no
// non-temporal stores: the kernels named for them are the others.
func init() {
	Table.Add(isa.NEON, rowKernels{
		Activate: [activations]func(a *rowArgs){
			ReLU:        ewReLUNEON,
			ReLU6:       ewReLU6NEON,
			Sigmoid:     ewSigmoidNEON,
			SiLU:        ewSiLUNEON,
			Hardsigmoid: ewHardsigmoidNEON,
			Hardswish:   ewHardswishNEON,
			GELU:        ewGELUNEON,
			GELUTanh:    ewGELUTanhNEON,
		},
		ActivateGrad: [activations]func(a *rowArgs){
			ReLU:        ewReLUGradNEON,
			ReLU6:       ewReLU6GradNEON,
			Sigmoid:     ewSigmoidGradNEON,
			SiLU:        ewSiLUGradNEON,
			Hardsigmoid: ewHardsigmoidGradNEON,
			Hardswish:   ewHardswishGradNEON,
			GELU:        ewGELUGradNEON,
			GELUTanh:    ewGELUTanhGradNEON,
		},
		Add:                     ewAddNEON,
		Mul:                     ewMulNEON,
		AXPY:                    ewAXPYNEON,
		AddBias:                 ewAddBiasNEON,
		SumRows:                 ewSumRowsNEON,
		SplitSum:                ewSplitSumNEON,
		SplitSumNonTemporal:     ewSplitSumNEON,
		SplitSumReLU:            ewSplitSumReLUNEON,
		SplitSumReLUNonTemporal: ewSplitSumReLUNEON,
	})
}
