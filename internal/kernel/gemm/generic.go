package gemm

import "unsafe"

// GemmNGo is the portable kernel of form N for any even tile height mrTile and
// any tile width nrTile that is a multiple of 4: it serves the tile of
// every instruction set.
func GemmNGo(mrTile, nrTile int, g *Args) {
	for ; g.MR > mrTile; g.nextTile(mrTile, g.K*KBlock*mrTile) {
		tileNGo(mrTile, nrTile, mrTile, g)
	}
	tileNGo(mrTile, nrTile, g.MR, g)
}

// tileNGo is GemmNGo for a tile, of whose rows some are stored.
func tileNGo(mrTile, nrTile, rows int, g *Args) {
	a := unsafe.Slice(g.A, g.K*KBlock*mrTile)
	b := unsafe.Slice(g.B, g.K*KBlock*nrTile)
	var tile [MaxTileRows * MaxTileCols]float32
	for r := 0; r < rows; r += 2 {
		for j := 0; j < g.NR; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for kb := range g.K {
				a0 := (*[KBlock]float32)(a[(kb*mrTile+r)*KBlock:])
				a1 := (*[KBlock]float32)(a[(kb*mrTile+r+1)*KBlock:])
				bb := b[kb*KBlock*nrTile+j:]
				for kk := range KBlock {
					v := (*[4]float32)(bb[kk*nrTile:])
					x0, x1 := a0[kk], a1[kk]
					s00 += float32(x0 * v[0])
					s01 += float32(x0 * v[1])
					s02 += float32(x0 * v[2])
					s03 += float32(x0 * v[3])
					s10 += float32(x1 * v[0])
					s11 += float32(x1 * v[1])
					s12 += float32(x1 * v[2])
					s13 += float32(x1 * v[3])
				}
			}
			*(*[4]float32)(tile[r*nrTile+j:]) = [4]float32{s00, s01, s02, s03}
			*(*[4]float32)(tile[(r+1)*nrTile+j:]) = [4]float32{s10, s11, s12, s13}
		}
	}
	gemmStoreGo(nrTile, tile[:], rows, g)
}

// GemmTGo is the portable kernel of form T; see GemmNGo.
func GemmTGo(mrTile, nrTile int, g *Args) {
	a := unsafe.Slice(g.A, (g.K-1)*g.AStride+(g.MR+1)&^1)
	b := unsafe.Slice(g.B, (g.K-1)*g.BStride+nrTile)
	var tile [MaxTileRows * MaxTileCols]float32
	for r := 0; r < g.MR; r += 2 {
		for j := 0; j < g.NR; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for p := range g.K {
				u := (*[2]float32)(a[p*g.AStride+r:])
				v := (*[4]float32)(b[p*g.BStride+j:])
				x0, x1 := u[0], u[1]
				s00 += float32(x0 * v[0])
				s01 += float32(x0 * v[1])
				s02 += float32(x0 * v[2])
				s03 += float32(x0 * v[3])
				s10 += float32(x1 * v[0])
				s11 += float32(x1 * v[1])
				s12 += float32(x1 * v[2])
				s13 += float32(x1 * v[3])
			}
			*(*[4]float32)(tile[r*nrTile+j:]) = [4]float32{s00, s01, s02, s03}
			*(*[4]float32)(tile[(r+1)*nrTile+j:]) = [4]float32{s10, s11, s12, s13}
		}
	}
	gemmStoreGo(nrTile, tile[:], g.MR, g)
}

// nextTile moves on to the tile of mrTile rows below, whose A is onA floats on.
func (g *Args) nextTile(mrTile, onA int) {
	g.MR -= mrTile
	g.A, g.C = at(g.A, onA), at(g.C, mrTile*g.LDC)
	if g.Res != nil {
		g.Res = at(g.Res, mrTile*g.LDR)
	}
}

// gemmDGo is the portable kernel of form D; see GemmNGo.
func gemmDGo(mrTile, nrTile int, g *Args) {
	for ; g.MR > mrTile; g.nextTile(mrTile, g.AStride*mrTile) {
		tileDGo(mrTile, nrTile, mrTile, g)
	}
	tileDGo(mrTile, nrTile, g.MR, g)
}

// tileDGo is gemmDGo for a tile, of whose rows some are stored.
func tileDGo(mrTile, nrTile, rows int, g *Args) {
	a := unsafe.Slice(g.A, (g.Segs-1)*g.SegStep+(mrTile-1)*g.AStride+g.K)
	b := unsafe.Slice(g.B, g.Segs*g.K*nrTile)
	var tile [MaxTileRows * MaxTileCols]float32
	for r := 0; r < rows; r += 2 {
		for j := 0; j < g.NR; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for s := range g.Segs {
				a0 := a[s*g.SegStep+r*g.AStride:][:g.K]
				a1 := a[s*g.SegStep+(r+1)*g.AStride:][:g.K]
				bb := b[s*g.K*nrTile+j:]
				for i, x0 := range a0 {
					v := (*[4]float32)(bb[i*nrTile:])
					x1 := a1[i]
					s00 += float32(x0 * v[0])
					s01 += float32(x0 * v[1])
					s02 += float32(x0 * v[2])
					s03 += float32(x0 * v[3])
					s10 += float32(x1 * v[0])
					s11 += float32(x1 * v[1])
					s12 += float32(x1 * v[2])
					s13 += float32(x1 * v[3])
				}
			}
			*(*[4]float32)(tile[r*nrTile+j:]) = [4]float32{s00, s01, s02, s03}
			*(*[4]float32)(tile[(r+1)*nrTile+j:]) = [4]float32{s10, s11, s12, s13}
		}
	}
	gemmStoreGo(nrTile, tile[:], rows, g)
}

// gemmStoreGo is the end of a kernel: it takes the products of a whole tile and
// writes the rows and columns of them that belong to C.
func gemmStoreGo(nrTile int, tile []float32, rows int, g *Args) {
	for r := range rows {
		c := unsafe.Slice(at(g.C, r*g.LDC), g.NR)
		t := tile[r*nrTile:][:g.NR]
		if g.Flags&Accumulate != 0 {
			for j, v := range c {
				t[j] += v
			}
		}
		if g.Bias != nil {
			for j, v := range unsafe.Slice(g.Bias, g.NR) {
				t[j] += v
			}
		}
		if g.Res != nil {
			for j, v := range unsafe.Slice(at(g.Res, r*g.LDR), g.NR) {
				t[j] += v
			}
		}
		if g.Flags&ReLU != 0 {
			for j, v := range t {
				if v < 0 {
					t[j] = 0
				}
			}
		}
		copy(c, t)
	}
}
