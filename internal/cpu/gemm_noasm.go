//go:build !amd64 || noasm

package cpu

func gemmNCall(g *gemmArgs) { gemmNGo(4, 8, g) }

func gemmTCall(g *gemmArgs) { gemmTGo(4, 8, g) }

func gemmDCall(g *gemmArgs) { gemmDGo(4, 8, g) }

func copyBlocks(p *blockCopy) { copyBlocksGo(p) }

// storeFence has nothing to do: no portable kernel streams.
func storeFence() {}

func transpose8(dst, src *float32, ld, nr, n int) { transpose8Go(dst, src, ld, nr, n) }
