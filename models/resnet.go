package models

import (
	"cmp"
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

// Networks with grouped and with wider convolutions in the bottlenecks (Xie et al. 2016,
// https://arxiv.org/abs/1611.05431; Zagoruyko and Komodakis 2016,
// https://arxiv.org/abs/1605.07146), as torchvision builds them; timm's have the same
// names. fastai knows no groups of their layers but body and head.
var (
	ResNeXt50_32x4d = builtin(residualNet{bottleneck: true, layers: [4]int{3, 4, 6, 3}, groups: 32, width: 4, twoGroups: true}.
			architecture("resnext50_32x4d", imageNetV2("resnext50_32x4d-1a0047aa.pth"), imageNetV1("resnext50_32x4d-7cdf4587.pth")))
	ResNeXt101_32x8d = builtin(residualNet{bottleneck: true, layers: [4]int{3, 4, 23, 3}, groups: 32, width: 8, twoGroups: true}.
				architecture("resnext101_32x8d", imageNetV2("resnext101_32x8d-110c445d.pth"), imageNetV1("resnext101_32x8d-8ba56ff5.pth")))
	ResNeXt101_64x4d = builtin(residualNet{bottleneck: true, layers: [4]int{3, 4, 23, 3}, groups: 64, width: 4, twoGroups: true}.
				architecture("resnext101_64x4d", torchvision("IMAGENET1K_V1", "resnext101_64x4d-173b62eb.pth", 232)))
	WideResNet50_2 = builtin(residualNet{bottleneck: true, layers: [4]int{3, 4, 6, 3}, groups: 1, width: 128, twoGroups: true}.
			architecture("wide_resnet50_2", imageNetV2("wide_resnet50_2-9ba9bcbe.pth"), imageNetV1("wide_resnet50_2-95faca4d.pth")))
	WideResNet101_2 = builtin(residualNet{bottleneck: true, layers: [4]int{3, 4, 23, 3}, groups: 1, width: 128, twoGroups: true}.
			architecture("wide_resnet101_2", imageNetV2("wide_resnet101_2-d733dc28.pth"), imageNetV1("wide_resnet101_2-32ee1156.pth")))
)

// ResNet10Small has one block in each stage and half the channels of a
// ResNet-18: 1.2 million parameters. It is no network of torchvision's; it is
// small enough to come with the program, for the demonstration on drawn
// pictures.
var ResNet10Small = builtin(residualNet{base: 32, layers: [4]int{1, 1, 1, 1}}.architecture("resnet10_small"))

func resnet(name string, bottleneck bool, layers [4]int, w ...Published) *Architecture {
	return residualNet{bottleneck: bottleneck, layers: layers}.architecture(name, w...)
}

// residualNet describes a member of the family. Only layers must be given.
type residualNet struct {
	base          int // channels of the first stage, which every further stage doubles; 0 means 64
	bottleneck    bool
	layers        [4]int
	groups, width int    // of a bottleneck's 3×3 convolution in the first stage; 0 means 1 and 64
	stem          [2]int // channels of a stem of three 3×3 convolutions but for the last; 0 for one of 7×7
	averageDown   bool   // shortcuts are made smaller by an average pool
	squeeze       bool   // blocks have squeeze-and-excitation
	blur          bool   // maps are made smaller by blur pools, after convolutions and a pool at stride 1
	twoGroups     bool   // the body is one layer group
	zeroLast      bool   // the scale of the norm that ends a block is 0 at first
}

// architecture builds the family.
func (n residualNet) architecture(name string, w ...Published) *Architecture {
	n.base, n.groups, n.width = cmp.Or(n.base, 64), cmp.Or(n.groups, 1), cmp.Or(n.width, 64)
	a := &Architecture{
		Name: name, Features: 8 * n.base, Weights: w, Units: n.units,
		Cuts:   []int{6}, // conv1, bn1, relu, maxpool, layer1, layer2 | layer3, layer4
		Layers: Layers{Blocks: `layer(\d)\.(\d+)`},
	}
	if n.bottleneck {
		a.Features *= 4
	}
	if n.twoGroups {
		a.Cuts = nil
	}
	if n.zeroLast {
		a.Init = initZeroLast
	}
	if n.blur { // which need two pixels
		a.MinSize, a.ByNameOnly = 17, true
	}
	return a
}

func (n residualNet) units() *nn.Sequential {
	var first nn.Module = nn.NewConv2d(3, n.base, 7, 2, 3, false)
	if s := n.stem; s[0] > 0 {
		first = nn.NewSequential(
			nn.NewConv2d(3, s[0], 3, 2, 1, false), nn.NewBatchNorm(s[0]), nn.ReLU(),
			nn.NewConv2d(s[0], s[1], 3, 1, 1, false), nn.NewBatchNorm(s[1]), nn.ReLU(),
			nn.NewConv2d(s[1], n.base, 3, 1, 1, false))
	}
	var pool nn.Module = nn.MaxPool2d{Kernel: 3, Stride: 2, Pad: 1}
	if n.blur {
		pool = nn.NewSequential(nn.MaxPool2d{Kernel: 3, Stride: 1, Pad: 1}, nn.BlurPool2d{Stride: 2})
	}
	units := []nn.Child{
		{Name: "conv1", Module: first},
		{Name: "bn1", Module: nn.NewBatchNorm(n.base)},
		{Name: "relu", Module: nn.ReLU()},
		{Name: "maxpool", Module: pool},
	}
	in := n.base
	for i, blocks := range n.layers {
		stride, out := 2, n.base<<i
		if i == 0 {
			stride = 1
		}
		if n.bottleneck {
			out *= 4
		}
		var stage []nn.Module
		for range blocks {
			stage = append(stage, n.block(in, n.base<<i, out, stride))
			in, stride = out, 1
		}
		units = append(units, nn.Child{Name: "layer" + strconv.Itoa(i+1), Module: nn.NewSequential(stage...)})
	}
	return nn.NewNamed(units...)
}

// residual is a block y = relu(path(x) + shortcut(x)). convs and norms are its
// main path.
type residual struct {
	convs      []nn.Module
	norms      []*nn.BatchNorm
	smaller    nn.Module         // follows the activation before the last convolution; nil for none
	squeeze    *nn.SqueezeExcite // nil for none
	downsample *nn.Sequential    // nil for the identity
	dropPath
}

// block is a block of a stage of planes channels, four times as many with bottlenecks.
func (n residualNet) block(in, planes, out, stride int) *residual {
	b, shortcutStride := &residual{}, stride
	if n.blur && stride > 1 {
		b.smaller, stride = nn.BlurPool2d{Stride: stride}, 1
	}
	if n.bottleneck {
		width := planes * n.width / 64 * n.groups
		var middle nn.Module = nn.NewConv2d(width, width, 3, stride, 1, false)
		if n.groups > 1 {
			middle = nn.NewGroupedConv2d(width, width, 3, stride, n.groups, false)
		}
		b.convs = []nn.Module{nn.NewConv2d(in, width, 1, 1, 0, false), middle, nn.NewConv2d(width, out, 1, 1, 0, false)}
		b.norms = []*nn.BatchNorm{nn.NewBatchNorm(width), nn.NewBatchNorm(width), nn.NewBatchNorm(out)}
	} else {
		b.convs = []nn.Module{nn.NewConv2d(in, out, 3, stride, 1, false), nn.NewConv2d(out, out, 3, 1, 1, false)}
		b.norms = []*nn.BatchNorm{nn.NewBatchNorm(out), nn.NewBatchNorm(out)}
	}
	if n.squeeze {
		b.squeeze = nn.NewSqueezeExcite(out, divisible(float64(out)/16, 8), nn.ReLU(), nn.Sigmoid())
	}
	switch stride = shortcutStride; {
	case stride == 1 && in == out:
	case n.averageDown:
		var pool nn.Module = nn.Identity{}
		if stride > 1 {
			pool = nn.AvgPool2d{Kernel: stride, Stride: stride, Ceil: true}
		}
		b.downsample = nn.NewSequential(pool, nn.NewConv2d(in, out, 1, 1, 0, false), nn.NewBatchNorm(out))
	default:
		b.downsample = nn.NewSequential(nn.NewConv2d(in, out, 1, stride, 0, false), nn.NewBatchNorm(out))
	}
	return b
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
		if i == len(b.convs)-2 && b.smaller != nil {
			h = b.smaller.Build(g, h)
		}
	}
	if b.squeeze != nil {
		h = b.squeeze.Build(g, h)
	}
	return g.Add(op.ReLU, b.add(g, shortcut, h))
}

// Children returns conv1, bn1, conv2, bn2, …, se, downsample.
func (b *residual) Children() []nn.Child {
	var c []nn.Child
	for i := range b.convs {
		n := strconv.Itoa(i + 1)
		c = append(c, nn.Child{Name: "conv" + n, Module: b.convs[i]}, nn.Child{Name: "bn" + n, Module: b.norms[i]})
	}
	if b.squeeze != nil {
		c = append(c, nn.Child{Name: "se", Module: b.squeeze})
	}
	if b.downsample != nil {
		c = append(c, nn.Child{Name: "downsample", Module: b.downsample})
	}
	return c
}
