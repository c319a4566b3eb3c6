package cpu

import "unsafe"

// gemmNGo is the portable kernel of form N for any even tile height mrTile and
// any tile width nrTile that is a multiple of 4: it serves the tile of
// every instruction set.
func gemmNGo(mrTile, nrTile int, g *gemmArgs) {
	a := unsafe.Slice(g.a, g.k*kBlock*mrTile)
	b := unsafe.Slice(g.b, g.k*kBlock*nrTile)
	var tile [maxTileRows * maxTileCols]float32
	for r := 0; r < g.mr; r += 2 {
		for j := 0; j < g.nr; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for kb := range g.k {
				a0 := (*[kBlock]float32)(a[(kb*mrTile+r)*kBlock:])
				a1 := (*[kBlock]float32)(a[(kb*mrTile+r+1)*kBlock:])
				bb := b[kb*kBlock*nrTile+j:]
				for kk := range kBlock {
					v := (*[4]float32)(bb[kk*nrTile:])
					x0, x1 := a0[kk], a1[kk]
					s00 += x0 * v[0]
					s01 += x0 * v[1]
					s02 += x0 * v[2]
					s03 += x0 * v[3]
					s10 += x1 * v[0]
					s11 += x1 * v[1]
					s12 += x1 * v[2]
					s13 += x1 * v[3]
				}
			}
			*(*[4]float32)(tile[r*nrTile+j:]) = [4]float32{s00, s01, s02, s03}
			*(*[4]float32)(tile[(r+1)*nrTile+j:]) = [4]float32{s10, s11, s12, s13}
		}
	}
	gemmStoreGo(nrTile, tile[:], g)
}

// gemmTGo is the portable kernel of form T; see gemmNGo.
func gemmTGo(mrTile, nrTile int, g *gemmArgs) {
	a := unsafe.Slice(g.a, (g.k-1)*g.as+mrTile)
	b := unsafe.Slice(g.b, (g.k-1)*g.bs+nrTile)
	var tile [maxTileRows * maxTileCols]float32
	for r := 0; r < g.mr; r += 2 {
		for j := 0; j < g.nr; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for p := range g.k {
				u := (*[2]float32)(a[p*g.as+r:])
				v := (*[4]float32)(b[p*g.bs+j:])
				x0, x1 := u[0], u[1]
				s00 += x0 * v[0]
				s01 += x0 * v[1]
				s02 += x0 * v[2]
				s03 += x0 * v[3]
				s10 += x1 * v[0]
				s11 += x1 * v[1]
				s12 += x1 * v[2]
				s13 += x1 * v[3]
			}
			*(*[4]float32)(tile[r*nrTile+j:]) = [4]float32{s00, s01, s02, s03}
			*(*[4]float32)(tile[(r+1)*nrTile+j:]) = [4]float32{s10, s11, s12, s13}
		}
	}
	gemmStoreGo(nrTile, tile[:], g)
}

// gemmDGo is the portable kernel of form D; see gemmNGo.
func gemmDGo(mrTile, nrTile int, g *gemmArgs) {
	a := unsafe.Slice(g.a, (g.segs-1)*g.segStep+(mrTile-1)*g.as+g.k)
	b := unsafe.Slice(g.b, g.segs*g.k*nrTile)
	var tile [maxTileRows * maxTileCols]float32
	for r := 0; r < g.mr; r += 2 {
		for j := 0; j < g.nr; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for s := range g.segs {
				a0 := a[s*g.segStep+r*g.as:][:g.k]
				a1 := a[s*g.segStep+(r+1)*g.as:][:g.k]
				bb := b[s*g.k*nrTile+j:]
				for i, x0 := range a0 {
					v := (*[4]float32)(bb[i*nrTile:])
					x1 := a1[i]
					s00 += x0 * v[0]
					s01 += x0 * v[1]
					s02 += x0 * v[2]
					s03 += x0 * v[3]
					s10 += x1 * v[0]
					s11 += x1 * v[1]
					s12 += x1 * v[2]
					s13 += x1 * v[3]
				}
			}
			*(*[4]float32)(tile[r*nrTile+j:]) = [4]float32{s00, s01, s02, s03}
			*(*[4]float32)(tile[(r+1)*nrTile+j:]) = [4]float32{s10, s11, s12, s13}
		}
	}
	gemmStoreGo(nrTile, tile[:], g)
}

// gemmStoreGo is the end of a kernel: it takes the products of a whole tile and
// writes the mr x nr part of them that belongs to C.
func gemmStoreGo(nrTile int, tile []float32, g *gemmArgs) {
	for r := range g.mr {
		c := unsafe.Slice(at(g.c, r*g.ldc), g.nr)
		t := tile[r*nrTile:][:g.nr]
		if g.flags&gemmAccumulate != 0 {
			for j, v := range c {
				t[j] += v
			}
		}
		if g.bias != nil {
			for j, v := range unsafe.Slice(g.bias, g.nr) {
				t[j] += v
			}
		}
		if g.res != nil {
			for j, v := range unsafe.Slice(at(g.res, r*g.ldr), g.nr) {
				t[j] += v
			}
		}
		if g.flags&gemmReLU != 0 {
			for j, v := range t {
				if v < 0 {
					t[j] = 0
				}
			}
		}
		copy(c, t)
	}
}
