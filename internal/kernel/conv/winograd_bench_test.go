package conv

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// winoBenchLayers are the shapes of the 3x3 convolutions with stride 1 that
// ResNet-34 (all four) and SqueezeNet 1.1 (the others) run at 224x224.
var winoBenchLayers = []Conv{
	{H: 56, W: 56, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 28, W: 28, C: 128, K: 128, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 14, W: 14, C: 256, K: 256, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 7, W: 7, C: 512, K: 512, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 55, W: 55, C: 16, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 27, W: 27, C: 32, K: 128, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 13, W: 13, C: 48, K: 192, KH: 3, KW: 3, Stride: 1, Pad: 1},
	{H: 13, W: 13, C: 64, K: 256, KH: 3, KW: 3, Stride: 1, Pad: 1},
}

// BenchmarkWinograd measures the passes of each layer, Winograd and direct in
// turn so that both see the same machine. It reports the best time of each, in
// effective GFLOP/s (the operations of the direct sum), and their ratio.
// WHIPPET_BENCH_BATCH sets the batch (32 when unset).
func BenchmarkWinograd(b *testing.B) {
	batch := 32
	if s := os.Getenv("WHIPPET_BENCH_BATCH"); s != "" {
		fmt.Sscan(s, &batch)
	}
	for _, c := range winoBenchLayers {
		c.N = batch
		oh, ow := c.Out()
		x, w, y := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K), kerneltest.Randoms(3, c.N*oh*ow*c.K)
		out, dx, dw := make([]float32, len(y)), make([]float32, len(x)), make([]float32, len(w))
		bias := make([]float32, c.K) // a multiple of every panel
		direct := Pack(mem.Floats, c, w, bias)
		packed := direct.packWinograd()
		for _, p := range []struct {
			name              string
			winograd, compare func()
		}{
			{"forward", func() { winogradPlain(c, x, w, out) }, func() {
				defer winograd.Allow(winograd.Allow(false))
				convForward(c, x, w, out)
			}},
			{"data", func() { winograd.BackwardData(ground.ConvShape(c), y, w, dx, false) }, func() { directBackwardData(c, y, w, dx) }},
			{"weights", func() { winograd.BackwardWeights(ground.ConvShape(c), x, y, dw) }, func() { directBackwardWeights(c, x, y, dw) }},
			{"infer", func() { packed.Forward(c.N, c.H, c.W, x, winograd.Epilogue{Y: out, YStride: c.K, ReLU: true}) },
				func() {
					defer winograd.Allow(winograd.Allow(false))
					direct.Forward(c.N, c.H, c.W, x, out, elementwise.Epilogue{Residual: nil, Activation: act(true), Stride: c.K})
				}},
		} {
			b.Run(fmt.Sprintf("%d-%d@%d/%s/threads=%d", c.C, c.K, c.H, p.name, parallel.Threads()), func(b *testing.B) {
				best := [2]float64{math.Inf(1), math.Inf(1)}
				for range b.N {
					for i, f := range []func(){p.winograd, p.compare} {
						t := time.Now()
						f()
						best[i] = min(best[i], time.Since(t).Seconds())
					}
				}
				flops := 2 * float64(len(y)*c.C*9)
				b.ReportMetric(flops/best[0]/1e9, "GFLOP/s")
				b.ReportMetric(best[0]*1e3, "ms")
				b.ReportMetric(best[1]/best[0], "x-direct")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
