//go:build !noasm

package layernorm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of NEON, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.NEON, kernels{Forward: forwardNEON, Backward: backwardNEON, BackwardAdd: backwardAddNEON})
}
