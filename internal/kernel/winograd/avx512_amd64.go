//go:build !noasm

package winograd

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX512, Kernels{
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
}
