package cpu

import "unsafe"

// blockCopy copies rows*blocks blocks of 16 floats, the moves that packing
// consists of: block i of row r goes from src + r*srcRow + i*64 to
// dst + r*dstRow + i*dstBlock, all in bytes. With src nil the blocks of dst are
// cleared. rows and blocks are at least 1. Assembly reads it by offset: every
// field has 8 bytes.
type blockCopy struct {
	dst, src         *float32
	rows, blocks     int
	dstRow, dstBlock int
	srcRow           int
}

// copyBlocksGo is the portable form.
func copyBlocksGo(p *blockCopy) {
	for r := range p.rows {
		for i := range p.blocks {
			d := (*[kBlock]float32)(unsafe.Add(unsafe.Pointer(p.dst), r*p.dstRow+i*p.dstBlock))
			if p.src == nil {
				*d = [kBlock]float32{}
			} else {
				*d = *(*[kBlock]float32)(unsafe.Add(unsafe.Pointer(p.src), r*p.srcRow+i*kBlock*4))
			}
		}
	}
}
