package optimizer

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// Adam over ResNet-34's 21.8 million parameters, as one slice.
func BenchmarkAdamStep(b *testing.B) {
	const n = 21_797_672
	s := kerneltest.BenchSlices(4, n)
	for i := range s[3] {
		s[3][i] = 1e-4
	}
	for _, l := range isa.Available() {
		b.Run(l.String(), func(b *testing.B) {
			defer isa.Use(isa.Use(l))
			b.SetBytes(7 * 4 * n)
			for b.Loop() {
				Adam{LR: 1e-3, WD: 0.01, Mom: 0.9, SqrMom: 0.99, Eps: 1e-5, Debias1: 0.5, Debias2: 0.5}.Step(s[0], s[1], s[2], s[3])
			}
		})
	}
}
