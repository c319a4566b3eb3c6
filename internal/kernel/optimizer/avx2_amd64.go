//go:build !noasm

package optimizer

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	table.Add(isa.AVX2, kernels{
		ScaleAdd: optimizerScaleAddAVX2,
		Lerp:     optimizerLerpAVX2,
		Adam:     optimizerAdamAVX2,
	})
}
