package models

import (
	"fmt"
	"math"
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// RegNet X and Y (Radosavovic et al. 2020, https://arxiv.org/abs/2003.13678), as
// torchvision builds them: residual blocks with grouped convolutions, whose widths
// follow a line; Y has squeeze-and-excitation too.
var (
	RegNetY400MF = builtin(regNetY400MF.torchvision("regnet_y_400mf", imageNetV2("regnet_y_400mf-e6988f5f.pth"), imageNetV1("regnet_y_400mf-c65dace8.pth")))
	RegNetY800MF = builtin(regNetY800MF.torchvision("regnet_y_800mf", imageNetV2("regnet_y_800mf-58fc7688.pth"), imageNetV1("regnet_y_800mf-1b27b58c.pth")))
	RegNetY1_6GF = builtin(regNetY1_6GF.torchvision("regnet_y_1_6gf", imageNetV2("regnet_y_1_6gf-0d7bc02a.pth"), imageNetV1("regnet_y_1_6gf-b11a554e.pth")))
	RegNetY3_2GF = builtin(regNetY3_2GF.torchvision("regnet_y_3_2gf", imageNetV2("regnet_y_3_2gf-9180c971.pth"), imageNetV1("regnet_y_3_2gf-b5a9779c.pth")))
	RegNetX400MF = builtin(regNetX400MF.torchvision("regnet_x_400mf", imageNetV2("regnet_x_400mf-62229a5f.pth"), imageNetV1("regnet_x_400mf-adf1edd5.pth")))
	RegNetX800MF = builtin(regNetX800MF.torchvision("regnet_x_800mf", imageNetV2("regnet_x_800mf-94a99ebd.pth"), imageNetV1("regnet_x_800mf-ad17e45c.pth")))
	RegNetX1_6GF = builtin(regNetX1_6GF.torchvision("regnet_x_1_6gf", imageNetV2("regnet_x_1_6gf-a12f2b72.pth"), imageNetV1("regnet_x_1_6gf-e3633e7f.pth")))
	RegNetX3_2GF = builtin(regNetX3_2GF.torchvision("regnet_x_3_2gf", imageNetV2("regnet_x_3_2gf-7071aa85.pth"), imageNetV1("regnet_x_3_2gf-f342aeae.pth")))
)

// The same networks under timm's names, but for two, which have widths of their own there.
var (
	TimmRegNetY004 = builtin(regNetY400MF.timm("regnety_004"))
	TimmRegNetY008 = builtin(timmRegNetY008.timm("regnety_008"))
	TimmRegNetY016 = builtin(regNetY1_6GF.timm("regnety_016"))
	TimmRegNetY032 = builtin(regNetY3_2GF.timm("regnety_032"))
	TimmRegNetX004 = builtin(timmRegNetX004.timm("regnetx_004"))
	TimmRegNetX008 = builtin(regNetX800MF.timm("regnetx_008"))
	TimmRegNetX016 = builtin(regNetX1_6GF.timm("regnetx_016"))
	TimmRegNetX032 = builtin(regNetX3_2GF.timm("regnetx_032"))
)

var (
	regNetY400MF = regNet{[4]int{1, 3, 6, 6}, [4]int{48, 104, 208, 440}, 8, true}
	regNetY800MF = regNet{[4]int{1, 3, 8, 2}, [4]int{64, 144, 320, 784}, 16, true}
	regNetY1_6GF = regNet{[4]int{2, 6, 17, 2}, [4]int{48, 120, 336, 888}, 24, true}
	regNetY3_2GF = regNet{[4]int{2, 5, 13, 1}, [4]int{72, 216, 576, 1512}, 24, true}
	regNetX400MF = regNet{[4]int{1, 2, 7, 12}, [4]int{32, 64, 160, 400}, 16, false}
	regNetX800MF = regNet{[4]int{1, 3, 7, 5}, [4]int{64, 128, 288, 672}, 16, false}
	regNetX1_6GF = regNet{[4]int{2, 4, 10, 2}, [4]int{72, 168, 408, 912}, 24, false}
	regNetX3_2GF = regNet{[4]int{2, 6, 15, 2}, [4]int{96, 192, 432, 1008}, 48, false}

	// Torchvision rounds a width to whole groups upward where it would lose more than a
	// tenth, as timm does in regnety_008_tv and regnetx_004_tv only.
	timmRegNetY008 = regNet{[4]int{1, 3, 8, 2}, [4]int{64, 128, 320, 768}, 16, true}
	timmRegNetX004 = regNet{[4]int{1, 2, 7, 12}, [4]int{32, 64, 160, 384}, 16, false}
)

// regNet describes a network: blocks and channels of its four stages, channels of a
// group, and whether blocks have squeeze-and-excitation.
type regNet struct {
	depths, widths [4]int
	group          int
	squeeze        bool
}

// torchvision is the network under torchvision's names.
func (n regNet) torchvision(name string, w ...Published) *Architecture {
	return &Architecture{
		Name: name, Features: n.widths[3], Weights: w, Init: initRegNet,
		Layers:    Layers{Blocks: `trunk_output\.block\d\.block(\d)-(\d+)`},
		Spellings: []Spelling{{Name: regNetToTimm}},
		Units: func() *nn.Sequential {
			stages := make([]nn.Child, 4)
			for i := range stages {
				stages[i] = nn.Child{Name: fmt.Sprint("block", i+1), Module: n.stage(i, func(k int, b *regNetBlock) nn.Child {
					return nn.Child{Name: fmt.Sprintf("block%d-%d", i+1, k), Module: b}
				})}
			}
			c := convNorm{eps: 1e-5, momentum: 0.1, activation: op.ReLU}
			return nn.NewNamed(
				nn.Child{Name: "stem", Module: c.dense(3, regNetStem, 3, 2)},
				nn.Child{Name: "trunk_output", Module: nn.NewNamed(stages...)})
		},
	}
}

// timm is the network under timm's names. It has no weights of torchvision's, which
// are known under torchvision's name of the network.
func (n regNet) timm(name string) *Architecture {
	return &Architecture{
		Name: name, Features: n.widths[3], Init: initTimmRegNet,
		Layers:    Layers{Blocks: `s(\d)\.b(\d+)`},
		Spellings: []Spelling{{Name: regNetToTorchvision}},
		Units: func() *nn.Sequential {
			stem := nn.NewNamed(
				nn.Child{Name: "conv", Module: nn.NewConv2d(3, regNetStem, 3, 2, 1, false)},
				nn.Child{Name: "bn", Module: nn.NewBatchNorm(regNetStem)},
				nn.Child{Name: "act", Module: nn.ReLU()})
			units := []nn.Child{{Name: "stem", Module: stem}}
			for i := range 4 {
				units = append(units, nn.Child{Name: fmt.Sprint("s", i+1), Module: n.stage(i, func(k int, b *regNetBlock) nn.Child {
					b.timm = true
					return nn.Child{Name: fmt.Sprint("b", k+1), Module: b}
				})})
			}
			return nn.NewNamed(units...)
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(
				nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: "head", Module: nn.NewNamed(nn.Child{Name: "fc", Module: nn.NewLinear(n.widths[3], classes, true)})})
		},
	}
}

// regNetStem is the number of channels of the first layer.
const regNetStem = 32

// stage is stage i, whose block k is called what named says.
func (n regNet) stage(i int, named func(k int, b *regNetBlock) nn.Child) *nn.Sequential {
	in, stride, out := regNetStem, 2, n.widths[i]
	if i > 0 {
		in = n.widths[i-1]
	}
	blocks := make([]nn.Child, n.depths[i])
	for k := range blocks {
		blocks[k] = named(k, newRegNetBlock(in, out, stride, n.group, n.squeeze))
		in, stride = out, 1
	}
	return nn.NewNamed(blocks...)
}

// regNetBlock is y = relu(c(se(relu(b(relu(a(x)))))) + proj(x)), each letter a
// convolution and a batch norm, b in groups.
type regNetBlock struct {
	a, c       *nn.Conv2d
	b          *nn.GroupedConv2d
	normA      *nn.BatchNorm
	normB      *nn.BatchNorm
	normC      *nn.BatchNorm
	squeeze    *nn.SqueezeExcite // nil for none
	proj       *nn.Conv2d        // nil for the identity
	normOfProj *nn.BatchNorm
	timm       bool // under timm's names
	dropPath
}

func newRegNetBlock(in, out, stride, group int, squeeze bool) *regNetBlock {
	b := &regNetBlock{
		a: nn.NewConv2d(in, out, 1, 1, 0, false), normA: nn.NewBatchNorm(out),
		b: nn.NewGroupedConv2d(out, out, 3, stride, out/group, false), normB: nn.NewBatchNorm(out),
		c: nn.NewConv2d(out, out, 1, 1, 0, false), normC: nn.NewBatchNorm(out),
	}
	if squeeze { // a quarter of the channels that reach the block, halves to the even number
		b.squeeze = nn.NewSqueezeExcite(out, int(math.RoundToEven(float64(in)/4)), nn.ReLU(), nn.Sigmoid())
	}
	if in != out || stride != 1 {
		b.proj, b.normOfProj = nn.NewConv2d(in, out, 1, stride, 0, false), nn.NewBatchNorm(out)
	}
	return b
}

// Build appends the block, reading x [N,H,W,C].
func (b *regNetBlock) Build(g *graph.Graph, x graph.Value) graph.Value {
	shortcut := x
	if b.proj != nil {
		shortcut = b.normOfProj.Build(g, b.proj.Build(g, x))
	}
	h := g.Add(op.ReLU, b.normA.Build(g, b.a.Build(g, x)))
	h = g.Add(op.ReLU, b.normB.Build(g, b.b.Build(g, h)))
	if b.squeeze != nil {
		h = b.squeeze.Build(g, h)
	}
	h = b.normC.Build(g, b.c.Build(g, h))
	return g.Add(op.ReLU, b.add(g, shortcut, h))
}

// Children returns the layers in the order and under the names of the library.
func (b *regNetBlock) Children() []nn.Child {
	pair := func(name, conv, norm string, c nn.Module, n *nn.BatchNorm) nn.Child {
		return nn.Child{Name: name, Module: nn.NewNamed(nn.Child{Name: conv, Module: c}, nn.Child{Name: norm, Module: n})}
	}
	if b.timm {
		c := []nn.Child{pair("conv1", "conv", "bn", b.a, b.normA), pair("conv2", "conv", "bn", b.b, b.normB)}
		if b.squeeze != nil {
			c = append(c, nn.Child{Name: "se", Module: b.squeeze})
		}
		c = append(c, pair("conv3", "conv", "bn", b.c, b.normC))
		if b.proj != nil {
			c = append(c, pair("downsample", "conv", "bn", b.proj, b.normOfProj))
		}
		return c
	}
	path := []nn.Child{pair("a", "0", "1", b.a, b.normA), pair("b", "0", "1", b.b, b.normB)}
	if b.squeeze != nil {
		path = append(path, nn.Child{Name: "se", Module: b.squeeze})
	}
	path = append(path, pair("c", "0", "1", b.c, b.normC))
	var c []nn.Child
	if b.proj != nil {
		c = append(c, pair("proj", "0", "1", b.proj, b.normOfProj))
	}
	return append(c, nn.Child{Name: "f", Module: nn.NewNamed(path...)})
}

// regNetParts are the parts of a block's names in torchvision and in timm.
var regNetParts = [][2]string{
	{"f.a.0.", "conv1.conv."}, {"f.a.1.", "conv1.bn."}, {"f.b.0.", "conv2.conv."}, {"f.b.1.", "conv2.bn."},
	{"f.c.0.", "conv3.conv."}, {"f.c.1.", "conv3.bn."}, {"f.se.", "se."},
	{"proj.0.", "downsample.conv."}, {"proj.1.", "downsample.bn."},
}

// regNetToTimm returns timm's name of what torchvision calls name.
func regNetToTimm(name string) string {
	var stage, again, block int
	var rest string
	if n, _ := fmt.Sscanf(name, "trunk_output.block%d.block%d-%d.%s", &stage, &again, &block, &rest); n == 4 {
		for _, p := range regNetParts {
			if end, ok := strings.CutPrefix(rest, p[0]); ok {
				return fmt.Sprintf("s%d.b%d.%s%s", stage, block+1, p[1], end)
			}
		}
	}
	return strings.NewReplacer("stem.0.", "stem.conv.", "stem.1.", "stem.bn.", "fc.", "head.fc.").Replace(name)
}

// regNetToTorchvision is the reverse of regNetToTimm.
func regNetToTorchvision(name string) string {
	var stage, block int
	var rest string
	if n, _ := fmt.Sscanf(name, "s%d.b%d.%s", &stage, &block, &rest); n == 3 {
		for _, p := range regNetParts {
			if end, ok := strings.CutPrefix(rest, p[1]); ok {
				return fmt.Sprintf("trunk_output.block%d.block%d-%d.%s%s", stage, stage, block-1, p[0], end)
			}
		}
	}
	return strings.NewReplacer("stem.conv.", "stem.0.", "stem.bn.", "stem.1.", "head.fc.", "fc.").Replace(name)
}

// initRegNet is torchvision's: Kaiming normal with fan out, N(0, 0.01²) for the linear
// layer, whose bias is 0; the biases of squeeze-and-excitation are torch's default.
func initRegNet(m nn.Module, r *rng.Stream) {
	InitKaiming(m, r)
	for _, e := range nn.Parameters(m) {
		switch {
		case e.Kind == nn.LinearWeight:
			nn.Normal(e, 0.01, r)
		case strings.HasPrefix(e.Name, "fc.") && e.Kind == nn.Bias:
			nn.Fill(e, 0)
		}
	}
}

// initTimmRegNet is timm's: N(0, 2/fan_out), the groups counted, N(0, 0.01²) for the
// linear layer, biases 0, and 0 for the scale of the norm that ends a block.
func initTimmRegNet(m nn.Module, r *rng.Stream) {
	grouped := map[*float32]int{}
	nn.Walk(m, func(_ string, m nn.Module) {
		if b, ok := m.(*regNetBlock); ok {
			grouped[&b.b.Weight.Value.Data[0]] = b.b.Groups
			grouped[&b.normC.S.Weight.Value.Data[0]] = 0
		}
	})
	for _, e := range nn.Parameters(m) {
		groups, special := grouped[&e.Param.Value.Data[0]]
		switch {
		case e.Kind == nn.ConvWeight && special:
			nn.Normal(e, math.Sqrt(2*float64(groups)/float64(e.Shape[0]*e.Shape[2]*e.Shape[3])), r)
		case e.Kind == nn.ConvWeight:
			nn.KaimingNormal(e, true, r)
		case e.Kind == nn.LinearWeight:
			nn.Normal(e, 0.01, r)
		case special:
			nn.Fill(e, 0)
		}
	}
}
