package cpu

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// gemmKernels are the micro-kernels of the matrix product for one instruction
// set, and the moves of packing; gemm_kernel.go has their contract.
type gemmKernels struct {
	// The register tile. MR, the rows for forms N and D, is even and at most
	// maxTileRows; MRT, those for form T, is even and divides panelT; NR, the
	// columns, is a multiple of 4 and at most maxTileCols. A set that states its
	// tile and lacks a kernel has the portable one for that tile.
	MR, MRT, NR int

	N, T, D func(g *gemmArgs)

	CopyBlocks func(p *blockCopy)
	Transpose8 func(dst, src *float32, ld, nr, n int)

	NonTemporalFloats int // see nontemporal.go
}

var gemmTable isa.Table[gemmKernels]

func init() {
	gemmTable.Add(isa.Generic, gemmKernels{
		MR: 4, MRT: 4, NR: 8,
		N:                 func(g *gemmArgs) { gemmNGo(tileRows(), tileCols(), g) },
		T:                 func(g *gemmArgs) { gemmTGo(tileRowsT(), tileCols(), g) },
		D:                 func(g *gemmArgs) { gemmDGo(tileRows(), tileCols(), g) },
		CopyBlocks:        copyBlocksGo,
		Transpose8:        transpose8Go,
		NonTemporalFloats: noNonTemporal,
	})
}

// tileRows returns MR, the rows of the register tile for forms N and D.
func tileRows() int { return gemmTable.Active().MR }

// tileRowsT returns MRT, the rows of the register tile for form T.
func tileRowsT() int { return gemmTable.Active().MRT }

// tileCols returns NR, the columns of the register tile.
func tileCols() int { return gemmTable.Active().NR }

// gemmN runs the micro-kernel of form N.
func gemmN(g *gemmArgs) { gemmTable.Active().N(isa.Arg(g)) }

// gemmT runs the micro-kernel of form T.
func gemmT(g *gemmArgs) { gemmTable.Active().T(isa.Arg(g)) }

// gemmD runs the micro-kernel of form D.
func gemmD(g *gemmArgs) { gemmTable.Active().D(isa.Arg(g)) }

// copyBlocks copies or clears blocks; see blockCopy.
func copyBlocks(p *blockCopy) { gemmTable.Active().CopyBlocks(isa.Arg(p)) }

// transpose8 transposes stripes of 8 rows; see transpose8Go.
func transpose8(dst, src *float32, ld, nr, n int) {
	gemmTable.Active().Transpose8(dst, src, ld, nr, n)
}
