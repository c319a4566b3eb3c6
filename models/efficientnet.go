package models

import (
	"math"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// EfficientNet B0 to B4 (Tan and Le 2019, https://arxiv.org/abs/1905.11946), as
// torchvision builds them.
var (
	EfficientNetB0 = builtin(efficientNet("efficientnet_b0", 1.0, 1.0, 0.2,
		torchvisionAt("IMAGENET1K_V1", "efficientnet_b0_rwightman-7f5810bc.pth", 224, 256, preprocess.Bicubic)))
	EfficientNetB1 = builtin(efficientNet("efficientnet_b1", 1.0, 1.1, 0.2,
		torchvisionAt("IMAGENET1K_V2", "efficientnet_b1-c27df63c.pth", 240, 255, preprocess.Bilinear),
		torchvisionAt("IMAGENET1K_V1", "efficientnet_b1_rwightman-bac287d4.pth", 240, 256, preprocess.Bicubic)))
	EfficientNetB2 = builtin(efficientNet("efficientnet_b2", 1.1, 1.2, 0.3,
		torchvisionAt("IMAGENET1K_V1", "efficientnet_b2_rwightman-c35c1473.pth", 288, 288, preprocess.Bicubic)))
	EfficientNetB3 = builtin(efficientNet("efficientnet_b3", 1.2, 1.4, 0.3,
		torchvisionAt("IMAGENET1K_V1", "efficientnet_b3_rwightman-b3899882.pth", 300, 320, preprocess.Bicubic)))
	EfficientNetB4 = builtin(efficientNet("efficientnet_b4", 1.4, 1.8, 0.4,
		torchvisionAt("IMAGENET1K_V1", "efficientnet_b4_rwightman-23ab8bcd.pth", 380, 384, preprocess.Bicubic)))
)

// EfficientNetV2S is EfficientNetV2-S (Tan and Le 2021,
// https://arxiv.org/abs/2104.00298), as torchvision builds it: its first stages have
// whole convolutions in place of depthwise ones.
var EfficientNetV2S = builtin(efficientNetOf("efficientnet_v2_s", 1280, 1e-3, 0.2, []mbStage{
	{true, 1, 3, 1, 24, 24, 2}, {true, 4, 3, 2, 24, 48, 4}, {true, 4, 3, 2, 48, 64, 4},
	{false, 4, 3, 2, 64, 128, 6}, {false, 6, 3, 1, 128, 160, 9}, {false, 6, 3, 2, 160, 256, 15},
}, torchvisionAt("IMAGENET1K_V1", "efficientnet_v2_s-dd5fe13b.pth", 384, 384, preprocess.Bilinear)))

// mbStage is a stage of blocks: fused ones, or with a depthwise convolution and
// squeeze-and-excitation, of which the first has the stride.
type mbStage struct {
	fused                                   bool
	expand, kernel, stride, in, out, blocks int
}

// efficientNet scales B0 in width and depth.
func efficientNet(name string, width, depth, dropout float64, w ...Published) *Architecture {
	stages := []mbStage{
		{false, 1, 3, 1, 32, 16, 1}, {false, 6, 3, 2, 16, 24, 2}, {false, 6, 5, 2, 24, 40, 2}, {false, 6, 3, 2, 40, 80, 3},
		{false, 6, 5, 1, 80, 112, 3}, {false, 6, 5, 2, 112, 192, 4}, {false, 6, 3, 1, 192, 320, 1},
	}
	for i := range stages {
		s := &stages[i]
		s.in, s.out = divisible(float64(s.in)*width, 8), divisible(float64(s.out)*width, 8)
		s.blocks = int(math.Ceil(float64(s.blocks) * depth))
	}
	a := efficientNetOf(name, 4*stages[len(stages)-1].out, 1e-5, dropout, stages, w...)
	return withSpelling(a, func() *Architecture { return efficientNetTimm(width, depth, false).architecture(name, timmNames) })
}

func efficientNetOf(name string, features int, eps, dropout float64, stages []mbStage, w ...Published) *Architecture {
	return &Architecture{
		Name: name, Features: features, Prefix: "features", Weights: w, Init: initEfficientNet,
		Layers: Layers{Blocks: `features\.(\d+)\.(\d+)\.block`},
		Units: func() *nn.Sequential {
			c := convNorm{eps: eps, momentum: 0.1, activation: op.SiLU}
			units := []nn.Module{c.dense(3, stages[0].in, 3, 2)}
			total, block := 0, 0
			for _, s := range stages {
				total += s.blocks
			}
			for _, s := range stages {
				var blocks []nn.Module
				for range s.blocks {
					// The later a block, the more often stochastic depth leaves it out.
					blocks = append(blocks, s.block(c, 0.2*float64(block)/float64(total)))
					s.in, s.stride = s.out, 1
					block++
				}
				units = append(units, nn.NewSequential(blocks...))
			}
			return nn.NewSequential(append(units, c.dense(stages[len(stages)-1].out, features, 1, 1))...)
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(
				nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: "classifier", Module: nn.NewSequential(nn.Dropout{P: dropout}, nn.NewLinear(features, classes, true))})
		},
	}
}

func (s mbStage) block(c convNorm, drop float64) nn.Module {
	hidden, plain := s.in*s.expand, c
	plain.activation = op.Identity
	var path []nn.Module
	switch {
	case s.fused && s.expand == 1:
		path = append(path, c.dense(s.in, s.out, s.kernel, s.stride))
	case s.fused:
		path = append(path, c.dense(s.in, hidden, s.kernel, s.stride), plain.dense(hidden, s.out, 1, 1))
	default:
		if s.expand != 1 {
			path = append(path, c.dense(s.in, hidden, 1, 1))
		}
		path = append(path, c.depthwise(hidden, s.kernel, s.stride),
			nn.NewSqueezeExcite(hidden, max(1, s.in/4), nn.SiLU(), nn.Sigmoid()),
			plain.dense(hidden, s.out, 1, 1))
	}
	return &shortcut{name: "block", path: nn.NewSequential(path...), dropPath: dropPath{drop}, add: s.stride == 1 && s.in == s.out}
}

// initEfficientNet is torchvision's: Kaiming normal with fan out, U(±1/√outputs) for
// linear layers, biases 0.
func initEfficientNet(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		switch e.Kind {
		case nn.ConvWeight:
			nn.KaimingNormal(e, true, r)
		case nn.LinearWeight:
			nn.Uniform(e, 1/math.Sqrt(float64(e.Shape[0])), r)
		}
	}
}
