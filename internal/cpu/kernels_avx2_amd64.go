//go:build !noasm

package cpu

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	storeTable.Add(isa.AVX2, storeKernels{Fence: storeFenceSSE})
	gemmTable.Add(isa.AVX2, gemmKernels{
		MR: 6, MRT: 4, NR: 16,
		N: gemmNAVX2, T: gemmTAVX2, D: gemmDAVX2,
		CopyBlocks:        copyBlocksAVX2,
		Transpose8:        transpose8AVX2,
		NonTemporalFloats: 8 << 20,
	})
	winoTable.Add(isa.AVX2, winoKernels{
		Input:             [winoShapes]func(int, []float32, int, int, int, []float32, int, int){winoInput43AVX2, winoInput44AVX2, winoInput34AVX2, winoInput33AVX2},
		Grad:              [winoShapes]func(int, []float32, int, int, int, []float32, int, int){winoGrad43AVX2, winoGrad44AVX2, winoGrad34AVX2, winoGrad33AVX2},
		Output:            [winoShapes]winoOutputFunc{winoOutput43AVX2, winoOutput44AVX2, winoOutput34AVX2, winoOutput33AVX2},
		OutputNonTemporal: winoOutput44NonTemporalAVX2,
		Filter:            winoFilterAVX2,
		FilterGrad:        winoFilterGradAVX2,
		Product:           winoProductAVX2,
		Transpose:         winoTransposeAVX2,
		Prefetch:          winoPrefetchLines,
		NonTemporalFloats: 4 << 20,
	})
	rowTable.Add(isa.AVX2, rowKernels{
		ReLU:                             ewReLUAVX2,
		ReLUGrad:                         ewReLUGradAVX2,
		Add:                              ewAddAVX2,
		Mul:                              ewMulAVX2,
		AXPY:                             ewAXPYAVX2,
		ScaleAdd:                         ewScaleAddAVX2,
		AddBias:                          ewAddBiasAVX2,
		SumRows:                          ewSumRowsAVX2,
		SplitSum:                         ewSplitSumAVX2,
		SplitSumNonTemporal:              ewSplitSumNonTemporalAVX2,
		SplitSumReLU:                     ewSplitSumReLUAVX2,
		SplitSumReLUNonTemporal:          ewSplitSumReLUNonTemporalAVX2,
		Stats:                            ewStatsAVX2,
		ScaleShift:                       ewScaleShiftAVX2,
		ScaleShiftNonTemporal:            ewScaleShiftNonTemporalAVX2,
		ScaleShiftReLU:                   ewScaleShiftReLUAVX2,
		ScaleShiftReLUNonTemporal:        ewScaleShiftReLUNonTemporalAVX2,
		ScaleShiftAdd:                    ewScaleShiftAddAVX2,
		ScaleShiftAddNonTemporal:         ewScaleShiftAddNonTemporalAVX2,
		ScaleShiftAddReLU:                ewScaleShiftAddReLUAVX2,
		ScaleShiftAddReLUNonTemporal:     ewScaleShiftAddReLUNonTemporalAVX2,
		ScaleShiftReLUMask:               ewScaleShiftReLUMaskAVX2,
		ScaleShiftReLUMaskNonTemporal:    ewScaleShiftReLUMaskNonTemporalAVX2,
		ScaleShiftAddReLUMask:            ewScaleShiftAddReLUMaskAVX2,
		ScaleShiftAddReLUMaskNonTemporal: ewScaleShiftAddReLUMaskNonTemporalAVX2,
		MaskGrad:                         ewMaskGradAVX2,
		BNReduce:                         ewBNReduceAVX2,
		BNReduceY:                        ewBNReduceYAVX2,
		BNReduceX:                        ewBNReduceXAVX2,
		BNReduceMask:                     ewBNReduceMaskAVX2,
		BNGrad:                           ewBNGradAVX2,
		BNGradX:                          ewBNGradXAVX2,
		BNGradMask:                       ewBNGradMaskAVX2,
		BNGradRes:                        ewBNGradResAVX2,
		BNGradResNonTemporal:             ewBNGradResNonTemporalAVX2,
		BNGradMaskRes:                    ewBNGradMaskResAVX2,
		BNGradMaskResNonTemporal:         ewBNGradMaskResNonTemporalAVX2,
		Adam:                             ewAdamAVX2,
		NonTemporalFloats:                4 << 20,
	})
	windowTable.Add(isa.AVX2, windowKernels{
		Lanes:                   8,
		MaxWindow:               ewMaxWindowAVX2,
		MaxWindowArg:            ewMaxWindowArgAVX2,
		MaxWindowArgReLU:        ewMaxWindowArgReLUAVX2,
		GatherWindow:            ewGatherWindowAVX2,
		GatherWindowNonTemporal: ewGatherWindowNonTemporalAVX2,
		NormWindow:              ewNormWindowAVX2,
		NormGather:              ewNormGatherAVX2,
		NormGatherNonTemporal:   ewNormGatherNonTemporalAVX2,
		NonTemporalFloats:       4 << 20,
	})
}
