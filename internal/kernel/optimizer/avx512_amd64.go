//go:build !noasm

package optimizer

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	table.Add(isa.AVX512, kernels{
		ScaleAdd: optimizerScaleAddAVX512,
		Lerp:     optimizerLerpAVX512,
		Adam:     optimizerAdamAVX512,
	})
}
