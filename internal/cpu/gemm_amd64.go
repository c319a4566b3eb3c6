//go:build amd64 && !noasm

package cpu

// The assembly is generated: see asm/gemm.

func gemmNCall(g *gemmArgs) {
	switch level {
	case AVX512:
		gemmNAVX512(g)
	case AVX2:
		gemmNAVX2(g)
	default:
		gemmNGo(4, 8, g)
	}
}

func gemmTCall(g *gemmArgs) {
	switch level {
	case AVX512:
		gemmTAVX512(g)
	case AVX2:
		gemmTAVX2(g)
	default:
		gemmTGo(4, 8, g)
	}
}

func gemmDCall(g *gemmArgs) {
	switch level {
	case AVX512:
		gemmDAVX512(g)
	case AVX2:
		gemmDAVX2(g)
	default:
		gemmDGo(4, 8, g)
	}
}

func copyBlocks(p *blockCopy) {
	switch level {
	case AVX512:
		copyBlocksAVX512(p)
	case AVX2:
		copyBlocksAVX2(p)
	default:
		copyBlocksGo(p)
	}
}

func transpose8(dst, src *float32, ld, nr, n int) {
	if level >= AVX2 {
		transpose8AVX2(dst, src, ld, nr, n)
		return
	}
	transpose8Go(dst, src, ld, nr, n)
}
