package winograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// winoProducts runs winoProduct with the set in use, between guards.
func winoProducts(t *testing.T, k, rows int, accumulate bool, seed uint64) []float32 {
	t.Helper()
	mr, nr := winoRows(), Cols()
	a, b := kerneltest.Normals(seed, k*gemm.KBlock*mr, 1), kerneltest.Normals(seed+1, k*gemm.KBlock*nr, 1)
	c, check := kerneltest.NanGuarded(t, fmt.Sprintf("%d rows, %d blocks", rows, k), rows*nr)
	if accumulate {
		copy(c, kerneltest.Normals(seed+2, len(c), 1))
	}
	winoProduct(k, &a[0], &b[0], &c[0], rows, accumulate)
	check()
	return c
}

// checkWinoProduct compares the assembly with the Go twin on the same panels,
// with every set: the twin takes the tile of the set.
func checkWinoProduct(t *testing.T, k, rows int, accumulate bool, seed uint64) {
	t.Helper()
	rows = 1 + (rows-1)%winoRows()
	got := winoProducts(t, k, rows, accumulate, seed)
	mr, nr := winoRows(), Cols()
	a, b := kerneltest.Normals(seed, k*gemm.KBlock*mr, 1), kerneltest.Normals(seed+1, k*gemm.KBlock*nr, 1)
	want := kerneltest.Normals(seed+2, rows*nr, 1)
	winoProductGo(k, &a[0], &b[0], &want[0], rows, accumulate)
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 1e-5*math.Sqrt(float64(k*gemm.KBlock))*(1+math.Abs(float64(w)))) {
			t.Fatalf("%s, %d rows, %d blocks, accumulate %v: element %d is %v, the Go twin has %v", isa.Active(), rows, k, accumulate, i, got[i], w)
		}
	}
}

func TestWinogradProduct(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for rows := 1; rows <= winoRows(); rows++ {
			for _, k := range []int{1, 2, 7} {
				checkWinoProduct(t, k, rows, false, 1)
				checkWinoProduct(t, k, rows, true, 1)
			}
		}
	})
}

func FuzzWinogradProduct(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(14), false)
	f.Add(uint64(2), uint8(9), uint8(5), true)
	f.Fuzz(func(t *testing.T, seed uint64, k, rows uint8, accumulate bool) {
		kerneltest.WithEachSet(func(s *isa.Set) {
			checkWinoProduct(t, 1+int(k%12), 1+int(rows%14), accumulate, seed)
		})
	})
}

// BenchmarkWinogradKernels measures each kernel on one tile or filter of 64
// channels that stays in the cache, with the set in use.
func BenchmarkWinogradKernels(b *testing.B) {
	const n, stride = 4, 64*winoLanes + winoXiPad
	src, dst := make([]float32, 6*6*64), mem.Floats(winoPoints*stride)
	for s := range winoShape(winoShapes) {
		name := fmt.Sprintf("%dx%d", s.rows(), s.cols())
		b.Run("input/"+name, func(b *testing.B) {
			for range b.N {
				winoInput(s, n, src, winoLanes, 6*64, 64, dst, winoLanes, stride)
			}
		})
		b.Run("grad/"+name, func(b *testing.B) {
			for range b.N {
				winoGrad(s, n, src, winoLanes, 4*64, 64, dst, winoLanes, stride)
			}
		})
		b.Run("output/"+name, func(b *testing.B) {
			for range b.N {
				winoOutput(s, 2, dst, winoLanes, stride, src, 4*64, 64, nil, nil, 0, 0, false, false)
			}
		})
	}
	b.Run("filter", func(b *testing.B) {
		for range b.N {
			winoFilter(n, src, winoLanes, 64, dst, winoLanes, stride)
		}
	})
	b.Run("filter gradient", func(b *testing.B) {
		for range b.N {
			winoFilterGrad(n, dst, winoLanes, stride, src, winoLanes, 64)
		}
	})
	b.Run("transpose", func(b *testing.B) {
		for range b.N {
			winoTranspose(1, src, 64, dst, 64)
		}
	})
	for _, rows := range []int{winoRows(), winoRows() - 1, winoRows() / 2} {
		b.Run(fmt.Sprintf("product/%d rows", rows), func(b *testing.B) {
			const k = 8
			x, u := mem.Floats(k*gemm.KBlock*winoRows()), mem.Floats(k*gemm.KBlock*Cols())
			for range b.N {
				winoProduct(k, &x[0], &u[0], &dst[0], rows, false)
			}
			b.ReportMetric(float64(2*k*gemm.KBlock*rows*Cols()*b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}
