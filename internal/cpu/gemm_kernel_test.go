package cpu

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/mem"
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
	mrT, nrT := tileRows(), tileCols()
	kernel, twin, steps := gemmN, gemmNGo, kc.k*kBlock
	as, bs := 0, 0
	aLen, bLen := kc.k*kBlock*mrT, kc.k*kBlock*nrT
	if kc.formT && kc.segs == 0 {
		mrT = tileRowsT()
		kernel, twin, steps = gemmT, gemmTGo, kc.k
		as, bs = panelT, nrT
		if kc.strided {
			as, bs = panelT+5, nrT+9
		}
		aLen, bLen = (kc.k-1)*as+mrT, (kc.k-1)*bs+nrT
	}
	segStep := 0
	if kc.segs > 0 {
		kernel, twin, steps = gemmD, gemmDGo, kc.k*kc.segs
		as, segStep = 6, 100
		if kc.strided {
			as, segStep = 64, 64*mrT
		}
		aLen, bLen = (kc.segs-1)*segStep+(mrT-1)*as+kc.k, kc.segs*kc.k*nrT
	}
	mr, nr := min(kc.mr, mrT), min(kc.nr, nrT)
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
	got, check := guarded(t, "micro-kernel", len(c0))
	want := append([]float32(nil), c0...)
	copy(got, c0)
	g := gemmArgs{k: kc.k, a: &a[0], b: &b[0], c: &got[0], ldc: ldc, mr: mr, nr: nr, as: as, bs: bs, segs: kc.segs, segStep: segStep}
	if kc.acc {
		g.flags |= gemmAccumulate
	}
	if !kc.formT || kc.segs > 0 {
		if kc.bias {
			g.bias = &fill(nrT)[0]
		}
		if kc.res {
			g.res, g.ldr = &fill((mr-1)*ldr + nr)[0], ldr
		}
		if kc.relu {
			g.flags |= gemmReLU
		}
	}
	kernel(&g)
	check()
	g.c = &want[0]
	twin(mrT, nrT, &g)
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
	eachSet(t, func(t *testing.T) {
		for _, f := range []byte("NTD") {
			mrT, formT, segs := tileRows(), f == 'T', 0
			if f == 'D' {
				segs = 3
			}
			if formT {
				mrT = tileRowsT()
			}
			for mr := 1; mr <= mrT; mr++ {
				for nr := 1; nr <= tileCols(); nr++ {
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
	eachSet(t, func(t *testing.T) {
		a, b := make([]float32, kBlock*tileRows()), make([]float32, kBlock*tileCols())
		a[0], b[0] = float32(math.NaN()), 1
		c := make([]float32, tileCols())
		gemmN(&gemmArgs{k: 1, a: &a[0], b: &b[0], c: &c[0], ldc: len(c), mr: 1, nr: len(c), flags: gemmReLU})
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
		kc := kernelCase{k: 1 + int(k), mr: 1 + int(mr%maxTileRows), nr: 1 + int(nr%maxTileCols), ldc: int(ldc), ldr: int(ldr),
			acc: form&1 != 0, bias: form&2 != 0, res: form&4 != 0, relu: form&8 != 0, formT: form&16 != 0, strided: form&32 != 0,
			exact: form&64 == 0, segs: int(segs % 8), seed: seed}
		withEachSet(func(s *isa.Set) {
			kc.run(t)
		})
	})
}

func BenchmarkMicroKernel(b *testing.B) {
	withEachSet(func(s *isa.Set) {
		for _, k := range []int{64, 256, 576, 1152} {
			a, bb := getScratch(k*tileRows()*8), getScratch(k*tileCols())
			clear(a)
			clear(bb)
			c := make([]float32, 14*64)
			b.Run(fmt.Sprintf("%s/N/k=%d", s, k), func(b *testing.B) {
				for i := range b.N {
					gemmN(&gemmArgs{k: k / kBlock, a: &a[i%8*k*tileRows()], b: &bb[0], c: &c[0], ldc: 64, mr: tileRows(), nr: tileCols()})
				}
				rate(b, 2*k*tileRows()*tileCols())
			})
			b.Run(fmt.Sprintf("%s/T/k=%d", s, k), func(b *testing.B) {
				for range b.N {
					gemmT(&gemmArgs{k: k, a: &a[0], b: &bb[0], c: &c[0], ldc: 64, mr: tileRowsT(), nr: tileCols(), as: panelT, bs: tileCols()})
				}
				rate(b, 2*k*tileRowsT()*tileCols())
			})
		}
	})
}

// rate reports floating-point operations per second, a multiply-add being two.
func rate(b *testing.B, flopsPerOp int) {
	b.ReportMetric(float64(flopsPerOp)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// TestMicroKernelNonTemporal compares non-temporal stores with ordinary ones.
func TestMicroKernelNonTemporal(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		mr, nr, k := tileRows(), tileCols(), 3
		a, b := randoms(1, k*kBlock*mr), randoms(2, k*kBlock*nr)
		for rows := 1; rows <= mr; rows++ {
			for _, cols := range []int{nr, nr - 1, nr / 2, 1} {
				ldc := nr + kBlock
				got, want := mem.Floats(mr*ldc), make([]float32, mr*ldc)
				g := gemmArgs{k: k, a: &a[0], b: &b[0], c: &want[0], ldc: ldc, mr: rows, nr: cols}
				gemmN(&g)
				g.c, g.flags = &got[0], gemmNonTemporal
				gemmN(&g)
				storeFence()
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
	eachSet(t, func(t *testing.T) {
		mr, nr, k := tileRows(), tileCols(), 5
		a, b, c, want := randoms(1, k*kBlock*mr), randoms(2, k*kBlock*nr), make([]float32, mr*nr), make([]float32, mr*nr)
		g := gemmArgs{k: k, a: &a[0], b: &b[0], c: &want[0], ldc: nr, mr: mr, nr: nr}
		gemmN(&g)
		g.c, g.next, g.nextStep = &c[0], &a[len(a)-1], 512
		gemmN(&g)
		for i := range want {
			if c[i] != want[i] {
				t.Fatalf("float %d is %g with prefetching, %g without", i, c[i], want[i])
			}
		}
	})
}
