package cpu

// blocking is how a matrix product is cut into pieces, and these into blocks.
type blocking struct {
	rowPanels int // row panels of a block of A
	colPanels int // column panels of a piece
	kc        int // 16-step blocks of k packed at a time
	blocks    int // blocks of A that a piece computes one after another
}

const (
	// aBlockBytes bounds a block of A, so that it stays in the second level
	// cache (1 MB and up where AVX-512 is) beside B panels and the source of
	// the next one.
	aBlockBytes = 400 << 10
	// wholeRowsBytes bounds the result of a block of whole rows, for the same
	// reason.
	wholeRowsBytes = 128 << 10
	// maxRowPanels bounds the row panels of a block.
	maxRowPanels = 16
	// maxKC bounds the 16-step blocks of k packed at a time.
	maxKC = 72
	// wantPieces is how many pieces a product is cut into at least, if it can
	// be; manyPieces is how many are left when blocks are put together.
	wantPieces = 24
	manyPieces = 96
	// fewRowPanels is the most row panels that are left together, if there are
	// columns enough for fewPieces: B is larger than A then, and is read once.
	fewRowPanels = 4
	fewPieces    = 16
)

// cutWholeRows is cut for blocks of whole rows, which something else is done with
// when they are computed.
func cutWholeRows(rowPanels, colPanels, kBlocks int) blocking {
	b := cut(rowPanels, 1, kBlocks)
	b.colPanels = colPanels
	wide := colPanels * tileCols() * tileRows() * 4 // bytes of a row panel of the result
	b.rowPanels = min(b.rowPanels, max(1, wholeRowsBytes/wide))
	return b
}

// cut chooses the blocking of a product of the given row panels, column panels
// and blocks of k. It depends on the shape alone.
func cut(rowPanels, colPanels, kBlocks int) blocking {
	b := blocking{colPanels: colPanels, blocks: 1}
	b.kc = ceilDiv(kBlocks, ceilDiv(kBlocks, maxKC))
	b.rowPanels = min(maxRowPanels, max(1, aBlockBytes/(b.kc*kBlock*4*tileRows())))
	for ceilDiv(rowPanels, b.rowPanels)*ceilDiv(colPanels, b.colPanels) < wantPieces {
		switch {
		case rowPanels <= fewRowPanels && colPanels >= fewPieces:
			if b.rowPanels = rowPanels; b.colPanels > 1 {
				b.colPanels = (b.colPanels + 1) / 2
				continue
			}
		case b.rowPanels > 8:
			b.rowPanels = (b.rowPanels + 1) / 2
			continue
		case b.colPanels > 4:
			b.colPanels = (b.colPanels + 1) / 2
			continue
		case b.rowPanels > 2:
			b.rowPanels = (b.rowPanels + 1) / 2
			continue
		case b.colPanels > 1:
			b.colPanels = (b.colPanels + 1) / 2
			continue
		case b.rowPanels > 1:
			b.rowPanels = 1
			continue
		}
		break
	}
	// Even out: blocks and pieces of nearly equal size.
	b.rowPanels = ceilDiv(rowPanels, ceilDiv(rowPanels, b.rowPanels))
	b.colPanels = ceilDiv(colPanels, ceilDiv(colPanels, b.colPanels))
	b.blocks = min(8, max(1, ceilDiv(rowPanels, b.rowPanels)*ceilDiv(colPanels, b.colPanels)/manyPieces))
	return b
}
