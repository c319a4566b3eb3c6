package op_test

import (
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/nn/optest"
	"github.com/whippet-ml/whippet/rng"
)

// builder adds operations whose parameters it draws and remembers.
type builder struct {
	*graph.Graph
	r      *rng.Stream
	params []*autograd.Parameter
}

// conv adds a convolution with bias.
func (b *builder) conv(x graph.Value, k, in, out, stride, pad int) graph.Value {
	c, p := newConv(b.r, k, in, out, stride, pad, true, false)
	b.params = append(b.params, p...)
	return b.Add(c, x)
}

// norm adds a batch norm of c channels.
func (b *builder) norm(x graph.Value, c int) graph.Value {
	n, p := newNorm(b.r, c, false)
	b.params = append(b.params, p...)
	return b.Add(n, x)
}

func (b *builder) relu(x graph.Value) graph.Value { return b.Add(op.ReLU, x) }

// built makes a graph of 3 input channels.
func built(f func(b *builder, x graph.Value) graph.Value) func(*graph.Graph, *rng.Stream) (graph.Value, []*autograd.Parameter) {
	return func(g *graph.Graph, r *rng.Stream) (graph.Value, []*autograd.Parameter) {
		b := &builder{Graph: g, r: r}
		v := f(b, graph.Input)
		return v, b.params
	}
}

// Names of rewrites.
const (
	relu     = "activation(operation)"
	identity = "identity"
	add      = "add(operation, value)"
	branches = "concat(conv, conv, …)"
	heads    = "concat(global max, global average)"
	normStem = "maxpool(relu(norm))"
	convStem = "maxpool(relu(conv))"
	fold     = "norm(conv)"
	expand   = "depthwise(1×1 conv)"
	scaled   = "conv(scale)"
	dropout  = "dropout outside of training"

	scaleFold  = "layerscale(operation)"
	scaleLayer = "layerscale(linear)"

	convMask     = "backward of conv(relu)"
	branchesMask = "backward of branches(relu)"
	poolMask     = "backward of maxpool(relu)"
)

var stemPool = op.MaxPool{Kernel: 3, Stride: 2, Ceil: true}

var rewriteCases = []optest.GraphCase{
	{
		Name: "residual branch with a layer scale", Input: []int{2, 3, 4, 6}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			l := &op.Linear{Weight: newParam(b.r, 6, 6), Bias: newParam(b.r, 6)}
			s := &op.LayerScale{Gamma: newParam(b.r, 6)}
			b.params = append(b.params, l.Weight, l.Bias, s.Gamma)
			return b.Add(op.Add{}, x, b.Add(s, b.Add(l, b.Add(op.GELU, x))))
		}),
		Training: []string{scaleLayer, add}, Inference: []string{scaleFold, add},
	},
	{
		Name: "layer scale without a bias, and two readers", Input: []int{2, 3, 4, 6}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			l := &op.Linear{Weight: newParam(b.r, 6, 6)}
			s, u := &op.LayerScale{Gamma: newParam(b.r, 6)}, &op.LayerScale{Gamma: newParam(b.r, 6)}
			b.params = append(b.params, l.Weight, s.Gamma, u.Gamma)
			v := b.Add(s, b.Add(l, x))
			return b.Add(op.Add{}, v, b.Add(u, v))
		}),
		Training: []string{scaleLayer}, Inference: []string{scaleFold},
	},
	{
		Name: "residual block", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			x = b.norm(b.conv(x, 3, 3, 4, 1, 1), 4)
			return b.relu(b.Add(op.Add{}, x, b.norm(b.conv(b.relu(x), 3, 4, 4, 1, 1), 4)))
		}),
		Training: []string{add, relu}, Inference: []string{fold, fold, add, relu},
	},
	{
		Name: "squeeze-and-excitation before a 1×1 convolution in a residual block", Input: []int{3, 4, 5, 20}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			z := b.Add(op.Hardsigmoid, b.conv(b.Add(op.GlobalPool{Keep: true}, x), 1, 20, 20, 1, 0))
			return b.relu(b.Add(op.Add{}, x, b.norm(b.conv(b.Add(op.ScaleChannels{}, x, z), 1, 20, 20, 1, 0), 20)))
		}),
		Training: []string{add, relu}, Inference: []string{relu, scaled, fold, add, relu},
	},
	{
		Name: "squeeze-and-excitation before other convolutions", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			s := b.Add(op.ScaleChannels{}, x, b.Add(op.GlobalPool{Keep: true}, x))
			u := b.conv(b.Add(op.ScaleChannels{}, x, b.Add(op.GlobalPool{Keep: true}, x)), 3, 3, 4, 1, 1)
			return b.Add(op.Concat{}, b.conv(s, 1, 3, 4, 1, 0), s, u)
		}),
	},
	{
		Name: "convolution and relu", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build:    built(func(b *builder, x graph.Value) graph.Value { return b.relu(b.conv(x, 3, 3, 6, 1, 1)) }),
		Training: []string{relu}, Inference: []string{relu},
	},
	{
		Name: "two norms after a convolution", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.relu(b.norm(b.norm(b.conv(x, 3, 3, 4, 1, 1), 4), 4))
		}),
		Training: []string{relu}, Inference: []string{fold, fold, relu},
	},
	{
		Name: "branches", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(op.Concat{}, b.relu(b.conv(x, 1, 3, 4, 1, 0)), b.relu(b.conv(x, 3, 3, 5, 1, 1)))
		}),
		Training: []string{relu, relu, branches}, Inference: []string{relu, relu, branches},
	},
	{
		Name: "branches without relu", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(op.Concat{}, b.conv(x, 1, 3, 4, 1, 0), b.conv(x, 3, 3, 5, 1, 1))
		}),
		Inference: []string{branches},
	},
	{
		Name: "stem with norm", Input: []int{2, 9, 8, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(stemPool, b.relu(b.norm(b.conv(x, 3, 3, 6, 1, 1), 6)))
		}),
		Training: []string{relu, normStem}, Inference: []string{fold, relu, convStem},
	},
	{
		Name: "stem without norm", Input: []int{2, 15, 13, 3},
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(stemPool, b.relu(b.conv(x, 3, 3, 20, 2, 0)))
		}),
		Training: []string{relu, convStem}, Inference: []string{relu, convStem},
	},
	{
		Name: "stem without norm whose input needs a gradient", Input: []int{2, 15, 13, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(stemPool, b.relu(b.conv(x, 3, 3, 20, 2, 0)))
		}),
		Training: []string{relu, poolMask}, Inference: []string{relu, convStem},
	},
	{
		Name: "activations other than relu", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			x = b.Add(op.SiLU, b.norm(b.conv(x, 3, 3, 4, 1, 1), 4))
			y := b.Add(op.Hardswish, b.Add(op.Add{}, x, b.norm(b.conv(b.Add(op.GELU, x), 3, 4, 4, 1, 1), 4)))
			l := &op.Linear{Weight: newParam(b.r, 3, 4)}
			b.params = append(b.params, l.Weight)
			return b.Add(op.Sigmoid, b.Add(l, b.Add(op.GlobalPool{}, b.Add(op.GELUTanh, y))))
		}),
		Training: []string{add}, Inference: []string{fold, relu, fold, add, relu, relu},
	},
	{
		Name: "activations one after another", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(op.SiLU, b.relu(b.Add(op.Identity, b.conv(x, 3, 3, 6, 1, 1))))
		}),
		Training: []string{identity, relu}, Inference: []string{identity, relu},
	},
	{
		Name: "branches with and without an activation", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			return b.Add(op.Concat{}, b.Add(op.Hardsigmoid, b.conv(x, 1, 3, 4, 1, 0)), b.conv(x, 3, 3, 5, 1, 1))
		}),
		Inference: []string{relu, branches},
	},
	{
		Name: "head", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			x = b.conv(x, 3, 3, 6, 1, 1)
			return b.Add(op.Dropout{P: 0.5}, b.Add(op.Concat{}, b.Add(op.GlobalPool{Max: true}, x), b.Add(op.GlobalPool{}, x)))
		}),
		Training: []string{heads}, Inference: []string{dropout},
	},
	{
		Name: "dropout of nothing", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build:    built(func(b *builder, x graph.Value) graph.Value { return b.Add(op.Dropout{}, b.conv(x, 1, 3, 4, 1, 0)) }),
		Training: []string{dropout}, Inference: []string{dropout},
	},
	{
		Name: "squeeze, branches and a convolution", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			x = b.relu(b.conv(x, 1, 3, 4, 1, 0))
			x = b.Add(op.Concat{}, b.relu(b.conv(x, 1, 4, 5, 1, 0)), b.relu(b.conv(x, 3, 4, 7, 1, 1)))
			return b.conv(x, 3, 12, 2, 1, 1)
		}),
		Training: []string{relu, relu, relu, branches, branchesMask, convMask}, Inference: []string{relu, relu, relu, branches},
	},
	{
		Name: "inverted residual", Input: []int{2, 6, 5, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			y := b.Add(op.ReLU6, b.norm(b.conv(x, 1, 3, 9, 1, 0), 9))
			d, p := newDepthwise(b.r, 3, 3, 9, 1, op.Padding{Rows: 1, Cols: 1}, true, op.Identity)
			b.params = append(b.params, p...)
			y = b.Add(op.Hardswish, b.norm(b.Add(d, y), 9))
			return b.Add(op.Add{}, x, b.norm(b.conv(y, 1, 9, 3, 1, 0), 3))
		}),
		Training: []string{add}, Inference: []string{fold, relu, expand, fold, relu, fold, add},
	},
	{
		Name: "a value and weights read twice", Input: []int{2, 4, 4, 3}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			c, p := newConv(b.r, 3, 3, 3, 1, 1, true, false)
			b.params = append(b.params, p...)
			y := b.Add(c, x)
			return b.Add(op.Concat{}, b.Add(c, y), y)
		}),
	},
}

func TestRewrites(t *testing.T) { optest.RunGraphs(t, rewriteCases...) }

// fire is a case with a Fire (squeeze, then two convolutions joined) whose result,
// which takes its gradient before the ReLU where it can, is read in the given ways.
func fire(name string, training, inference []string, ways ...func(b *builder, x graph.Value) graph.Value) optest.GraphCase {
	fused := []string{relu, relu, relu, branches}
	return optest.GraphCase{
		Name: name, Input: []int{2, 6, 7, 5}, NeedsGrad: true,
		Build: built(func(b *builder, x graph.Value) graph.Value {
			s := b.relu(b.conv(x, 1, 5, 4, 1, 0))
			x = b.Add(op.Concat{}, b.relu(b.conv(s, 1, 4, 5, 1, 0)), b.relu(b.conv(s, 3, 4, 7, 1, 1)))
			var all []graph.Value
			for _, way := range ways {
				all = append(all, way(b, x))
			}
			if len(all) == 1 {
				return all[0]
			}
			return b.Add(op.Concat{}, all...)
		}),
		Training: slices.Concat(fused, []string{branchesMask}, training), Inference: slices.Concat(fused, inference),
	}
}

// TestReadersOfReLU checks gradients that a value with ReLU gets from readers of
// several kinds, in several orders.
func TestReadersOfReLU(t *testing.T) {
	averaged := func(b *builder, x graph.Value) graph.Value { return b.Add(op.GlobalPool{}, x) }
	pointwise := func(b *builder, x graph.Value) graph.Value { return averaged(b, b.conv(x, 1, 12, 3, 1, 0)) }
	strided := func(b *builder, x graph.Value) graph.Value { return averaged(b, b.relu(b.conv(x, 1, 12, 3, 2, 0))) }
	pooled := func(b *builder, x graph.Value) graph.Value { return averaged(b, b.Add(stemPool, x)) }
	concat := func(b *builder, x graph.Value) graph.Value {
		return averaged(b, b.Add(op.Concat{}, b.relu(b.conv(x, 1, 12, 3, 1, 0)), b.relu(b.conv(x, 1, 12, 2, 1, 0))))
	}
	joined := slices.Clip([]string{relu, relu, branches})
	optest.RunGraphs(t,
		fire("1×1 convolution", []string{convMask}, nil, pointwise),
		fire("1×1 convolution at a stride", []string{convMask, relu}, []string{relu}, strided),
		fire("max pool", []string{poolMask}, nil, pooled),
		fire("global pool", nil, nil, averaged),
		fire("joined convolutions", append(joined, branchesMask), joined, concat),
		fire("global pool, then convolution", nil, nil, averaged, pointwise),
		fire("convolution, then global pool", nil, nil, pointwise, averaged),
		fire("two convolutions", []string{relu}, []string{relu}, pointwise, strided),
		fire("convolution and max pool", nil, nil, pointwise, pooled),
		fire("max pool and convolution", nil, nil, pooled, pointwise),
		fire("four ways", joined, joined, averaged, pooled, concat, pointwise),
	)
}
