package elementwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func BenchmarkCopy(b *testing.B) {
	kerneltest.BenchRows(b, 2, func(s, p [][]float32, rows, c int) {
		parallel.ChunksWith(rows*c, rowwise.FlatChunk, s, func(s *[][]float32, lo, hi int) { copy((*s)[1][lo:hi], (*s)[0][lo:hi]) })
	})
}

func BenchmarkSumRows(b *testing.B) {
	kerneltest.BenchRows(b, 1, func(s, p [][]float32, rows, c int) { SumRows(s[0], rows, c, p[0]) })
}

func BenchmarkReLUGrad(b *testing.B) {
	kerneltest.BenchRows(b, 3, func(s, p [][]float32, rows, c int) {
		(&ReLUGrad{X: s[1], Parts: []GradPart{{C: c, DZ: s[2], DBias: p[0]}}}).Backward(s[0], rows)
	})
}

func BenchmarkAdd(b *testing.B) {
	kerneltest.BenchRows(b, 3, func(s, p [][]float32, rows, c int) { Add(s[0], s[1], s[2]) })
}
