package gemm

import "unsafe"

// BlockCopy copies rows*blocks blocks of 16 floats, the moves that packing
// consists of: block i of row r goes from src + r*srcRow + i*64 to
// dst + r*dstRow + i*dstBlock, all in bytes, with scale not nil multiplied by the 16 factors
// at scale + i*64. With src nil the blocks of dst are cleared. rows and blocks are at least 1. The assembly is generated with the
// offsets of its fields: after a change, run go generate in asm.
type BlockCopy struct {
	Dst, Src, Scale  *float32
	Rows, Blocks     int
	DstRow, DstBlock int
	SrcRow           int
}

// copyBlocksGo is the portable form.
func copyBlocksGo(p *BlockCopy) {
	for r := range p.Rows {
		for i := range p.Blocks {
			d := (*[KBlock]float32)(unsafe.Add(unsafe.Pointer(p.Dst), r*p.DstRow+i*p.DstBlock))
			if p.Src == nil {
				*d = [KBlock]float32{}
				continue
			}
			*d = *(*[KBlock]float32)(unsafe.Add(unsafe.Pointer(p.Src), r*p.SrcRow+i*KBlock*4))
			if p.Scale != nil {
				for j, f := range (*[KBlock]float32)(unsafe.Add(unsafe.Pointer(p.Scale), i*KBlock*4)) {
					d[j] *= f
				}
			}
		}
	}
}

// transpose8Go is the portable form of transpose8: it writes the 8*n columns of
// 8 rows of src, ld floats apart, as 8*n rows of 8, nr floats apart. n is at
// least 1.
func transpose8Go(dst, src *float32, ld, nr, n int) {
	s := unsafe.Slice(src, 7*ld+8*n)
	d := unsafe.Slice(dst, (8*n-1)*nr+8)
	for j := range 8 {
		for i, v := range s[j*ld:][:8*n] {
			d[i*nr+j] = v
		}
	}
}
