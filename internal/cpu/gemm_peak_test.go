//go:build amd64 && !noasm

package cpu

import "testing"

// BenchmarkFMAPeak measures what one core can do at best, the yardstick of the
// other benchmarks of the same run.
func BenchmarkFMAPeak(b *testing.B) {
	const n = 10000
	if Best() >= AVX512 {
		b.Run("avx512", func(b *testing.B) {
			for range b.N {
				fmaPeakAVX512(n)
			}
			rate(b, n*48*16*2)
		})
	}
	if Best() >= AVX2 {
		b.Run("avx2", func(b *testing.B) {
			for range b.N {
				fmaPeakAVX2(n)
			}
			rate(b, n*48*8*2)
		})
	}
}
