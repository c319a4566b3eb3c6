package models

import (
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// DenseNet (Huang et al. 2016, https://arxiv.org/abs/1608.06993), as torchvision
// builds it; timm's has the same names. The body ends with a batch norm, whose ReLU
// belongs to the authors' head, as fastai cuts it.
var (
	DenseNet121 = builtin(denseNet("densenet121", 64, 32, [4]int{6, 12, 24, 16}, imageNetV1("densenet121-a639ec97.pth")))
	DenseNet161 = builtin(denseNet("densenet161", 96, 48, [4]int{6, 12, 36, 24}, imageNetV1("densenet161-8d451a50.pth")))
	DenseNet169 = builtin(denseNet("densenet169", 64, 32, [4]int{6, 12, 32, 32}, imageNetV1("densenet169-b2777c0a.pth")))
	DenseNet201 = builtin(denseNet("densenet201", 64, 32, [4]int{6, 12, 48, 32}, imageNetV1("densenet201-c1103571.pth")))
)

// denseNet builds the family: stem is the number of channels of the first layer, growth
// that of the channels that every layer adds.
func denseNet(name string, stem, growth int, layers [4]int, w ...Published) *Architecture {
	features := stem
	for i, n := range layers {
		if features += n * growth; i < len(layers)-1 {
			features /= 2
		}
	}
	return &Architecture{
		Name: name, Features: features, Prefix: "features", Weights: w, Init: initDenseNet,
		MinSize: 29, // the last transition has a map of at least 2×2 then
		Layers:  Layers{Blocks: `features\.denseblock(\d)\.denselayer(\d+)`, WithHead: "features.norm5."},
		Cuts:    []int{7}, // up to denseblock2 | transition2 and what follows
		Units: func() *nn.Sequential {
			units := []nn.Child{
				{Name: "conv0", Module: nn.NewConv2d(3, stem, 7, 2, 3, false)},
				{Name: "norm0", Module: nn.NewBatchNorm(stem)},
				{Name: "relu0", Module: nn.ReLU()},
				{Name: "pool0", Module: nn.MaxPool2d{Kernel: 3, Stride: 2, Pad: 1}},
			}
			in := stem
			for i, n := range layers {
				block := &denseBlock{}
				for range n {
					block.layers = append(block.layers, nn.NewNamed(
						nn.Child{Name: "norm1", Module: nn.NewBatchNorm(in)},
						nn.Child{Name: "relu1", Module: nn.ReLU()},
						nn.Child{Name: "conv1", Module: nn.NewConv2d(in, 4*growth, 1, 1, 0, false)},
						nn.Child{Name: "norm2", Module: nn.NewBatchNorm(4 * growth)},
						nn.Child{Name: "relu2", Module: nn.ReLU()},
						nn.Child{Name: "conv2", Module: nn.NewConv2d(4*growth, growth, 3, 1, 1, false)}))
					in += growth
				}
				units = append(units, nn.Child{Name: fmt.Sprint("denseblock", i+1), Module: block})
				if i < len(layers)-1 {
					units = append(units, nn.Child{Name: fmt.Sprint("transition", i+1), Module: nn.NewNamed(
						nn.Child{Name: "norm", Module: nn.NewBatchNorm(in)},
						nn.Child{Name: "relu", Module: nn.ReLU()},
						nn.Child{Name: "conv", Module: nn.NewConv2d(in, in/2, 1, 1, 0, false)},
						nn.Child{Name: "pool", Module: nn.AvgPool2d{Kernel: 2, Stride: 2}})})
					in /= 2
				}
			}
			return nn.NewNamed(append(units, nn.Child{Name: "norm5", Module: nn.NewBatchNorm(in)})...)
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(
				nn.Child{Name: "relu", Module: nn.ReLU()},
				nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: "classifier", Module: nn.NewLinear(features, classes, true)})
		},
	}
}

// denseBlock is layers that each read what the block reads and what all layers before
// have made, and whose results are all of that.
type denseBlock struct{ layers []*nn.Sequential }

// Build appends the block, reading x [N,H,W,C].
func (b *denseBlock) Build(g *graph.Graph, x graph.Value) graph.Value {
	for _, l := range b.layers {
		x = g.Add(op.Concat{}, x, l.Build(g, x))
	}
	return x
}

// Children returns denselayer1, denselayer2, ….
func (b *denseBlock) Children() []nn.Child {
	c := make([]nn.Child, len(b.layers))
	for i, l := range b.layers {
		c[i] = nn.Child{Name: fmt.Sprint("denselayer", i+1), Module: l}
	}
	return c
}

// initDenseNet is torchvision's: Kaiming normal with fan in, torch's default for the
// linear layer, whose bias is 0.
func initDenseNet(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		switch e.Kind {
		case nn.ConvWeight:
			nn.KaimingNormal(e, false, r)
		case nn.LinearWeight:
			initTorch(e, r)
		}
	}
}
