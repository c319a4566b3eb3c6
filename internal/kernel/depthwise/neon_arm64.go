//go:build !noasm

package depthwise

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm. There are no
// non-temporal stores: the kernel named for them is the other.
func init() {
	table.Add(isa.NEON, kernels{
		Block:             16,
		Pack:              packNEON,
		Unpack:            unpackNEON,
		UnpackNonTemporal: unpackNEON,
		Windows:           windowsNEON,
		Windows3:          byStride[windowArgs]{windows3Stride1NEON, windows3Stride2NEON},
		Windows5:          byStride[windowArgs]{windows5Stride1NEON, windows5Stride2NEON},
		Windows7:          byStride[windowArgs]{windows7Stride1NEON, windows7Stride2NEON},
		Grad3x3:           byStride[gradArgs]{grad3x3Stride1NEON, grad3x3Stride2NEON},
		Grad2x5:           byStride[gradArgs]{grad2x5Stride1NEON, grad2x5Stride2NEON},
		Grad1x5:           byStride[gradArgs]{grad1x5Stride1NEON, grad1x5Stride2NEON},
		Grad1x7:           byStride[gradArgs]{grad1x7Stride1NEON, grad1x7Stride2NEON},
		GradOne:           gradOneNEON,
	})
}
