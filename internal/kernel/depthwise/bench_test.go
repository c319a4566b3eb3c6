package depthwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// The depthwise layers of MobileNetV3-Large and EfficientNet-B0, and of
// ConvNeXt-T with 7x7 windows.
var benchmarks = []Conv{
	{N: 8, H: 112, W: 112, C: 64, KH: 3, KW: 3, Stride: 2, Pad: even(1)},
	{N: 8, H: 56, W: 56, C: 144, KH: 3, KW: 3, Stride: 1, Pad: even(1)},
	{N: 8, H: 28, W: 28, C: 240, KH: 5, KW: 5, Stride: 1, Pad: even(2)},
	{N: 8, H: 14, W: 14, C: 672, KH: 5, KW: 5, Stride: 1, Pad: even(2)},
	{N: 8, H: 7, W: 7, C: 960, KH: 5, KW: 5, Stride: 1, Pad: even(2)},
	{N: 8, H: 56, W: 56, C: 96, KH: 7, KW: 7, Stride: 1, Pad: even(3)},
	{N: 8, H: 7, W: 7, C: 768, KH: 7, KW: 7, Stride: 1, Pad: even(3)},
}

// BenchmarkConv times the passes, and says besides GFLOP/s how many GB/s of maps and
// weights go through once.
func BenchmarkConv(b *testing.B) {
	for _, c := range benchmarks {
		oh, ow := c.Out()
		outs := c.N * oh * ow * c.C
		x, w, y := make([]float32, c.N*c.H*c.W*c.C), make([]float32, c.KH*c.KW*c.C), make([]float32, outs)
		dx, dw := make([]float32, len(x)), make([]float32, len(w))
		for i := range x {
			x[i] = float32(i%7) - 3
		}
		for i := range w {
			w[i] = float32(i%5) - 2
		}
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { c.Forward(x, w, nil, y, elementwise.Identity) }},
			{"data", func() { c.BackwardData(y, w, dx) }},
			{"weights", func() { c.BackwardWeights(x, y, dw) }},
		} {
			b.Run(c.String()+"/"+pass.name, func(b *testing.B) {
				b.SetBytes(int64(4 * (len(x) + len(y))))
				for b.Loop() {
					pass.run()
				}
				b.ReportMetric(2*float64(outs*c.KH*c.KW)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
