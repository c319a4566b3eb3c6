//go:build !noasm

package cpu

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	storeTable.Add(isa.AVX512, storeKernels{Fence: storeFenceSSE})
	gemmTable.Add(isa.AVX512, gemmKernels{
		MR: 14, MRT: 8, NR: 32,
		N: gemmNAVX512, T: gemmTAVX512, D: gemmDAVX512,
		CopyBlocks:        copyBlocksAVX512,
		Transpose8:        transpose8AVX2,
		NonTemporalFloats: 8 << 20,
	})
	winoTable.Add(isa.AVX512, winoKernels{
		Input:             [winoShapes]func(int, []float32, int, int, int, []float32, int, int){winoInput43AVX512, winoInput44AVX512, winoInput34AVX512, winoInput33AVX512},
		Grad:              [winoShapes]func(int, []float32, int, int, int, []float32, int, int){winoGrad43AVX512, winoGrad44AVX512, winoGrad34AVX512, winoGrad33AVX512},
		Output:            [winoShapes]winoOutputFunc{winoOutput43AVX512, winoOutput44AVX512, winoOutput34AVX512, winoOutput33AVX512},
		OutputNonTemporal: winoOutput44NonTemporalAVX512,
		Filter:            winoFilterAVX512,
		FilterGrad:        winoFilterGradAVX512,
		Product:           winoProductAVX512,
		Transpose:         winoTransposeAVX512,
		Prefetch:          winoPrefetchLines,
		NonTemporalFloats: 4 << 20,
	})
	rowTable.Add(isa.AVX512, rowKernels{
		ReLU:                             ewReLUAVX512,
		ReLUGrad:                         ewReLUGradAVX512,
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
	windowTable.Add(isa.AVX512, windowKernels{
		Lanes:                   16,
		MaxWindow:               ewMaxWindowAVX512,
		MaxWindowArg:            ewMaxWindowArgAVX512,
		MaxWindowArgReLU:        ewMaxWindowArgReLUAVX512,
		GatherWindow:            ewGatherWindowAVX512,
		GatherWindowNonTemporal: ewGatherWindowNonTemporalAVX512,
		NormWindow:              ewNormWindowAVX512,
		NormGather:              ewNormGatherAVX512,
		NormGatherNonTemporal:   ewNormGatherNonTemporalAVX512,
		NonTemporalFloats:       4 << 20,
	})
}
