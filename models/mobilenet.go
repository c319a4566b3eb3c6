package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381), as torchvision
// builds it.
var MobileNetV2 = builtin(withSpelling(mobileNetV2(), func() *Architecture { return mobileNetV2Timm("mobilenetv2_100", 1) }))

func mobileNetV2() *Architecture {
	return &Architecture{
		Name: "mobilenet_v2", Features: 1280, Prefix: "features", Init: initMobileNet,
		Layers:  Layers{Blocks: `features\.(\d+)\.conv`},
		Weights: []Published{imageNetV1("mobilenet_v2-b0353104.pth"), imageNetV2("mobilenet_v2-7ebf99e0.pth")},
		Units: func() *nn.Sequential {
			c := convNorm{eps: 1e-5, momentum: 0.1, activation: op.ReLU6}
			units := []nn.Module{c.dense(3, 32, 3, 2)}
			in := 32
			for _, s := range []struct{ expand, out, blocks, stride int }{
				{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
			} {
				for i := range s.blocks {
					stride := s.stride
					if i > 0 {
						stride = 1
					}
					units = append(units, newInvertedV2(c, in, s.expand*in, s.out, stride))
					in = s.out
				}
			}
			return nn.NewSequential(append(units, c.dense(in, 1280, 1, 1))...)
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(
				nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: "classifier", Module: nn.NewSequential(nn.Dropout{P: 0.2}, nn.NewLinear(1280, classes, true))})
		},
	}
}

// newInvertedV2 is MobileNetV2's block: its last convolution and norm stand beside
// the groups of the others.
func newInvertedV2(c convNorm, in, hidden, out, stride int) nn.Module {
	var path []nn.Module
	if hidden != in {
		path = append(path, c.dense(in, hidden, 1, 1))
	}
	path = append(path, c.depthwise(hidden, 3, stride), nn.NewConv2d(hidden, out, 1, 1, 0, false), c.norm(out))
	return &shortcut{name: "conv", path: nn.NewSequential(path...), add: stride == 1 && in == out}
}

// MobileNetV3 (Howard et al. 2019, https://arxiv.org/abs/1905.02244), as torchvision
// builds it.
var (
	MobileNetV3Large = builtin(mobileNetV3("mobilenet_v3_large", 1280, []invertedV3{
		{3, 16, 16, false, op.ReLU, 1},
		{3, 64, 24, false, op.ReLU, 2}, {3, 72, 24, false, op.ReLU, 1},
		{5, 72, 40, true, op.ReLU, 2}, {5, 120, 40, true, op.ReLU, 1}, {5, 120, 40, true, op.ReLU, 1},
		{3, 240, 80, false, op.Hardswish, 2}, {3, 200, 80, false, op.Hardswish, 1}, {3, 184, 80, false, op.Hardswish, 1}, {3, 184, 80, false, op.Hardswish, 1},
		{3, 480, 112, true, op.Hardswish, 1}, {3, 672, 112, true, op.Hardswish, 1},
		{5, 672, 160, true, op.Hardswish, 2}, {5, 960, 160, true, op.Hardswish, 1}, {5, 960, 160, true, op.Hardswish, 1},
	}, imageNetV1("mobilenet_v3_large-8738ca79.pth"), imageNetV2("mobilenet_v3_large-5c1a4163.pth")))
	MobileNetV3Small = builtin(mobileNetV3("mobilenet_v3_small", 1024, []invertedV3{
		{3, 16, 16, true, op.ReLU, 2},
		{3, 72, 24, false, op.ReLU, 2}, {3, 88, 24, false, op.ReLU, 1},
		{5, 96, 40, true, op.Hardswish, 2}, {5, 240, 40, true, op.Hardswish, 1}, {5, 240, 40, true, op.Hardswish, 1},
		{5, 120, 48, true, op.Hardswish, 1}, {5, 144, 48, true, op.Hardswish, 1},
		{5, 288, 96, true, op.Hardswish, 2}, {5, 576, 96, true, op.Hardswish, 1}, {5, 576, 96, true, op.Hardswish, 1},
	}, imageNetV1("mobilenet_v3_small-047dcff4.pth")))
)

// invertedV3 describes a block of MobileNetV3: a row of the paper's tables.
type invertedV3 struct {
	kernel, hidden, out int
	squeeze             bool
	activation          op.Activation
	stride              int
}

func mobileNetV3(name string, last int, blocks []invertedV3, w ...Published) *Architecture {
	features := 6 * blocks[len(blocks)-1].out
	return &Architecture{
		Name: name, Features: features, Prefix: "features", Weights: w, Init: initMobileNet,
		Units: func() *nn.Sequential {
			c := convNorm{eps: 1e-3, momentum: 0.01, activation: op.Hardswish}
			units := []nn.Module{c.dense(3, 16, 3, 2)}
			in := 16
			for _, b := range blocks {
				units = append(units, b.build(c, in))
				in = b.out
			}
			return nn.NewSequential(append(units, c.dense(in, features, 1, 1))...)
		},
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(
				nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}},
				nn.Child{Name: "classifier", Module: nn.NewSequential(
					nn.NewLinear(features, last, true), nn.Hardswish(), nn.Dropout{P: 0.2}, nn.NewLinear(last, classes, true))})
		},
	}
}

func (b invertedV3) build(c convNorm, in int) nn.Module {
	c.activation = b.activation
	var path []nn.Module
	if b.hidden != in {
		path = append(path, c.dense(in, b.hidden, 1, 1))
	}
	path = append(path, c.depthwise(b.hidden, b.kernel, b.stride))
	if b.squeeze {
		path = append(path, nn.NewSqueezeExcite(b.hidden, divisible(float64(b.hidden)/4, 8), nn.ReLU(), nn.Hardsigmoid()))
	}
	c.activation = op.Identity
	path = append(path, c.dense(b.hidden, b.out, 1, 1))
	return &shortcut{name: "block", path: nn.NewSequential(path...), add: b.stride == 1 && in == b.out}
}

// divisible rounds v to a multiple of by, but not down by more than a tenth: the
// widths of MobileNets and their kin.
func divisible(v float64, by int) int {
	n := max(by, int(float64(v)+float64(float64(by)/2))/by*by)
	if float64(n) < 0.9*v {
		n += by
	}
	return n
}

// initMobileNet is torchvision's: Kaiming normal with fan out, N(0, 0.01²) for linear
// layers, biases 0.
func initMobileNet(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		switch e.Kind {
		case nn.ConvWeight:
			nn.KaimingNormal(e, true, r)
		case nn.LinearWeight:
			nn.Normal(e, 0.01, r)
		}
	}
}

// convNorm makes convolutions without bias that a batch norm and an activation
// follow, named "0", "1" and "2": torchvision's Conv2dNormActivation.
type convNorm struct {
	eps, momentum float64 // of the norms
	activation    op.Activation
}

func (c convNorm) dense(in, out, kernel, stride int) nn.Module {
	return c.after(nn.NewConv2d(in, out, kernel, stride, kernel/2, false), out)
}

func (c convNorm) depthwise(channels, kernel, stride int) nn.Module {
	pad := op.Padding{Rows: kernel / 2, Cols: kernel / 2}
	return c.after(nn.NewDepthwiseConv2d(channels, kernel, stride, pad, false), channels)
}

func (c convNorm) after(conv nn.Module, channels int) nn.Module {
	layers := []nn.Module{conv, c.norm(channels)}
	if c.activation != op.Identity {
		layers = append(layers, nn.Activation(c.activation))
	}
	return nn.NewSequential(layers...)
}

func (c convNorm) norm(channels int) *nn.BatchNorm {
	n := nn.NewBatchNorm(channels)
	n.S.Eps, n.S.Momentum = c.eps, c.momentum
	return n
}

// shortcut is path(x), plus x where add is set: a residual block without an
// activation at its end.
type shortcut struct {
	name string // of the path in files
	path *nn.Sequential
	add  bool
	dropPath
}

// Build appends the block, reading x [N,H,W,C].
func (s *shortcut) Build(g *graph.Graph, x graph.Value) graph.Value {
	y := s.path.Build(g, x)
	if !s.add {
		return y
	}
	return s.dropPath.add(g, x, y)
}

// Children returns the path.
func (s *shortcut) Children() []nn.Child { return []nn.Child{{Name: s.name, Module: s.path}} }
