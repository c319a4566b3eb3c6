//go:build !noasm

package layernorm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX2, kernels{Forward: forwardAVX2, Backward: backwardAVX2, BackwardAdd: backwardAddAVX2})
}
