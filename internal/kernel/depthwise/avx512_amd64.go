//go:build !noasm

package depthwise

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	table.Add(isa.AVX512, kernels{
		Block:             32,
		Pack:              packAVX512,
		Unpack:            unpackAVX512,
		UnpackNonTemporal: unpackNonTemporalAVX512,
		Windows:           windowsAVX512,
		Windows3:          byStride[windowArgs]{windows3Stride1AVX512, windows3Stride2AVX512},
		Windows5:          byStride[windowArgs]{windows5Stride1AVX512, windows5Stride2AVX512},
		Windows7:          byStride[windowArgs]{windows7Stride1AVX512, windows7Stride2AVX512},
		Grad3x3:           byStride[gradArgs]{grad3x3Stride1AVX512, grad3x3Stride2AVX512},
		Grad2x5:           byStride[gradArgs]{grad2x5Stride1AVX512, grad2x5Stride2AVX512},
		Grad1x5:           byStride[gradArgs]{grad1x5Stride1AVX512, grad1x5Stride2AVX512},
		Grad1x7:           byStride[gradArgs]{grad1x7Stride1AVX512, grad1x7Stride2AVX512},
		GradOne:           gradOneAVX512,
		NonTemporalFloats: 4 << 20,
	})
}
