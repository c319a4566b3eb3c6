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
	torchvision    bool   // names are torchvision's, not timm's
}

// convNeXtEps is added to the variance in all layer norms of the family.
const convNeXtEps = 1e-6

func convNeXt(name string, s convNeXtSize, w ...Published) *Architecture {
	a := s.architecture(name)
	a.Weights = w
	if !s.pointwise && !s.v2 { // torchvision has these
		other := s
		other.torchvision = true
		a.Spellings = []Spelling{{Like: func() *Architecture { return other.architecture("") }}}
	}
	return a
}

// architecture is the network under timm's names or torchvision's.
func (s convNeXtSize) architecture(name string) *Architecture {
	features := s.widths[3]
	a := &Architecture{Name: name, Features: features, MinSize: 32, Init: initConvNeXt, Layers: Layers{Blocks: `stages\.(\d)\.(?:downsample|blocks\.(\d+))`}}
	pool := nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}}
	if s.torchvision {
		a.Prefix = "features"
		a.Units = func() *nn.Sequential {
			units := []nn.Module{s.stem()}
			for i := range s.widths {
				if i > 0 {
					units = append(units, s.downsample(i))
				}
				units = append(units, s.blocks(i))
			}
			return nn.NewSequential(units...)
		}
		a.Top = func(classes int) *nn.Sequential {
			return nn.NewNamed(pool, nn.Child{Name: "classifier", Module: nn.NewSequential(
				nn.NewLayerNorm(features, convNeXtEps), nn.Identity{}, nn.NewLinear(features, classes, true))}) // Flatten
		}
		return a
	}
	a.Units = func() *nn.Sequential {
		var stages []nn.Module
		for i := range s.widths {
			var parts []nn.Child
			if i > 0 {
				parts = append(parts, nn.Child{Name: "downsample", Module: s.downsample(i)})
			}
			stages = append(stages, nn.NewNamed(append(parts, nn.Child{Name: "blocks", Module: s.blocks(i)})...))
		}
		return nn.NewNamed(nn.Child{Name: "stem", Module: s.stem()}, nn.Child{Name: "stages", Module: nn.NewSequential(stages...)})
	}
	a.Top = func(classes int) *nn.Sequential {
		return nn.NewNamed(pool, nn.Child{Name: "head", Module: nn.NewNamed(
			nn.Child{Name: "norm", Module: nn.NewLayerNorm(features, convNeXtEps)},
			nn.Child{Name: "fc", Module: nn.NewLinear(features, classes, true)})})
	}
	return a
}

func (s convNeXtSize) stem() nn.Module {
	return nn.NewSequential(nn.NewConv2d(3, s.widths[0], 4, 4, 0, true), nn.NewLayerNorm(s.widths[0], convNeXtEps))
}

// downsample halves the map before stage i.
func (s convNeXtSize) downsample(i int) nn.Module {
	return nn.NewSequential(nn.NewLayerNorm(s.widths[i-1], convNeXtEps), nn.NewConv2d(s.widths[i-1], s.widths[i], 2, 2, 0, true))
}

// blocks are those of stage i.
func (s convNeXtSize) blocks(i int) nn.Module {
	var blocks []nn.Module
	for range s.depths[i] {
		blocks = append(blocks, s.block(s.widths[i]))
	}
	return nn.NewSequential(blocks...)
}

func (s convNeXtSize) block(width int) *convNeXtBlock {
	b := &convNeXtBlock{
		torchvision: s.torchvision,
		depthwise:   nn.NewDepthwiseConv2d(width, 7, 1, op.Padding{Rows: 3, Cols: 3}, true),
		norm:        nn.NewLayerNorm(width, convNeXtEps),
		fc1:         nn.NewLinear(width, 4*width, true),
		fc2:         nn.NewLinear(4*width, width, true),
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

	torchvision bool // names are torchvision's
	dropPath
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
	return b.dropPath.add(g, x, y)
}

// State is the layer scale's, which files have in the block itself.
func (b *convNeXtBlock) State() []nn.Entry {
	if b.scale == nil {
		return nil
	}
	e := b.scale.State()
	if b.torchvision {
		e[0].Name = "layer_scale"
	}
	return e
}

// Children returns the layers, but for the layer scale.
func (b *convNeXtBlock) Children() []nn.Child {
	if b.torchvision {
		return []nn.Child{{Name: "block", Module: nn.NewNamed(
			nn.Child{Name: "0", Module: b.depthwise}, nn.Child{Name: "2", Module: b.norm},
			nn.Child{Name: "3", Module: b.fc1}, nn.Child{Name: "5", Module: b.fc2})}}
	}
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
