package models

import (
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/rng"
)

// SqueezeNet (Iandola et al. 2016), versions 1.0 and 1.1, as in torchvision.
var (
	SqueezeNet1_0 = builtin(squeezenet("squeezenet1_0", 21, imageNetV1("squeezenet1_0-b66bff10.pth"), func() *nn.Sequential {
		return nn.NewSequential(
			nn.NewConv2d(3, 96, 7, 2, 0, true), nn.ReLU(), squeezePool,
			newFire(96, 16, 64), newFire(128, 16, 64), newFire(128, 32, 128), squeezePool,
			newFire(256, 32, 128), newFire(256, 48, 192), newFire(384, 48, 192), newFire(384, 64, 256), squeezePool,
			newFire(512, 64, 256))
	}))
	SqueezeNet1_1 = builtin(squeezenet("squeezenet1_1", 17, imageNetV1("squeezenet1_1-b8a52dc0.pth"), func() *nn.Sequential {
		return nn.NewSequential(
			nn.NewConv2d(3, 64, 3, 2, 0, true), nn.ReLU(), squeezePool,
			newFire(64, 16, 64), newFire(128, 16, 64), squeezePool,
			newFire(128, 32, 128), newFire(256, 32, 128), squeezePool,
			newFire(256, 48, 192), newFire(384, 48, 192), newFire(384, 64, 256), newFire(512, 64, 256))
	}))
)

var squeezePool = nn.MaxPool2d{Kernel: 3, Stride: 2, Ceil: true}

func squeezenet(name string, minSize int, w Published, body func() *nn.Sequential) *Architecture {
	return &Architecture{
		Name: name, Features: 512, MinSize: minSize, Weights: []Published{w}, Prefix: "features",
		Cuts:  []int{5}, // features[:5] | features[5:]
		Units: body,
		Top: func(classes int) *nn.Sequential {
			return nn.NewNamed(nn.Child{Name: "classifier", Module: nn.NewSequential(
				nn.Dropout{P: 0.5}, nn.NewConv2d(512, classes, 1, 1, 0, true), nn.ReLU(), nn.GlobalAvgPool{})})
		},
		Init: initSqueezeNet,
	}
}

// initSqueezeNet is torchvision's: Kaiming uniform, N(0, 0.01²) for the final
// convolution, biases 0.
func initSqueezeNet(m nn.Module, r *rng.Stream) {
	for _, e := range nn.Parameters(m) {
		if e.Kind != nn.ConvWeight {
			continue
		}
		if e.Name == "classifier.1.weight" {
			nn.Normal(e, 0.01, r)
		} else {
			nn.KaimingUniform(e, r)
		}
	}
}

// fire is SqueezeNet's module: a 1×1 convolution that squeezes, then a 1×1 and
// a 3×3 one side by side that expand, each with ReLU.
type fire struct{ squeeze, expand1, expand3 *nn.Conv2d }

func newFire(in, squeeze, expand int) *fire {
	return &fire{
		squeeze: nn.NewConv2d(in, squeeze, 1, 1, 0, true),
		expand1: nn.NewConv2d(squeeze, expand, 1, 1, 0, true),
		expand3: nn.NewConv2d(squeeze, expand, 3, 1, 1, true),
	}
}

// Build appends the module, reading x [N,H,W,C]; the result has 2*expand channels.
func (f *fire) Build(g *graph.Graph, x graph.Value) graph.Value {
	relu := nn.ReLU()
	s := relu.Build(g, f.squeeze.Build(g, x))
	a := relu.Build(g, f.expand1.Build(g, s))
	b := relu.Build(g, f.expand3.Build(g, s))
	return g.Add(op.Concat{}, a, b)
}

// Children returns squeeze, expand1x1, expand3x3.
func (f *fire) Children() []nn.Child {
	return []nn.Child{{Name: "squeeze", Module: f.squeeze}, {Name: "expand1x1", Module: f.expand1}, {Name: "expand3x3", Module: f.expand3}}
}
