//go:build !noasm

package gemm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX2, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX2, Kernels{
		MR: 6, MRT: 6, NR: 16,
		N: gemmNAVX2, T: gemmTAVX2, D: gemmDAVX2, V: gemmVAVX2,
		CopyBlocks:        copyBlocksAVX2,
		Transpose8:        transpose8AVX2,
		NonTemporalFloats: 8 << 20,
	})
}
