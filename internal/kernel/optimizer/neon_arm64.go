//go:build !noasm

package optimizer

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm.
func init() {
	table.Add(isa.NEON, kernels{
		ScaleAdd: optimizerScaleAddNEON,
		Lerp:     optimizerLerpNEON,
		Adam:     optimizerAdamNEON,
	})
}
