//go:build !noasm

package winograd

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX2, Kernels{
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
}
