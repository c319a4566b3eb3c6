package gemm

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
	"github.com/whippet-ml/whippet/rng"
)

// kernelCase is one call of a micro-kernel: sizes, and what the end of it does.
type kernelCase struct {
	k, mr, nr, ldc, ldr   int
	acc, bias, res, relu  bool
	seed                  uint64
	formT, strided, exact bool
	segs                  int // form D when above 0
}

// run compares the set's kernel with its Go twin, in guarded memory.
// With exact, all values are small integers, so that every order of the sums
// gives the same bits.
func (kc kernelCase) run(t testing.TB) {
	t.Helper()
	mrT, nrT := TileRows(), TileCols()
	kernel, twin, steps := FormN, GemmNGo, kc.k*KBlock
	as, bs := 0, 0
	aLen, bLen := kc.k*KBlock*mrT, kc.k*KBlock*nrT
	if kc.formT && kc.segs == 0 {
		mrT = TileRowsT()
		kernel, twin, steps = FormT, GemmTGo, kc.k
		as, bs = PanelT, nrT
		if kc.strided {
			as, bs = PanelT+5, nrT+9
		}
		aLen, bLen = (kc.k-1)*as+mrT, (kc.k-1)*bs+nrT
	}
	segStep := 0
	if kc.segs > 0 {
		kernel, twin, steps = FormD, gemmDGo, kc.k*kc.segs
		as, segStep = 6, 100
		if kc.strided {
			as, segStep = 64, 64*mrT
		}
		aLen, bLen = (kc.segs-1)*segStep+(mrT-1)*as+kc.k, kc.segs*kc.k*nrT
	}
	mr, nr := kc.mr, min(kc.nr, nrT)
	tiles := 1
	if kc.formT && kc.segs == 0 {
		mr = min(mr, mrT)
	} else if tiles = (mr + mrT - 1) / mrT; kc.segs > 0 {
		aLen += (tiles - 1) * mrT * as
	} else {
		aLen *= tiles
	}
	ldc, ldr := nr+kc.ldc, nr+kc.ldr
	s := rng.New(kc.seed)
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			if kc.exact {
				v[i] = float32(s.IntN(9) - 4)
			} else {
				v[i] = float32(s.Normal())
			}
		}
		return v
	}
	a, b, c0 := fill(aLen), fill(bLen), fill((mr-1)*ldc+nr)
	got, check := kerneltest.Guarded(t, "micro-kernel", len(c0))
	want := append([]float32(nil), c0...)
	copy(got, c0)
	g := Args{K: kc.k, A: &a[0], B: &b[0], C: &got[0], LDC: ldc, MR: mr, NR: nr, AStride: as, BStride: bs, Segs: kc.segs, SegStep: segStep}
	if kc.acc {
		g.Flags |= Accumulate
	}
	if !kc.formT || kc.segs > 0 {
		if kc.bias {
			g.Bias = &fill(nrT)[0]
		}
		if kc.res {
			g.Res, g.LDR = &fill((mr-1)*ldr + nr)[0], ldr
		}
		if kc.relu {
			g.Flags |= ReLU
		}
	}
	again := g
	kernel(&g)
	check()
	again.C = &want[0]
	twin(mrT, nrT, &again)
	tol := 4e-7 * math.Sqrt(float64(steps)) * 4
	for i, w := range want {
		col := i % ldc
		switch d := math.Abs(float64(got[i] - w)); {
		case col >= nr && got[i] != c0[i]:
			t.Fatalf("%s %+v: wrote %g to column %d, past the last (%d)", isa.Active(), kc, got[i], col, nr)
		case kc.exact && got[i] != w, !(d <= tol*(1+math.Abs(float64(w)))):
			t.Fatalf("%s %+v: row %d, column %d is %g, the Go twin has %g", isa.Active(), kc, i/ldc, col, got[i], w)
		}
	}
}

func TestMicroKernels(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, f := range []byte("NTD") {
			mrT, formT, segs := TileRows(), f == 'T', 0
			if f == 'D' {
				segs = 3
			}
			if formT {
				mrT = TileRowsT()
			}
			var rows []int
			for mr := 1; mr <= mrT; mr++ {
				rows = append(rows, mr)
			}
			if !formT {
				rows = append(rows, mrT+1, 2*mrT, 2*mrT+mrT/2+1) // several tiles
			}
			for _, mr := range rows {
				for nr := 1; nr <= TileCols(); nr++ {
					if mr > mrT && nr%5 != 1 && nr != TileCols() {
						continue // several tiles are one after the other, whatever their width
					}
					for form := range 16 {
						kernelCase{k: 1 + (mr+nr+form)%9, mr: mr, nr: nr, ldc: form % 3 * 7, ldr: form % 2 * 5,
							acc: form&1 != 0, bias: form&2 != 0, res: form&4 != 0, relu: form&8 != 0,
							seed: uint64(form), formT: formT, segs: segs, strided: form&2 != 0, exact: form&4 != 0}.run(t)
					}
				}
			}
		}
	})
}

// TestMicroKernelNaN checks that relu keeps a NaN, so that a diverged network
// is seen.
func TestMicroKernelNaN(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		a, b := make([]float32, KBlock*TileRows()), make([]float32, KBlock*TileCols())
		a[0], b[0] = float32(math.NaN()), 1
		c := make([]float32, TileCols())
		FormN(&Args{K: 1, A: &a[0], B: &b[0], C: &c[0], LDC: len(c), MR: 1, NR: len(c), Flags: ReLU})
		if c[0] == c[0] {
			t.Errorf("relu(NaN) = %g, want NaN", c[0])
		}
	})
}

func FuzzMicroKernels(f *testing.F) {
	f.Add(uint8(3), uint8(14), uint8(32), uint8(0), uint8(0), uint8(15), uint8(0), uint64(1))
	f.Add(uint8(255), uint8(1), uint8(17), uint8(3), uint8(9), uint8(255), uint8(0), uint64(2))
	f.Add(uint8(20), uint8(14), uint8(32), uint8(3), uint8(9), uint8(7), uint8(7), uint64(3))
	f.Fuzz(func(t *testing.T, k, mr, nr, ldc, ldr, form, segs uint8, seed uint64) {
		kc := kernelCase{k: 1 + int(k), mr: 1 + int(mr)%(3*MaxTileRows), nr: 1 + int(nr%MaxTileCols), ldc: int(ldc), ldr: int(ldr),
			acc: form&1 != 0, bias: form&2 != 0, res: form&4 != 0, relu: form&8 != 0, formT: form&16 != 0, strided: form&32 != 0,
			exact: form&64 == 0, segs: int(segs % 8), seed: seed}
		kerneltest.WithEachSet(func(s *isa.Set) {
			kc.run(t)
		})
	})
}

func BenchmarkMicroKernel(b *testing.B) {
	kerneltest.WithEachSet(func(s *isa.Set) {
		for _, k := range []int{64, 256, 576, 1152} {
			a, bb := ground.GetScratch(k*TileRows()*8), ground.GetScratch(k*TileCols())
			clear(a)
			clear(bb)
			c := make([]float32, 14*64)
			b.Run(fmt.Sprintf("%s/N/k=%d", s, k), func(b *testing.B) {
				for i := range b.N {
					FormN(&Args{K: k / KBlock, A: &a[i%8*k*TileRows()], B: &bb[0], C: &c[0], LDC: 64, MR: TileRows(), NR: TileCols()})
				}
				kerneltest.Rate(b, 2*k*TileRows()*TileCols())
			})
			b.Run(fmt.Sprintf("%s/T/k=%d", s, k), func(b *testing.B) {
				for range b.N {
					FormT(&Args{K: k, A: &a[0], B: &bb[0], C: &c[0], LDC: 64, MR: TileRowsT(), NR: TileCols(), AStride: PanelT, BStride: TileCols()})
				}
				kerneltest.Rate(b, 2*k*TileRowsT()*TileCols())
			})
		}
	})
}

// TestMicroKernelNonTemporal compares non-temporal stores with ordinary ones.
func TestMicroKernelNonTemporal(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		mr, nr, k := TileRows(), TileCols(), 3
		a, b := kerneltest.Randoms(1, k*KBlock*mr), kerneltest.Randoms(2, k*KBlock*nr)
		for rows := 1; rows <= mr; rows++ {
			for _, cols := range []int{nr, nr - 1, nr / 2, 1} {
				ldc := nr + KBlock
				got, want := mem.Floats(mr*ldc), make([]float32, mr*ldc)
				g := Args{K: k, A: &a[0], B: &b[0], C: &want[0], LDC: ldc, MR: rows, NR: cols}
				FormN(&g)
				g.C, g.Flags = &got[0], NonTemporal
				FormN(&g)
				ground.StoreFence()
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%d rows, %d columns: float %d is %g stored non-temporally, %g otherwise", rows, cols, i, got[i], want[i])
					}
				}
			}
		}
	})
}

// TestMicroKernelNext checks that prefetching changes no result, even at the
// end of what may be read.
func TestMicroKernelNext(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		mr, nr, k := TileRows(), TileCols(), 5
		a, b, c, want := kerneltest.Randoms(1, k*KBlock*mr), kerneltest.Randoms(2, k*KBlock*nr), make([]float32, mr*nr), make([]float32, mr*nr)
		g := Args{K: k, A: &a[0], B: &b[0], C: &want[0], LDC: nr, MR: mr, NR: nr}
		FormN(&g)
		g.C, g.Next, g.NextStep = &c[0], &a[len(a)-1], 512
		FormN(&g)
		for i := range want {
			if c[i] != want[i] {
				t.Fatalf("float %d is %g with prefetching, %g without", i, c[i], want[i])
			}
		}
	})
}
