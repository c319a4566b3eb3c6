package kerneltest

import (
	"fmt"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// The shapes [rows, c] of ResNet-34's activations at batch 32 and 224 pixels.
var benchShapes = []Shape{{Rows: 32 * 112 * 112, C: 64}, {Rows: 32 * 56 * 56, C: 64}, {Rows: 32 * 28 * 28, C: 128}, {Rows: 32 * 14 * 14, C: 256}, {Rows: 32 * 7 * 7, C: 512}}

// BenchRows runs op on every shape; streams is how many [rows, c] it reads and
// writes, for the rate. Compare with BenchmarkCopy of package elementwise: no pass over memory is
// faster than that.
func BenchRows(b *testing.B, streams int, op func(s, p [][]float32, rows, c int)) {
	for _, l := range isa.Available() {
		for _, sh := range benchShapes {
			b.Run(fmt.Sprintf("%v/%v", l, sh), func(b *testing.B) {
				defer isa.Use(isa.Use(l))
				s, p := BenchSlices(5, sh.Rows*sh.C), BenchSlices(8, sh.C)
				b.SetBytes(int64(streams) * 4 * int64(sh.Rows) * int64(sh.C))
				b.ReportAllocs()
				for b.Loop() {
					op(s, p, sh.Rows, sh.C)
				}
			})
		}
	}
}
