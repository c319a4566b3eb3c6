package cpu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// The shapes [rows, c] of ResNet-34's activations at batch 32 and 224 pixels.
var benchShapes = []shape{{32 * 112 * 112, 64}, {32 * 56 * 56, 64}, {32 * 28 * 28, 128}, {32 * 14 * 14, 256}, {32 * 7 * 7, 512}}

// benchSlices returns n slices of the given length with some values.
func benchSlices(n, length int) [][]float32 {
	s := make([][]float32, n)
	for i := range s {
		s[i] = mem.Floats(length)
		for k := range s[i] {
			s[i][k] = float32((k*7+i*13)%1001)/500 - 1
		}
	}
	return s
}

// benchRows runs op on every shape; streams is how many [rows, c] it reads and
// writes, for the rate. Compare with BenchmarkCopy: no pass over memory is
// faster than that.
func benchRows(b *testing.B, streams int, op func(s, p [][]float32, rows, c int)) {
	for _, l := range isa.Available() {
		for _, sh := range benchShapes {
			b.Run(fmt.Sprintf("%v/%v", l, sh), func(b *testing.B) {
				defer isa.Use(isa.Use(l))
				s, p := benchSlices(5, sh.rows*sh.c), benchSlices(8, sh.c)
				b.SetBytes(int64(streams) * 4 * int64(sh.rows) * int64(sh.c))
				b.ReportAllocs()
				for b.Loop() {
					op(s, p, sh.rows, sh.c)
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
		ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(s[0], s[1], Epilogue{Activation: RectifiedUnit})
	})
}

func BenchmarkScaleShiftAddReLU(b *testing.B) {
	benchRows(b, 3, func(s, p [][]float32, rows, c int) {
		ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(s[0], s[1], Epilogue{Residual: s[2], Activation: RectifiedUnit})
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

// The maximum pool after ResNet's first convolution, at batch 32.
func BenchmarkMaxPool(b *testing.B) {
	const n, h, c = 32, 112, 64
	x, y := benchSlices(1, n*h*h*c)[0], benchSlices(1, n*h*h*c/4)[0]
	arg := make([]uint8, len(y))
	for _, l := range isa.Available() {
		b.Run(fmt.Sprintf("forward/%v", l), func(b *testing.B) {
			defer isa.Use(isa.Use(l))
			b.SetBytes(int64(4*len(x) + 5*len(y)))
			for b.Loop() {
				Pool{N: n, H: h, W: h, C: c, K: 3, Stride: 2, Pad: 1, Ceil: false}.Forward(x, y, arg)
			}
		})
		b.Run(fmt.Sprintf("backward/%v", l), func(b *testing.B) {
			defer isa.Use(isa.Use(l))
			b.SetBytes(int64(4*len(x) + 5*len(y)))
			for b.Loop() {
				Pool{N: n, H: h, W: h, C: c, K: 3, Stride: 2, Pad: 1, Ceil: false}.Backward(y, arg, InputGrad{DX: x})
			}
		})
	}
}

// Adam over ResNet-34's 21.8 million parameters, as one slice.
func BenchmarkAdamStep(b *testing.B) {
	const n = 21_797_672
	s := benchSlices(4, n)
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
