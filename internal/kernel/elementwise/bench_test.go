package elementwise

import (
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// The shapes [rows, c] of ResNet-34's activations at batch 32 and 224 pixels.
var benchShapes = []kerneltest.Shape{{Rows: 32 * 112 * 112, C: 64}, {Rows: 32 * 56 * 56, C: 64}, {Rows: 32 * 28 * 28, C: 128}, {Rows: 32 * 14 * 14, C: 256}, {Rows: 32 * 7 * 7, C: 512}}

// benchRows runs op on every shape; streams is how many [rows, c] it reads and
// writes, for the rate. Compare with BenchmarkCopy: no pass over memory is
// faster than that.
func benchRows(b *testing.B, streams int, op func(s, p [][]float32, rows, c int)) {
	for _, l := range isa.Available() {
		for _, sh := range benchShapes {
			b.Run(fmt.Sprintf("%v/%v", l, sh), func(b *testing.B) {
				defer isa.Use(isa.Use(l))
				s, p := kerneltest.BenchSlices(5, sh.Rows*sh.C), kerneltest.BenchSlices(8, sh.C)
				b.SetBytes(int64(streams) * 4 * int64(sh.Rows) * int64(sh.C))
				b.ReportAllocs()
				for b.Loop() {
					op(s, p, sh.Rows, sh.C)
				}
			})
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	benchRows(b, 2, func(s, p [][]float32, rows, c int) {
		parallel.ChunksWith(rows*c, flatChunk, s, func(s *[][]float32, lo, hi int) { copy((*s)[1][lo:hi], (*s)[0][lo:hi]) })
	})
}

func BenchmarkChannelStats(b *testing.B) {
	benchRows(b, 1, func(s, p [][]float32, rows, c int) { ChannelStats(s[0], rows, c, p[0], p[1]) })
}

func BenchmarkScaleShiftReLU(b *testing.B) {
	benchRows(b, 2, func(s, p [][]float32, rows, c int) {
		ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(s[0], s[1], Epilogue{Activation: ReLU})
	})
}

func BenchmarkScaleShiftAddReLU(b *testing.B) {
	benchRows(b, 3, func(s, p [][]float32, rows, c int) {
		ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(s[0], s[1], Epilogue{Residual: s[2], Activation: ReLU})
	})
}

func BenchmarkBatchNormReduce(b *testing.B) {
	var mask []uint16
	benchRows(b, 2, func(s, p [][]float32, rows, c int) {
		mask = slices.Grow(mask[:0], MaskWords(rows, c))[:MaskWords(rows, c)]
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], DGamma: p[2], DBeta: p[3], Passed: Mask{Words: mask}}.Reduce(s[0], s[1])
	})
}

func BenchmarkBatchNormReLUReduce(b *testing.B) {
	benchRows(b, 2, func(s, p [][]float32, rows, c int) {
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], DGamma: p[2], DBeta: p[3], Passed: Mask{Scale: p[4], Shift: p[5]}}.Reduce(s[0], s[1])
	})
}

func BenchmarkBatchNormGrad(b *testing.B) {
	benchRows(b, 3, func(s, p [][]float32, rows, c int) {
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4]}.Grad(s[0], s[1], s[2], nil)
	})
}

func BenchmarkBatchNormGradRes(b *testing.B) {
	var mask []uint16
	benchRows(b, 4, func(s, p [][]float32, rows, c int) {
		mask = slices.Grow(mask[:0], MaskWords(rows, c))[:MaskWords(rows, c)]
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: Mask{Words: mask}}.Grad(s[0], s[1], s[2], s[3])
	})
}

func BenchmarkBatchNormReLUGrad(b *testing.B) {
	benchRows(b, 3, func(s, p [][]float32, rows, c int) {
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: Mask{Scale: p[5], Shift: p[6]}}.Grad(s[0], s[1], s[3], nil)
	})
}

func BenchmarkSumRows(b *testing.B) {
	benchRows(b, 1, func(s, p [][]float32, rows, c int) { SumRows(s[0], rows, c, p[0]) })
}

func BenchmarkReLUGrad(b *testing.B) {
	benchRows(b, 3, func(s, p [][]float32, rows, c int) {
		(&ReLUGrad{X: s[1], Parts: []GradPart{{C: c, DZ: s[2], DBias: p[0]}}}).Backward(s[0], rows)
	})
}

func BenchmarkAdd(b *testing.B) {
	benchRows(b, 3, func(s, p [][]float32, rows, c int) { Add(s[0], s[1], s[2]) })
}

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
