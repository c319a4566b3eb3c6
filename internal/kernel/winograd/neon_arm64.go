//go:build !noasm

package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// The kernels of NEON, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.NEON, Kernels{
		Input:             [winoShapes]func(int, []float32, int, int, int, []float32, int, int){winoInput43NEON, winoInput44NEON, winoInput34NEON, winoInput33NEON},
		Grad:              [winoShapes]func(int, []float32, int, int, int, []float32, int, int){winoGrad43NEON, winoGrad44NEON, winoGrad34NEON, winoGrad33NEON},
		Output:            [winoShapes]winoOutputFunc{winoOutput43NEON, winoOutput44NEON, winoOutput34NEON, winoOutput33NEON},
		OutputNonTemporal: winoOutput44NEON, // there are no such stores
		Filter:            winoFilterNEON,
		FilterGrad:        winoFilterGradNEON,
		Product:           winoProductNEON,
		Transpose:         winoTransposeNEON,
		Prefetch:          winoPrefetchLines,
		NonTemporalFloats: ground.NeverNonTemporal,
	})
}
