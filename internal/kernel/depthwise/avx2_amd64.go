//go:build !noasm

package depthwise

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	table.Add(isa.AVX2, kernels{
		Block:             16,
		Pack:              packAVX2,
		Unpack:            unpackAVX2,
		UnpackNonTemporal: unpackNonTemporalAVX2,
		Windows:           windowsAVX2,
		Windows3:          byStride[windowArgs]{windows3Stride1AVX2, windows3Stride2AVX2},
		Windows5:          byStride[windowArgs]{windows5Stride1AVX2, windows5Stride2AVX2},
		Windows7:          byStride[windowArgs]{windows7Stride1AVX2, windows7Stride2AVX2},
		Grad3x3:           byStride[gradArgs]{grad3x3Stride1AVX2, grad3x3Stride2AVX2},
		Grad2x5:           byStride[gradArgs]{grad2x5Stride1AVX2, grad2x5Stride2AVX2},
		Grad1x5:           byStride[gradArgs]{grad1x5Stride1AVX2, grad1x5Stride2AVX2},
		Grad1x7:           byStride[gradArgs]{grad1x7Stride1AVX2, grad1x7Stride2AVX2},
		GradOne:           gradOneAVX2,
		NonTemporalFloats: 4 << 20,
	})
}
