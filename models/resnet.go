package models

import (
	"strconv"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// The residual networks of He et al. 2015 ("Deep Residual Learning for Image
// Recognition"), as torchvision builds them (stride in the 3×3 convolution).
var (
	ResNet18  = builtin(resnet("resnet18", false, [4]int{2, 2, 2, 2}, imageNetV1("resnet18-f37072fd.pth")))
	ResNet34  = builtin(resnet("resnet34", false, [4]int{3, 4, 6, 3}, imageNetV1("resnet34-b627a593.pth")))
	ResNet50  = builtin(resnet("resnet50", true, [4]int{3, 4, 6, 3}, imageNetV1("resnet50-0676ba61.pth"), imageNetV2("resnet50-11ad3fa6.pth")))
	ResNet101 = builtin(resnet("resnet101", true, [4]int{3, 4, 23, 3}, imageNetV1("resnet101-63fe2227.pth"), imageNetV2("resnet101-cd907fc2.pth")))
	ResNet152 = builtin(resnet("resnet152", true, [4]int{3, 8, 36, 3}, imageNetV1("resnet152-394f9c45.pth"), imageNetV2("resnet152-f82ba261.pth")))
)

// ResNet10Small has one block in each stage and half the channels of a
// ResNet-18: 1.2 million parameters. It is no network of torchvision's; it is
// small enough to come with the program, for the demonstration on drawn
// pictures.
var ResNet10Small = builtin(residualNet("resnet10_small", 32, false, [4]int{1, 1, 1, 1}))

func resnet(name string, bottleneck bool, layers [4]int, w ...Published) *Architecture {
	return residualNet(name, 64, bottleneck, layers, w...)
}

// residualNet builds the family: base is the number of channels of the first
// stage, which every further stage doubles.
func residualNet(name string, base int, bottleneck bool, layers [4]int, w ...Published) *Architecture {
	expansion := 1
	if bottleneck {
		expansion = 4
	}
	return &Architecture{
		Name: name, Features: 8 * base * expansion, Weights: w,
		Cuts: []int{6}, // conv1, bn1, relu, maxpool, layer1, layer2 | layer3, layer4
		Units: func() *nn.Sequential {
			units := []nn.Child{
				{Name: "conv1", Module: nn.NewConv2d(3, base, 7, 2, 3, false)},
				{Name: "bn1", Module: nn.NewBatchNorm(base)},
				{Name: "relu", Module: nn.ReLU()},
				{Name: "maxpool", Module: nn.MaxPool2d{Kernel: 3, Stride: 2, Pad: 1}},
			}
			in := base
			for i, n := range layers {
				width, stride := base<<i, 2
				if i == 0 {
					stride = 1
				}
				var blocks []nn.Module
				for range n {
					if bottleneck {
						blocks = append(blocks, newBottleneck(in, width, stride))
					} else {
						blocks = append(blocks, newBasicBlock(in, width, stride))
					}
					in, stride = width*expansion, 1
				}
				units = append(units, nn.Child{Name: "layer" + strconv.Itoa(i+1), Module: nn.NewSequential(blocks...)})
			}
			return nn.NewNamed(units...)
		},
	}
}

// residual is a block y = relu(path(x) + shortcut(x)). convs and norms are its
// main path.
type residual struct {
	convs      []*nn.Conv2d
	norms      []*nn.BatchNorm
	downsample *nn.Sequential // nil for the identity
}

func newBasicBlock(in, width, stride int) *residual {
	b := &residual{
		convs: []*nn.Conv2d{nn.NewConv2d(in, width, 3, stride, 1, false), nn.NewConv2d(width, width, 3, 1, 1, false)},
		norms: []*nn.BatchNorm{nn.NewBatchNorm(width), nn.NewBatchNorm(width)},
	}
	b.shortcut(in, width, stride)
	return b
}

func newBottleneck(in, width, stride int) *residual {
	out := 4 * width
	b := &residual{
		convs: []*nn.Conv2d{nn.NewConv2d(in, width, 1, 1, 0, false), nn.NewConv2d(width, width, 3, stride, 1, false), nn.NewConv2d(width, out, 1, 1, 0, false)},
		norms: []*nn.BatchNorm{nn.NewBatchNorm(width), nn.NewBatchNorm(width), nn.NewBatchNorm(out)},
	}
	b.shortcut(in, out, stride)
	return b
}

func (b *residual) shortcut(in, out, stride int) {
	if stride != 1 || in != out {
		b.downsample = nn.NewSequential(nn.NewConv2d(in, out, 1, stride, 0, false), nn.NewBatchNorm(out))
	}
}

// Build appends the block, reading x [N,H,W,C].
func (b *residual) Build(g *graph.Graph, x graph.Value) graph.Value {
	shortcut := x
	if b.downsample != nil {
		shortcut = b.downsample.Build(g, x)
	}
	h := x
	for i, conv := range b.convs {
		h = b.norms[i].Build(g, conv.Build(g, h))
		if i < len(b.convs)-1 {
			h = g.Add(op.ReLU, h)
		}
	}
	return g.Add(op.ReLU, g.Add(op.Add{}, shortcut, h))
}

// Children returns conv1, bn1, conv2, bn2, …, downsample.
func (b *residual) Children() []nn.Child {
	var c []nn.Child
	for i := range b.convs {
		n := strconv.Itoa(i + 1)
		c = append(c, nn.Child{Name: "conv" + n, Module: b.convs[i]}, nn.Child{Name: "bn" + n, Module: b.norms[i]})
	}
	if b.downsample != nil {
		c = append(c, nn.Child{Name: "downsample", Module: b.downsample})
	}
	return c
}
