package conv

import (
	"fmt"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// groupedLayers are grouped convolutions of RegNets and ResNeXts at 224x224.
var groupedLayers = []struct {
	name string
	c    Grouped
}{
	{"regnety1.6/48@56", Grouped{H: 56, W: 56, C: 48, K: 48, Groups: 2, Stride: 1}},
	{"regnety1.6/120@28", Grouped{H: 28, W: 28, C: 120, K: 120, Groups: 5, Stride: 1}},
	{"regnety1.6/336@28s2", Grouped{H: 28, W: 28, C: 336, K: 336, Groups: 14, Stride: 2}},
	{"regnety1.6/336@14", Grouped{H: 14, W: 14, C: 336, K: 336, Groups: 14, Stride: 1}},
	{"regnety1.6/888@7", Grouped{H: 7, W: 7, C: 888, K: 888, Groups: 37, Stride: 1}},
	{"regnety400/208@14", Grouped{H: 14, W: 14, C: 208, K: 208, Groups: 26, Stride: 1}},
	{"regnety800/320@14", Grouped{H: 14, W: 14, C: 320, K: 320, Groups: 20, Stride: 1}},
	{"regnetx3.2/432@14", Grouped{H: 14, W: 14, C: 432, K: 432, Groups: 9, Stride: 1}},
	{"resnext50/128@56", Grouped{H: 56, W: 56, C: 128, K: 128, Groups: 32, Stride: 1}},
	{"resnext50/512@14", Grouped{H: 14, W: 14, C: 512, K: 512, Groups: 32, Stride: 1}},
}

// BenchmarkGrouped measures the passes of each layer, 3x3 with padding 1, at batch 8,
// and inference at batch 1. The rate counts the operations within the groups.
func BenchmarkGrouped(b *testing.B) {
	for _, l := range groupedLayers {
		c := l.c
		c.N, c.KH, c.KW, c.Pad = 8, 3, 3, around(1)
		oh, ow := c.Out()
		x, w, y := kerneltest.Randoms(1, c.N*c.H*c.W*c.C), kerneltest.Randoms(2, c.weights()), kerneltest.Randoms(3, c.N*oh*ow*c.K)
		dx, dw := make([]float32, len(x)), make([]float32, len(w))
		packed := PackGrouped(mem.Floats, c, w, make([]float32, c.K))
		var many []*PackedGrouped // 40 MB of the same weights, as many as a network has and no cache
		for range 10<<20/len(packed.packed) + 1 {
			many = append(many, PackGrouped(mem.Floats, c, w, make([]float32, c.K)))
		}
		at := 0
		for _, pass := range []struct {
			name  string
			batch int
			run   func()
		}{
			{"forward", c.N, func() { c.Forward(x, w, y, elementwise.Epilogue{}) }},
			{"data", c.N, func() { c.BackwardData(y, w, dx, false) }},
			{"weights", c.N, func() { c.BackwardWeights(x, y, dw) }},
			{"infer1", 1, func() {
				packed.Forward(1, c.H, c.W, c.Pad, x[:len(x)/c.N], y[:len(y)/c.N], elementwise.Epilogue{Activation: elementwise.ReLU})
			}},
			{"infer1cold", 1, func() {
				at = (at + 1) % len(many)
				many[at].Forward(1, c.H, c.W, c.Pad, x[:len(x)/c.N], y[:len(y)/c.N], elementwise.Epilogue{Activation: elementwise.ReLU})
			}},
		} {
			b.Run(fmt.Sprintf("%s/%s/threads=%d", l.name, pass.name, parallel.Threads()), func(b *testing.B) {
				pass.run() // fill the scratch lists
				b.ResetTimer()
				for range b.N {
					pass.run()
				}
				kerneltest.Rate(b, 2*len(y)/c.N*pass.batch*c.C/c.Groups*c.KH*c.KW)
			})
		}
	}
}
