package depthwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// BenchmarkKernels times the kernels on what is in the first level cache.
func BenchmarkKernels(b *testing.B) {
	n := block()
	x, w, y := make([]float32, 14*20*n), make([]float32, 50*n), make([]float32, 14*n)
	t := table.Active()
	for _, k := range []int{3, 5, 7} {
		b.Run("windows", func(b *testing.B) {
			a := windowArgs{x: &x[0], w: &w[0], bias: &w[0], y: &y[0], rows: k, cols: k, xSkip: (20 - k) * n, xStep: n, yStep: n, channels: n, groups: 2}
			for b.Loop() {
				t.windows(k, 1)(isa.Arg(&a))
			}
			b.ReportMetric(2*float64(14*n*k*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
	for _, g := range []struct {
		name        string
		taps, group int
		kernel      func(a *gradArgs)
	}{{"3x3", 9, fewOutputs, t.Grad3x3[0]}, {"2x5", 10, fewOutputs, t.Grad2x5[0]}, {"1x5", 5, fewOutputs, t.Grad1x5[0]}, {"1x7", 7, manyOutputs, t.Grad1x7[0]}, {"one", 1, 1, t.GradOne}} {
		b.Run("grads "+g.name, func(b *testing.B) {
			a := gradArgs{x: &x[0], dy: &y[0], dw: &w[0], rows: 1, groups: 14 / g.group, xRow: 20 * n, xStep: n}
			for b.Loop() {
				g.kernel(isa.Arg(&a))
			}
			b.ReportMetric(2*float64(14/g.group*g.group*n*g.taps)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
	b.Run("pack", func(b *testing.B) {
		from, to := make([]float32, 56*8*n), make([]float32, 60*8*n)
		a := packArgs{dense: &from[0], blocks: &to[0], pixels: 56, c: 8 * n, stride: 8 * n, blockStep: 60 * n}
		b.SetBytes(int64(4 * len(from)))
		for b.Loop() {
			t.Pack(isa.Arg(&a))
		}
	})
}
