package gemm

import "unsafe"

// This file states the contract of the matrix-product micro-kernels on which
// everything heavy is built: C[mr x nr] = or += A*B, on packed panels.
//
// The register tile depends on the instruction set: MR rows (MRT for form T) of
// NR columns, as the set's Kernels state them.
//
// B panels: [columns/NR][k][NR], the last panel filled with zero columns.
//
// A panels, form N ("rows of contiguous k"): [rows/MR][k/16][MR][16], k filled
// with zeros to a multiple of 16. Packing rows of contiguous k is then plain
// 64-byte copies, and a kernel finds row r, step kk of a block at the constant
// displacement r*16+kk.
//
// A panels, form T ("k outer"): [rows/16][k][16], for reductions over pixels.
// One panel serves 16/MRT row tiles, rounded up: tile i starts at row i*MRT of the panel,
// and the last has the rows that are left.
//
// Form D ("direct") takes A where it lies, as segments of contiguous k: element
// (r, s, i) at s*segStep + r*as + i, with the steps of all segments in one B
// panel. It has form N's tile, all of whose rows are read.
//
// Form T reads of A the MR rows, rounded up to a multiple of RowsRead, and no more: it may
// lie where nothing follows. Rows of an A panel of the other forms past the last row of the
// matrix, and columns of a B panel
// past its last column, are read (they must exist) but never reach C.

const (
	// KBlock is how many steps of k one block of an A panel of form N holds.
	KBlock = 16
	// PanelT is how many rows an A panel of form T holds.
	PanelT = 16
	// RowsRead is how many rows of A a kernel of form T reads at once, at most.
	RowsRead = 4
	// MaxTileRows and MaxTileCols bound the register tile of every instruction set.
	MaxTileRows = 14
	MaxTileCols = 32
)

// Flags of Args.
const (
	Accumulate = 1 << iota // add to C instead of overwriting it
	ReLU                   // store max(0, value), after everything else

	// NonTemporal writes whole tiles with non-temporal stores, for an output
	// that the caches could not hold. C and LDC must be multiples of 64 bytes,
	// and ground.StoreFence must follow.
	NonTemporal
)

// Args is one call of a micro-kernel:
//
//	C[i][j] = relu?( A*B + (accumulate? C[i][j]) + (bias? bias[j]) + (res? res[i][j]) )
//
// for i < MR, j < NR. With more rows than a tile has, forms N and D go through tiles one
// below the other: their panels of form N follow each other. They change the arguments
// on the way. The assembly is generated with the offsets of its fields:
// after a change, run go generate in asm.
type Args struct {
	K       int      // form N: blocks of 16 steps; form T: steps; form D: steps of a segment; at least 1
	A       *float32 // panel, or the tile's first row within a panel of form T, or the first row
	B       *float32 // panel
	C       *float32 // first element of the tile, row-major
	LDC     int      // floats from a row of C to the next
	MR      int      // rows to store, at least 1; form T: at most TileRowsT()
	NR      int      // columns to store, 1..TileCols()
	Flags   int      // Accumulate, ReLU
	Bias    *float32 // TileCols() values to add to every row, or nil; forms N and D
	Res     *float32 // like C: values to add, or nil; forms N and D
	LDR     int      // floats from a row of Res to the next
	AStride int      // form T: floats from a step of A to the next (16 in a panel); form D: from a row of A to the next
	BStride int      // form T: floats from a step of B to the next (NR in a panel)

	Segs    int // form D: segments of k steps
	SegStep int // form D: floats from a segment of A to the next

	// Memory that will be wanted soon, to be brought into the second level
	// cache: NextStep bytes per block of form N (512 touches every line), per
	// step of form T (64) or per three steps of form D (192). nil when there is
	// none.
	Next     *float32
	NextStep int
}

// at returns p moved by i floats.
func at(p *float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), i*4))
}
