//go:build amd64 && !noasm

package gemm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// BenchmarkFMAPeak measures what one core, and all of them together, can do at
// best: the yardstick of the other benchmarks of the same run.
func BenchmarkFMAPeak(b *testing.B) {
	const n = 10000
	if isa.AVX512.Available() {
		b.Run("avx512/threads", func(b *testing.B) {
			for range b.N {
				parallel.For(64, func(int) { fmaPeakAVX512(n / 10) })
			}
			kerneltest.Rate(b, 64*n/10*48*16*2)
		})
		b.Run("avx512", func(b *testing.B) {
			for range b.N {
				fmaPeakAVX512(n)
			}
			kerneltest.Rate(b, n*48*16*2)
		})
	}
	if isa.AVX2.Available() {
		b.Run("avx2", func(b *testing.B) {
			for range b.N {
				fmaPeakAVX2(n)
			}
			kerneltest.Rate(b, n*48*8*2)
		})
	}
}
