package gemm

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Blocking is how a matrix product is cut into pieces, and these into blocks.
type Blocking struct {
	RowPanels int // row panels of a block of A
	ColPanels int // column panels of a piece
	KC        int // 16-step blocks of k packed at a time
	Blocks    int // blocks of A that a piece computes one after another
}

const (
	// aBlockBytes bounds a block of A, so that it stays in the second level
	// cache (1 MB and up where AVX-512 is) beside B panels and the source of
	// the next one.
	aBlockBytes = 400 << 10
	// wholeRowsBytes bounds the result of a block of whole rows, for the same
	// reason.
	wholeRowsBytes = 128 << 10
	// MaxRowPanels bounds the row panels of a block.
	MaxRowPanels = 16
	// maxKC bounds the 16-step blocks of k packed at a time.
	maxKC = 72
	// wantPieces is how many pieces a product is cut into at least, if it can
	// be; manyPieces is how many are left when blocks are put together.
	wantPieces = 24
	manyPieces = 96
	// threadPieces is how many pieces each thread has at least, of a product whose bits do not depend on it.
	threadPieces = 6
	// leastOwn to mostOwn row panels for each thread are one block: of more rows than those, or with more threads, pieces
	// take turns at the rows.
	leastOwn = 4
	mostOwn  = 8
	// fewRowPanels is the most row panels that are left together, if there are
	// columns enough for fewPieces: B is larger than A then, and is read once.
	fewRowPanels = 4
	fewPieces    = 16
)

// CutWholeRows is Cut for blocks of whole rows, which something else is done with
// when they are computed.
func CutWholeRows(rowPanels, colPanels, kBlocks int) Blocking {
	b := Cut(rowPanels, 1, kBlocks)
	b.ColPanels = colPanels
	wide := colPanels * TileCols() * TileRows() * 4 // bytes of a row panel of the result
	b.RowPanels = min(b.RowPanels, max(1, wholeRowsBytes/wide))
	return b
}

// CutAlone is Cut for a product that one thread computes.
func CutAlone(rowPanels, colPanels, kBlocks int) Blocking {
	b := largest(colPanels, kBlocks)
	b.RowPanels = ground.CeilDiv(rowPanels, ground.CeilDiv(rowPanels, b.RowPanels))
	return b
}

// largest is the blocking with the largest pieces.
func largest(colPanels, kBlocks int) Blocking {
	b := Blocking{ColPanels: colPanels, Blocks: 1}
	b.KC = ground.CeilDiv(kBlocks, ground.CeilDiv(kBlocks, maxKC))
	b.RowPanels = min(MaxRowPanels, max(1, aBlockBytes/(b.KC*KBlock*4*TileRows())))
	return b
}

// Cut chooses the blocking of a product of the given row panels, column panels
// and blocks of k. It depends on the shape alone.
func Cut(rowPanels, colPanels, kBlocks int) Blocking {
	return cut(rowPanels, colPanels, kBlocks, wantPieces)
}

// CutForThreads is Cut for a product whose bits do not depend on how it is cut: few threads get
// fewer and larger pieces. Where a block can have all rows of a thread, as with one picture's maps of 14×14 and two
// threads, only columns are cut: each panel of B is then read once by a thread, and for many rows.
func CutForThreads(rowPanels, colPanels, kBlocks int) Blocking {
	threads := parallel.Threads()
	want := min(wantPieces, threadPieces*threads)
	if own := ground.CeilDiv(rowPanels, threads); rowPanels > fewRowPanels && own >= leastOwn && own <= mostOwn {
		b := largest(colPanels, kBlocks)
		b.RowPanels = own
		b.ColPanels = min(colPanels, max(2, ground.CeilDiv(colPanels, ground.CeilDiv(want, threads))))
		return b.even(rowPanels, colPanels)
	}
	return cut(rowPanels, colPanels, kBlocks, want)
}

func cut(rowPanels, colPanels, kBlocks, want int) Blocking {
	b := largest(colPanels, kBlocks)
	for ground.CeilDiv(rowPanels, b.RowPanels)*ground.CeilDiv(colPanels, b.ColPanels) < want {
		switch {
		case rowPanels <= fewRowPanels && colPanels >= fewPieces:
			if b.RowPanels = rowPanels; b.ColPanels > 1 {
				b.ColPanels = (b.ColPanels + 1) / 2
				continue
			}
		case b.RowPanels > 8:
			b.RowPanels = (b.RowPanels + 1) / 2
			continue
		case b.ColPanels > 4:
			b.ColPanels = (b.ColPanels + 1) / 2
			continue
		case b.RowPanels > 2:
			b.RowPanels = (b.RowPanels + 1) / 2
			continue
		case b.ColPanels > 1:
			b.ColPanels = (b.ColPanels + 1) / 2
			continue
		case b.RowPanels > 1:
			b.RowPanels = 1
			continue
		}
		break
	}
	return b.even(rowPanels, colPanels)
}

// even makes blocks and pieces of nearly equal size.
func (b Blocking) even(rowPanels, colPanels int) Blocking {
	b.RowPanels = ground.CeilDiv(rowPanels, ground.CeilDiv(rowPanels, b.RowPanels))
	b.ColPanels = ground.CeilDiv(colPanels, ground.CeilDiv(colPanels, b.ColPanels))
	b.Blocks = min(8, max(1, ground.CeilDiv(rowPanels, b.RowPanels)*ground.CeilDiv(colPanels, b.ColPanels)/manyPieces))
	return b
}
