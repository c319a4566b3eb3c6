//go:build !noasm

package layernorm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX512, kernels{Forward: forwardAVX512, Backward: backwardAVX512, BackwardAdd: backwardAddAVX512})
}
