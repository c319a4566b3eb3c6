package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// ConvNeXt (Liu et al. 2022, https://arxiv.org/abs/2201.03545), as timm builds it:
// the four smaller ones are timm's own. Like timm's, and unlike torchvision's, they
// have no stochastic depth.
var (
	ConvNeXtAtto  = builtin(convNeXt("convnext_atto", convNeXtSize{depths: [4]int{2, 2, 6, 2}, widths: [4]int{40, 80, 160, 320}, pointwise: true}))
	ConvNeXtFemto = builtin(convNeXt("convnext_femto", convNeXtSize{depths: [4]int{2, 2, 6, 2}, widths: [4]int{48, 96, 192, 384}, pointwise: true}))
	ConvNeXtPico  = builtin(convNeXt("convnext_pico", convNeXtSize{depths: [4]int{2, 2, 6, 2}, widths: [4]int{64, 128, 256, 512}, pointwise: true}))
	ConvNeXtNano  = builtin(convNeXt("convnext_nano", convNeXtSize{depths: [4]int{2, 2, 8, 2}, widths: [4]int{80, 160, 320, 640}, pointwise: true}))
	ConvNeXtTiny  = builtin(convNeXt("convnext_tiny", convNeXtSize{depths: [4]int{3, 3, 9, 3}, widths: [4]int{96, 192, 384, 768}},
		torchvision("IMAGENET1K_V1", "convnext_tiny-983f1562.pth", 236)))
	ConvNeXtSmall = builtin(convNeXt("convnext_small", convNeXtSize{depths: [4]int{3, 3, 27, 3}, widths: [4]int{96, 192, 384, 768}},
		torchvision("IMAGENET1K_V1", "convnext_small-0c510722.pth", 230)))
	ConvNeXtBase = builtin(convNeXt("convnext_base", convNeXtSize{depths: [4]int{3, 3, 27, 3}, widths: [4]int{128, 256, 512, 1024}},
		torchvision("IMAGENET1K_V1", "convnext_base-6075fbad.pth", 232)))
)

// ConvNeXt V2 (Woo et al. 2023, https://arxiv.org/abs/2301.00808), as timm builds it.
var (
	ConvNeXtV2Atto  = builtin(convNeXt("convnextv2_atto", convNeXtSize{depths: [4]int{2, 2, 6, 2}, widths: [4]int{40, 80, 160, 320}, pointwise: true, v2: true}))
	ConvNeXtV2Femto = builtin(convNeXt("convnextv2_femto", convNeXtSize{depths: [4]int{2, 2, 6, 2}, widths: [4]int{48, 96, 192, 384}, pointwise: true, v2: true}))
	ConvNeXtV2Pico  = builtin(convNeXt("convnextv2_pico", convNeXtSize{depths: [4]int{2, 2, 6, 2}, widths: [4]int{64, 128, 256, 512}, pointwise: true, v2: true}))
	ConvNeXtV2Nano  = builtin(convNeXt("convnextv2_nano", convNeXtSize{depths: [4]int{2, 2, 8, 2}, widths: [4]int{80, 160, 320, 640}, pointwise: true, v2: true}))
	ConvNeXtV2Tiny  = builtin(convNeXt("convnextv2_tiny", convNeXtSize{depths: [4]int{3, 3, 9, 3}, widths: [4]int{96, 192, 384, 768}, v2: true}))
	ConvNeXtV2Small = builtin(convNeXt("convnextv2_small", convNeXtSize{depths: [4]int{3, 3, 27, 3}, widths: [4]int{96, 192, 384, 768}, v2: true}))
	ConvNeXtV2Base  = builtin(convNeXt("convnextv2_base", convNeXtSize{depths: [4]int{3, 3, 27, 3}, widths: [4]int{128, 256, 512, 1024}, v2: true}))
)

// convNeXtSize is what members of the family differ in.
type convNeXtSize struct {
	depths, widths [4]int // blocks and channels of each stage
	pointwise      bool   // timm has the linear layers as 1×1 convolutions
	v2             bool   // a global response normalization in place of the layer scale
}

// convNeXtEps is added to the variance in all layer norms of the family.
const convNeXtEps = 1e-6

func convNeXt(name string, s convNeXtSize, w ...Published) *Architecture {
	features := s.widths[3]
	return &Architecture{
		Name: name, Features: features, MinSize: 32, Weights: w, Init: initConvNeXt,
		Units: func() *nn.Sequential {
			stem := nn.NewSequential(nn.NewConv2d(3, s.widths[0], 4, 4, 0, true), nn.NewLayerNorm(s.widths[0], convNeXtEps))
			var stages []nn.Module
			in := s.widths[0]
			for i, width := range s.widths {
				stages = append(stages, s.stage(in, width, s.depths[i]))
				in = width
			}
			return nn.NewNamed(nn.Child{Name: "stem", Module: stem}, nn.Child{Name: "stages", Module: nn.NewSequential(stages...)})
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(
				nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: "head", Module: nn.NewNamed(
					nn.Child{Name: "norm", Module: nn.NewLayerNorm(features, convNeXtEps)},
					nn.Child{Name: "fc", Module: nn.NewLinear(features, classes, true)})})
		},
	}
}

// stage halves the map, unless it is the first, whose width the stem has already,
// and has the blocks.
func (s convNeXtSize) stage(in, width, depth int) nn.Module {
	var parts []nn.Child
	if in != width {
		parts = append(parts, nn.Child{Name: "downsample", Module: nn.NewSequential(
			nn.NewLayerNorm(in, convNeXtEps), nn.NewConv2d(in, width, 2, 2, 0, true))})
	}
	var blocks []nn.Module
	for range depth {
		blocks = append(blocks, s.block(width))
	}
	return nn.NewNamed(append(parts, nn.Child{Name: "blocks", Module: nn.NewSequential(blocks...)})...)
}

func (s convNeXtSize) block(width int) *convNeXtBlock {
	b := &convNeXtBlock{
		depthwise: nn.NewDepthwiseConv2d(width, 7, 1, op.Padding{Rows: 3, Cols: 3}, true),
		norm:      nn.NewLayerNorm(width, convNeXtEps),
		fc1:       nn.NewLinear(width, 4*width, true),
		fc2:       nn.NewLinear(4*width, width, true),
	}
	b.fc1.Pointwise, b.fc2.Pointwise = s.pointwise, s.pointwise
	if s.v2 {
		b.grn = nn.NewGRN(4 * width)
	} else {
		b.scale = nn.NewLayerScale(width, 1e-6)
	}
	return b
}

// convNeXtBlock is x + scale(fc2(grn(GELU(fc1(norm(depthwise(x))))))), without grn or
// without scale.
type convNeXtBlock struct {
	depthwise *nn.DepthwiseConv2d
	norm      *nn.LayerNorm
	fc1, fc2  *nn.Linear
	grn       *nn.GRN        // or nil
	scale     *nn.LayerScale // or nil
}

// Build appends the block, reading x [N,H,W,C].
func (b *convNeXtBlock) Build(g *graph.Graph, x graph.Value) graph.Value {
	y := nn.GELU().Build(g, b.fc1.Build(g, b.norm.Build(g, b.depthwise.Build(g, x))))
	if b.grn != nil {
		y = b.grn.Build(g, y)
	}
	y = b.fc2.Build(g, y)
	if b.scale != nil {
		y = b.scale.Build(g, y)
	}
	return g.Add(op.Add{}, x, y)
}

// State is the layer scale's, which files have in the block itself.
func (b *convNeXtBlock) State() []nn.Entry {
	if b.scale == nil {
		return nil
	}
	return b.scale.State()
}

// Children returns the layers, but for the layer scale.
func (b *convNeXtBlock) Children() []nn.Child {
	mlp := []nn.Child{{Name: "fc1", Module: b.fc1}}
	if b.grn != nil {
		mlp = append(mlp, nn.Child{Name: "grn", Module: b.grn})
	}
	return []nn.Child{
		{Name: "conv_dw", Module: b.depthwise}, {Name: "norm", Module: b.norm},
		{Name: "mlp", Module: nn.NewNamed(append(mlp, nn.Child{Name: "fc2", Module: b.fc2})...)},
	}
}

// initConvNeXt is timm's: N(0, 0.02²) for the weights of all layers (cut off at ±2,
// a hundred deviations away), biases 0.
func initConvNeXt(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		if e.Kind == nn.ConvWeight || e.Kind == nn.LinearWeight {
			nn.Normal(e, 0.02, r)
		}
	}
}
