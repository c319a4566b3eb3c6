package models

import (
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// dropPath is the part of a residual block that stochastic depth is set in.
type dropPath struct{ drop float64 }

// add adds the block's branch to x, left out at random where that was asked for.
func (d *dropPath) add(g *graph.Graph, x, branch graph.Value) graph.Value {
	if d.drop > 0 {
		branch = nn.StochasticDepth{P: d.drop}.Build(g, branch)
	}
	return g.Add(op.Add{}, x, branch)
}

func (d *dropPath) pathDrop() *float64 { return &d.drop }

// SetStochasticDepth lets training leave the branches of residual blocks out at random,
// picture by picture: the last block's with nearly probability rate or just that, earlier ones' less, in
// proportion to their place (Huang et al. 2016, https://arxiv.org/abs/1603.09382). The
// places are timm's drop_path_rate's: block i of n has rate·i/(n-1), in EfficientNets and
// mobile networks rate·i/n. It takes the place of what an architecture has by itself, and must be called
// before training begins. Without residual blocks, or with a rate outside of [0,1), it returns an error.
func (c *Classifier) SetStochasticDepth(rate float64) error {
	if !(rate >= 0 && rate < 1) {
		return fmt.Errorf("models: a stochastic-depth rate of %v: it must be 0 or more, and below 1", rate)
	}
	var blocks []*float64
	mobile := false
	nn.Walk(c.Body, func(_ string, m nn.Module) {
		if b, ok := m.(interface{ pathDrop() *float64 }); ok {
			blocks = append(blocks, b.pathDrop())
			switch m.(type) {
			case *shortcut, *mobileBlock:
				mobile = true
			}
		}
	})
	if len(blocks) == 0 {
		return fmt.Errorf("models: %s has no residual blocks: stochastic depth would do nothing", c.Arch.Name)
	}
	last := len(blocks) - 1
	if mobile {
		last = len(blocks)
	}
	for i, p := range blocks {
		*p = rate * float64(i) / float64(max(last, 1))
	}
	return nil
}
