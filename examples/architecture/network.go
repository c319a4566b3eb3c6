package main

import (
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// block is a module: y = x + norm(conv(hardswish(norm(conv(x))))), for maps of
// c channels. A module only describes a graph.
type block struct {
	conv1, conv2 *nn.Conv2d
	norm1, norm2 *nn.BatchNorm
}

func newBlock(c int) *block {
	return &block{nn.NewConv2d(c, c, 3, 1, 1, false), nn.NewConv2d(c, c, 3, 1, 1, false), nn.NewBatchNorm(c), nn.NewBatchNorm(c)}
}

// Build appends the block's operations, reading x [N,H,W,c].
func (b *block) Build(g *graph.Graph, x graph.Value) graph.Value {
	h := b.norm1.Build(g, b.conv1.Build(g, x))
	h = g.Add(Hardswish{}, h)
	h = b.norm2.Build(g, b.conv2.Build(g, h))
	return g.Add(op.Add{}, x, h)
}

// Children names the parts, under which their parameters stand in files.
func (b *block) Children() []nn.Child {
	return []nn.Child{
		{Name: "conv1", Module: b.conv1}, {Name: "norm1", Module: b.norm1},
		{Name: "conv2", Module: b.conv2}, {Name: "norm2", Module: b.norm2}}
}

// swishnet is an architecture with two stages, each in a layer group of its own.
var swishnet = &models.Architecture{
	Name: "swishnet", Features: 32,
	Units: func() *nn.Sequential {
		return nn.NewNamed(
			nn.Child{Name: "stage1", Module: stage(3, 16)},
			nn.Child{Name: "stage2", Module: stage(16, 32)})
	},
	Cuts: []int{1},
}

// stage halves the maps and doubles their number.
func stage(in, out int) nn.Module {
	return nn.NewSequential(nn.NewConv2d(in, out, 3, 2, 1, false), nn.NewBatchNorm(out), newBlock(out))
}
