//go:build !noasm

package gemm

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// The kernels of AVX512, whose assembly is generated: see asm.
func init() {
	Table.Add(isa.AVX512, Kernels{
		MR: 14, MRT: 8, NR: 32,
		N: gemmNAVX512, T: gemmTAVX512, D: gemmDAVX512, V: gemmVAVX512,
		CopyBlocks:        copyBlocksAVX512,
		Transpose8:        transpose8AVX2,
		NonTemporalFloats: 8 << 20,
	})
}
