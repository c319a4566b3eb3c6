package norm

import (
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func BenchmarkChannelStats(b *testing.B) {
	kerneltest.BenchRows(b, 1, func(s, p [][]float32, rows, c int) { ChannelStats(s[0], rows, c, p[0], p[1]) })
}

func BenchmarkScaleShiftReLU(b *testing.B) {
	kerneltest.BenchRows(b, 2, func(s, p [][]float32, rows, c int) {
		ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(s[0], s[1], elementwise.Epilogue{Activation: elementwise.ReLU})
	})
}

func BenchmarkScaleShiftAddReLU(b *testing.B) {
	kerneltest.BenchRows(b, 3, func(s, p [][]float32, rows, c int) {
		ScaleShift{Rows: rows, C: c, Scale: p[0], Shift: p[1]}.Apply(s[0], s[1], elementwise.Epilogue{Residual: s[2], Activation: elementwise.ReLU})
	})
}

func BenchmarkBatchNormReduce(b *testing.B) {
	var mask []uint16
	kerneltest.BenchRows(b, 2, func(s, p [][]float32, rows, c int) {
		mask = slices.Grow(mask[:0], MaskWords(rows, c))[:MaskWords(rows, c)]
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], DGamma: p[2], DBeta: p[3], Passed: Mask{Words: mask}}.Reduce(s[0], s[1])
	})
}

func BenchmarkBatchNormReLUReduce(b *testing.B) {
	kerneltest.BenchRows(b, 2, func(s, p [][]float32, rows, c int) {
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], DGamma: p[2], DBeta: p[3], Passed: Mask{Scale: p[4], Shift: p[5]}}.Reduce(s[0], s[1])
	})
}

func BenchmarkBatchNormGrad(b *testing.B) {
	kerneltest.BenchRows(b, 3, func(s, p [][]float32, rows, c int) {
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4]}.Grad(s[0], s[1], s[2], nil)
	})
}

func BenchmarkBatchNormGradRes(b *testing.B) {
	var mask []uint16
	kerneltest.BenchRows(b, 4, func(s, p [][]float32, rows, c int) {
		mask = slices.Grow(mask[:0], MaskWords(rows, c))[:MaskWords(rows, c)]
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: Mask{Words: mask}}.Grad(s[0], s[1], s[2], s[3])
	})
}

func BenchmarkBatchNormReLUGrad(b *testing.B) {
	kerneltest.BenchRows(b, 3, func(s, p [][]float32, rows, c int) {
		BatchNorm{Rows: rows, C: c, Mean: p[0], InvStd: p[1], Gamma: p[2], DGamma: p[3], DBeta: p[4], Passed: Mask{Scale: p[5], Shift: p[6]}}.Grad(s[0], s[1], s[3], nil)
	})
}
