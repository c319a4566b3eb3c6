//go:build !noasm

package ground

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	storeTable.Add(isa.AVX512, storeKernels{Fence: storeFenceSSE})
}
