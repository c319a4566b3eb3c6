//go:build !noasm

package gemm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// The kernels of NEON, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.NEON, Kernels{
		MR: 6, MRT: 6, NR: 16,
		N: gemmNNEON, T: gemmTNEON, D: gemmDNEON, V: gemmVNEON,
		CopyBlocks:        copyBlocksNEON,
		Transpose8:        transpose8NEON,
		NonTemporalFloats: ground.NeverNonTemporal,
	})
}
