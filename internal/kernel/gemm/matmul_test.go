package gemm

import (
	"fmt"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestMatMul(t *testing.T) {
	sizes := [][3]int{
		{1, 1, 1}, {64, 512, 1024}, {64, 37, 512}, {1024, 512, 64}, {1, 1000, 512}, {3, 5, 7}, {17, 33, 31},
		{13, 64, 16}, {14, 32, 16}, {15, 31, 17}, {29, 97, 1300}, {100, 3, 2}, {2, 3, 0},
	}
	products := map[string][]float64{} // computed once for all sets
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, s := range sizes {
			m, n, k := s[0], s[1], s[2]
			a, b, c0 := kerneltest.Randoms(1, m*k), kerneltest.Randoms(2, k*n), kerneltest.Randoms(3, m*n)
			for form := range 8 {
				transA, transB, acc := form&1 != 0, form&2 != 0, form&4 != 0
				name := fmt.Sprintf("%dx%dx%d transA=%v transB=%v accumulate=%v", m, n, k, transA, transB, acc)
				t.Run(name, func(t *testing.T) {
					want := products[name]
					if want == nil {
						want = make([]float64, m*n)
						for i := range m {
							for j := range n {
								var s float64
								for p := range k {
									ai, bi := i*k+p, p*n+j
									if transA {
										ai = p*m + i
									}
									if transB {
										bi = j*k + p
									}
									s += float64(a[ai]) * float64(b[bi])
								}
								if acc {
									s += float64(c0[i*n+j])
								}
								want[i*n+j] = s
							}
						}
						products[name] = want
					}
					c, check := kerneltest.Guarded(t, "MatMul", m*n)
					copy(c, c0)
					MatMul{M: m, N: n, K: k, TransA: transA, TransB: transB, Accumulate: acc}.Multiply(a, b, c)
					check()
					if e := kerneltest.RelL2(c, want); !(e <= 2e-6) {
						t.Errorf("relative L2 error %.3g, want at most %.3g", e, 2e-6)
					}
				})
			}
		}
	})
}

// BenchmarkMatMul measures the products of the head's linear layers, at batch
// 64: forward, gradient of the input, gradient of the weights.
func BenchmarkMatMul(b *testing.B) {
	for _, s := range []struct {
		m, n, k        int
		transA, transB bool
	}{
		{64, 512, 1024, false, true}, {64, 1024, 512, false, false}, {512, 1024, 64, true, false},
		{64, 37, 512, false, true}, {64, 512, 37, false, false}, {37, 512, 64, true, false},
		{1, 1000, 512, false, true}, {2048, 2048, 2048, false, false},
	} {
		x, y, z := kerneltest.Randoms(1, s.m*s.k), kerneltest.Randoms(2, s.k*s.n), make([]float32, s.m*s.n)
		b.Run(fmt.Sprintf("%dx%dx%d", s.m, s.n, s.k), func(b *testing.B) {
			for range b.N {
				MatMul{M: s.m, N: s.n, K: s.k, TransA: s.transA, TransB: s.transB}.Multiply(x, y, z)
			}
			kerneltest.Rate(b, 2*s.m*s.n*s.k)
		})
	}
}
