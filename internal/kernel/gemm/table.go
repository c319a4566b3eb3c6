package gemm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Kernels are the micro-kernels of the matrix product for one instruction
// set, and the moves of packing; kernel.go has their contract.
type Kernels struct {
	// The register tile. MR, the rows for forms N and D, is even and at most
	// MaxTileRows; MRT, those for form T, is even; NR, the
	// columns, is a multiple of 4 and at most MaxTileCols. A set that states its
	// tile and lacks a kernel has the portable one for that tile.
	MR, MRT, NR int

	N, T, D func(g *Args)
	V       func(g *VectorArgs)

	CopyBlocks func(p *BlockCopy)
	Transpose8 func(dst, src *float32, ld, nr, n int)

	NonTemporalFloats int // see ground.StoresNonTemporal
}

// Table has the kernels of the matrix product of each instruction set.
var Table isa.Table[Kernels]

func init() {
	Table.Add(isa.Generic, Kernels{
		MR: 4, MRT: 4, NR: 8,
		N:                 func(g *Args) { GemmNGo(TileRows(), TileCols(), g) },
		T:                 func(g *Args) { GemmTGo(TileRowsT(), TileCols(), g) },
		D:                 func(g *Args) { gemmDGo(TileRows(), TileCols(), g) },
		V:                 func(g *VectorArgs) { gemmVGo(TileCols(), g) },
		CopyBlocks:        copyBlocksGo,
		Transpose8:        transpose8Go,
		NonTemporalFloats: ground.NeverNonTemporal,
	})
}

// TileRows returns MR, the rows of the register tile for forms N and D.
func TileRows() int { return Table.Active().MR }

// TileRowsT returns MRT, the rows of the register tile for form T.
func TileRowsT() int { return Table.Active().MRT }

// TileCols returns NR, the columns of the register tile.
func TileCols() int { return Table.Active().NR }

// FormN runs the micro-kernel of form N.
func FormN(g *Args) { Table.Active().N(isa.Arg(g)) }

// FormT runs the micro-kernel of form T.
func FormT(g *Args) { Table.Active().T(isa.Arg(g)) }

// FormD runs the micro-kernel of form D.
func FormD(g *Args) { Table.Active().D(isa.Arg(g)) }

// CopyBlocks copies or clears blocks; see BlockCopy.
func CopyBlocks(p *BlockCopy) { Table.Active().CopyBlocks(isa.Arg(p)) }

// transpose8 transposes stripes of 8 rows; see transpose8Go.
func transpose8(dst, src *float32, ld, nr, n int) {
	Table.Active().Transpose8(dst, src, ld, nr, n)
}
