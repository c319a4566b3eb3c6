package models

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// ShuffleNet V2 (Ma et al. 2018, https://arxiv.org/abs/1807.11164), as torchvision
// builds it. fastai, which looks for the last pool of a network that it does not know,
// would cut these behind the first convolution; here the body is all but the head.
var (
	ShuffleNetV2x0_5 = builtin(shuffleNet("shufflenet_v2_x0_5", [4]int{48, 96, 192, 1024}, torchvision("IMAGENET1K_V1", "shufflenetv2_x0.5-f707e7126e.pth", 256)))
	ShuffleNetV2x1_0 = builtin(shuffleNet("shufflenet_v2_x1_0", [4]int{116, 232, 464, 1024}, torchvision("IMAGENET1K_V1", "shufflenetv2_x1-5666bf0f80.pth", 256)))
	ShuffleNetV2x1_5 = builtin(shuffleNet("shufflenet_v2_x1_5", [4]int{176, 352, 704, 1024}, torchvision("IMAGENET1K_V1", "shufflenetv2_x1_5-3c479a10.pth", 232)))
	ShuffleNetV2x2_0 = builtin(shuffleNet("shufflenet_v2_x2_0", [4]int{244, 488, 976, 2048}, torchvision("IMAGENET1K_V1", "shufflenetv2_x2_0-8be3c8ee.pth", 232)))
)

// shuffleNet builds the family: channels are those of the three stages and of the last
// convolution.
func shuffleNet(name string, channels [4]int, w ...Published) *Architecture {
	return &Architecture{
		Name: name, Features: channels[3], Weights: w, Init: initShuffleNet,
		Layers: Layers{Blocks: `stage(\d)\.(\d+)`},
		Units: func() *nn.Sequential {
			const stem = 24
			c := convNorm{eps: 1e-5, momentum: 0.1, activation: op.ReLU}
			units := []nn.Child{
				{Name: "conv1", Module: c.dense(3, stem, 3, 2)},
				{Name: "maxpool", Module: nn.MaxPool2d{Kernel: 3, Stride: 2, Pad: 1}},
			}
			in := stem
			for i, blocks := range []int{4, 8, 4} {
				var stage []nn.Module
				for k := range blocks {
					stride := 1
					if k == 0 {
						stride = 2
					}
					stage = append(stage, newShuffleBlock(in, channels[i], stride))
					in = channels[i]
				}
				units = append(units, nn.Child{Name: fmt.Sprint("stage", i+2), Module: nn.NewSequential(stage...)})
			}
			return nn.NewNamed(append(units, nn.Child{Name: "conv5", Module: c.dense(in, channels[3], 1, 1)})...)
		},
	}
}

// shuffleBlock halves its channels: one half stays, the other goes through branch2, and
// the results are interleaved. With a stride both branches read all channels.
type shuffleBlock struct {
	branch1 *nn.Sequential // nil where half of the channels stay
	branch2 *nn.Sequential
	half    int // of the result's channels
}

func newShuffleBlock(in, out, stride int) *shuffleBlock {
	half, pad := out/2, op.Padding{Rows: 1, Cols: 1}
	b := &shuffleBlock{half: half}
	if stride > 1 {
		b.branch1 = nn.NewSequential(
			nn.NewDepthwiseConv2d(in, 3, stride, pad, false), nn.NewBatchNorm(in),
			nn.NewConv2d(in, half, 1, 1, 0, false), nn.NewBatchNorm(half), nn.ReLU())
	} else {
		in = half
	}
	b.branch2 = nn.NewSequential(
		nn.NewConv2d(in, half, 1, 1, 0, false), nn.NewBatchNorm(half), nn.ReLU(),
		nn.NewDepthwiseConv2d(half, 3, stride, pad, false), nn.NewBatchNorm(half),
		nn.NewConv2d(half, half, 1, 1, 0, false), nn.NewBatchNorm(half), nn.ReLU())
	return b
}

// Build appends the block, reading x [N,H,W,C].
func (b *shuffleBlock) Build(g *graph.Graph, x graph.Value) graph.Value {
	if b.branch1 != nil {
		return g.Add(op.Interleave{}, b.branch1.Build(g, x), b.branch2.Build(g, x))
	}
	stays, goes := g.Add(op.Channels{From: 0, To: b.half}, x), g.Add(op.Channels{From: b.half, To: 2 * b.half}, x)
	return g.Add(op.Interleave{}, stays, b.branch2.Build(g, goes))
}

// Children returns branch1, if there is one, and branch2.
func (b *shuffleBlock) Children() []nn.Child {
	var c []nn.Child
	if b.branch1 != nil {
		c = append(c, nn.Child{Name: "branch1", Module: b.branch1})
	}
	return append(c, nn.Child{Name: "branch2", Module: b.branch2})
}

// initShuffleNet is torch's default for every layer, U(±1/√fan_in).
func initShuffleNet(m nn.Module, r *rng.Stream) {
	fanIn := 1.0
	for _, e := range nn.Parameters(m) {
		switch e.Kind {
		case nn.ConvWeight, nn.LinearWeight:
			fanIn = initTorch(e, r)
		case nn.Bias:
			nn.Uniform(e, 1/math.Sqrt(fanIn), r)
		}
	}
}

// initTorch draws a weight as torch does by default, U(±1/√fan_in), and returns the fan
// in.
func initTorch(e nn.Entry, r *rng.Stream) float64 {
	fanIn := 1
	for _, d := range e.Shape[1:] {
		fanIn *= d
	}
	nn.Uniform(e, 1/math.Sqrt(float64(fanIn)), r)
	return float64(fanIn)
}
