package conv

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// benchLayers are the convolutions, at 224x224, that are not 3x3 with stride 1
// (those are measured beside the Winograd kernels), and one that is.
var benchLayers = []struct {
	name string
	c    Conv
}{
	{"resnet/stem", Conv{H: 224, W: 224, C: 3, K: 64, KH: 7, KW: 7, Stride: 2, Pad: 3}},
	{"resnet34/64@56", Conv{H: 56, W: 56, C: 64, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"resnet34/64-128@56s2", Conv{H: 56, W: 56, C: 64, K: 128, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"resnet34/128-256@28s2", Conv{H: 28, W: 28, C: 128, K: 256, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"resnet34/256-512@14s2", Conv{H: 14, W: 14, C: 256, K: 512, KH: 3, KW: 3, Stride: 2, Pad: 1}},
	{"resnet34/down64-128", Conv{H: 56, W: 56, C: 64, K: 128, KH: 1, KW: 1, Stride: 2}},
	{"resnet34/down256-512", Conv{H: 14, W: 14, C: 256, K: 512, KH: 1, KW: 1, Stride: 2}},
	{"resnet50/64-64@56", Conv{H: 56, W: 56, C: 64, K: 64, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/64-256@56", Conv{H: 56, W: 56, C: 64, K: 256, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/256-64@56", Conv{H: 56, W: 56, C: 256, K: 64, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/512-128@28", Conv{H: 28, W: 28, C: 512, K: 128, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/128-512@28", Conv{H: 28, W: 28, C: 128, K: 512, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/1024-256@14", Conv{H: 14, W: 14, C: 1024, K: 256, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/256-1024@14", Conv{H: 14, W: 14, C: 256, K: 1024, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/2048-512@7", Conv{H: 7, W: 7, C: 2048, K: 512, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/512-2048@7", Conv{H: 7, W: 7, C: 512, K: 2048, KH: 1, KW: 1, Stride: 1}},
	{"resnet50/down1024-2048", Conv{H: 14, W: 14, C: 1024, K: 2048, KH: 1, KW: 1, Stride: 2}},
	{"squeezenet/stem", Conv{H: 224, W: 224, C: 3, K: 64, KH: 3, KW: 3, Stride: 2}},
	{"squeezenet/64-16@55", Conv{H: 55, W: 55, C: 64, K: 16, KH: 1, KW: 1, Stride: 1}},
	{"squeezenet/16-64@55", Conv{H: 55, W: 55, C: 16, K: 64, KH: 1, KW: 1, Stride: 1}},
	{"squeezenet/16-64x3@55", Conv{H: 55, W: 55, C: 16, K: 64, KH: 3, KW: 3, Stride: 1, Pad: 1}},
	{"squeezenet/256-32@27", Conv{H: 27, W: 27, C: 256, K: 32, KH: 1, KW: 1, Stride: 1}},
	{"squeezenet/64-256@13", Conv{H: 13, W: 13, C: 64, K: 256, KH: 1, KW: 1, Stride: 1}},
}

// BenchmarkConv measures the direct passes of each layer. WHIPPET_BENCH_BATCH
// sets the batch (32 when unset). The rate counts the direct form's operations.
func BenchmarkConv(b *testing.B) {
	defer winograd.Allow(winograd.Allow(false))
	batch := 32
	if s := os.Getenv("WHIPPET_BENCH_BATCH"); s != "" {
		batch, _ = strconv.Atoi(s)
	}
	for _, l := range benchLayers {
		c := l.c
		c.N = batch
		oh, ow := c.Out()
		x, w, y := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.KH*c.KW*c.C*c.K), kerneltest.Randoms(3, c.N*oh*ow*c.K)
		dx, dw := make([]float32, len(x)), make([]float32, len(w))
		packed := Pack(mem.Floats, c, w, make([]float32, c.K))
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { convForward(c, x, w, y) }},
			{"data", func() { c.BackwardData(y, w, elementwise.InputGrad{DX: dx}) }},
			{"weights", func() { c.BackwardWeights(x, y, dw) }},
			{"infer", func() {
				packed.Forward(c.N, c.H, c.W, x, y, elementwise.Epilogue{Activation: elementwise.ReLU})
			}},
		} {
			b.Run(fmt.Sprintf("%s/%s/threads=%d", l.name, pass.name, parallel.Threads()), func(b *testing.B) {
				pass.run() // fill the scratch lists
				b.ResetTimer()
				for range b.N {
					pass.run()
				}
				kerneltest.Rate(b, 2*len(y)*c.C*c.KH*c.KW)
			})
		}
	}
}
