//go:build !noasm

package ground

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	storeTable.Add(isa.AVX2, storeKernels{Fence: storeFenceSSE})
}
