package models

import (
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/rng"
)

// Vision transformers (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929), as
// timm builds them. Pictures of other sizes than the one in the name resample the
// embeddings of positions.
var (
	ViTTiny16  = builtin(vit("vit_tiny_patch16_224", vitSize{width: 192, heads: 3, patch: 16, size: 224, prefixed: true}))
	ViTSmall16 = builtin(vit("vit_small_patch16_224", vitSize{width: 384, heads: 6, patch: 16, size: 224, prefixed: true}))
	ViTSmall32 = builtin(vit("vit_small_patch32_224", vitSize{width: 384, heads: 6, patch: 32, size: 224, prefixed: true}))
	ViTBase16  = builtin(vit("vit_base_patch16_224", vitSize{width: 768, heads: 12, patch: 16, size: 224, prefixed: true}, imageNetV1("vit_b_16-c867db91.pth")))
	ViTBase32  = builtin(vit("vit_base_patch32_224", vitSize{width: 768, heads: 12, patch: 32, size: 224, prefixed: true}, imageNetV1("vit_b_32-d86f8d99.pth")))
)

// DeiT III (Touvron et al. 2022, https://arxiv.org/abs/2204.07118), as timm builds it.
var (
	DeiT3Small = builtin(vit("deit3_small_patch16_224", vitSize{width: 384, heads: 6, patch: 16, size: 224, scale: 1e-6}))
	DeiT3Base  = builtin(vit("deit3_base_patch16_224", vitSize{width: 768, heads: 12, patch: 16, size: 224, scale: 1e-6}))
)

// DINOv2 (Oquab et al. 2023, https://arxiv.org/abs/2304.07193), without and with
// registers (Darcet et al. 2023, https://arxiv.org/abs/2309.16588), as timm builds it.
var (
	DINOv2Small          = builtin(vit("vit_small_patch14_dinov2", vitSize{width: 384, heads: 6, patch: 14, size: 518, prefixed: true, scale: 1e-5}))
	DINOv2Base           = builtin(vit("vit_base_patch14_dinov2", vitSize{width: 768, heads: 12, patch: 14, size: 518, prefixed: true, scale: 1e-5}))
	DINOv2SmallRegisters = builtin(vit("vit_small_patch14_reg4_dinov2", vitSize{width: 384, heads: 6, patch: 14, size: 518, registers: 4, scale: 1e-5}))
	DINOv2BaseRegisters  = builtin(vit("vit_base_patch14_reg4_dinov2", vitSize{width: 768, heads: 12, patch: 14, size: 518, registers: 4, scale: 1e-5}))
)

// vitSize is what members of the family differ in.
type vitSize struct {
	width, heads int
	patch, size  int     // pixels of a side, of a patch and of the pictures
	registers    int     // register tokens
	prefixed     bool    // the class token has a position too
	scale        float32 // initial value of the layer scales; 0 for none
}

const (
	vitDepth = 12 // blocks
	vitEps   = 1e-6
)

func vit(name string, s vitSize, w ...Published) *Architecture {
	a := &Architecture{
		Name: name, Features: s.width, Pooled: true, MinSize: s.patch, Weights: w, Init: initViT, Layers: Layers{Blocks: `blocks\.(\d+)`},
		Units: func() *nn.Sequential {
			var blocks []nn.Module
			for range vitDepth {
				blocks = append(blocks, s.block())
			}
			return nn.NewNamed(
				nn.Child{Module: s.embedding()},
				nn.Child{Name: "blocks", Module: nn.NewSequential(blocks...)},
				nn.Child{Name: "norm", Module: nn.NewLayerNorm(s.width, vitEps)},
				nn.Child{Name: "token", Module: nn.FirstToken{}})
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(nn.Child{Name: "head", Module: nn.NewLinear(s.width, classes, true)})
		},
	}
	if s.prefixed && s.registers == 0 && s.scale == 0 {
		a.Spellings = []Spelling{{Name: torchvisionViT}}
	}
	return a
}

// torchvisionViT is what torchvision calls the parameter that timm calls name.
func torchvisionViT(name string) string {
	if rest, ok := strings.CutPrefix(name, "blocks."); ok {
		number, rest, _ := strings.Cut(rest, ".")
		return "encoder.layers.encoder_layer_" + number + "." + strings.NewReplacer(
			"norm1.", "ln_1.", "attn.qkv.", "self_attention.in_proj_", "attn.proj.", "self_attention.out_proj.",
			"norm2.", "ln_2.", "mlp.fc1.", "mlp.0.", "mlp.fc2.", "mlp.3.").Replace(rest)
	}
	return strings.NewReplacer("cls_token", "class_token", "pos_embed", "encoder.pos_embedding",
		"patch_embed.proj.", "conv_proj.", "norm.", "encoder.ln.", "head.", "heads.head.").Replace(name)
}

// vitEmbedding makes tokens of pictures.
type vitEmbedding struct {
	patches *nn.Conv2d
	tokens  *nn.Tokens
}

func (s vitSize) embedding() *vitEmbedding {
	return &vitEmbedding{
		patches: nn.NewConv2d(3, s.width, s.patch, s.patch, 0, true),
		tokens:  nn.NewTokens(s.size/s.patch, s.width, s.registers, s.prefixed),
	}
}

// Build appends the embedding of pictures [N,H,W,3].
func (e *vitEmbedding) Build(g *graph.Graph, x graph.Value) graph.Value {
	return e.tokens.Build(g, e.patches.Build(g, x))
}

// State is the tokens', which files have at the top.
func (e *vitEmbedding) State() []nn.Entry { return e.tokens.State() }

func (e *vitEmbedding) positions() *nn.Tokens { return e.tokens }

// Children returns the patches' convolution.
func (e *vitEmbedding) Children() []nn.Child {
	return []nn.Child{{Name: "patch_embed", Module: nn.NewNamed(nn.Child{Name: "proj", Module: e.patches})}}
}

// vitBlock is x + scale1(attention(norm1(x))), and of that, y, y +
// scale2(fc2(GELU(fc1(norm2(y))))), without scales where there are none.
type vitBlock struct {
	norm1, norm2   *nn.LayerNorm
	attention      *nn.Attention
	scale1, scale2 *nn.LayerScale // or nil
	fc1, fc2       *nn.Linear
	dropPath
}

func (s vitSize) block() *vitBlock {
	b := &vitBlock{
		norm1: nn.NewLayerNorm(s.width, vitEps), norm2: nn.NewLayerNorm(s.width, vitEps),
		attention: nn.NewAttention(s.width, s.heads),
		fc1:       nn.NewLinear(s.width, 4*s.width, true), fc2: nn.NewLinear(4*s.width, s.width, true),
	}
	if s.scale != 0 {
		b.scale1, b.scale2 = nn.NewLayerScale(s.width, s.scale), nn.NewLayerScale(s.width, s.scale)
	}
	return b
}

// Build appends the block, reading tokens x [N,T,C].
func (b *vitBlock) Build(g *graph.Graph, x graph.Value) graph.Value {
	branch := func(x, y graph.Value, scale *nn.LayerScale) graph.Value {
		if scale != nil {
			y = scale.Build(g, y)
		}
		return b.add(g, x, y)
	}
	x = branch(x, b.attention.Build(g, b.norm1.Build(g, x)), b.scale1)
	return branch(x, b.fc2.Build(g, nn.GELU().Build(g, b.fc1.Build(g, b.norm2.Build(g, x)))), b.scale2)
}

// Children returns the layers, in the order of timm.
func (b *vitBlock) Children() []nn.Child {
	c := []nn.Child{{Name: "norm1", Module: b.norm1}, {Name: "attn", Module: b.attention}}
	if b.scale1 != nil {
		c = append(c, nn.Child{Name: "ls1", Module: b.scale1})
	}
	c = append(c, nn.Child{Name: "norm2", Module: b.norm2}, nn.Child{Name: "mlp", Module: nn.NewNamed(
		nn.Child{Name: "fc1", Module: b.fc1}, nn.Child{Name: "fc2", Module: b.fc2})})
	if b.scale2 != nil {
		c = append(c, nn.Child{Name: "ls2", Module: b.scale2})
	}
	return c
}

// initViT is timm's, N(0, 0.02²) for the weights of linear layers and the positions and
// nearly 0 for class and register tokens, but for the patches' convolution, which has
// He's initial values here.
func initViT(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		switch {
		case e.Kind == nn.LinearWeight, e.Name == "pos_embed":
			nn.Normal(e, 0.02, r)
		case e.Name == "cls_token", e.Name == "reg_token":
			nn.Normal(e, 1e-6, r)
		case e.Kind == nn.ConvWeight:
			nn.KaimingUniform(e, r)
		}
	}
}
