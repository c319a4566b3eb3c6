package nn

import (
	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// Attention is self-attention among tokens [N,T,C]: a linear layer to queries, keys
// and values, scaled dot-product attention, and another linear layer; timm's
// Attention.
type Attention struct {
	Heads     int
	QKV, Proj *Linear
}

// NewAttention returns attention of zero weights; channels is a multiple of heads.
func NewAttention(channels, heads int) *Attention {
	return &Attention{Heads: heads, QKV: NewLinear(channels, 3*channels, true), Proj: NewLinear(channels, channels, true)}
}

// Build appends the attention.
func (a *Attention) Build(g *graph.Graph, x graph.Value) graph.Value {
	return a.Proj.Build(g, g.Add(op.Attention{Heads: a.Heads}, a.QKV.Build(g, x)))
}

// Children returns the linear layers.
func (a *Attention) Children() []Child {
	return []Child{{Name: "qkv", Module: a.QKV}, {Name: "proj", Module: a.Proj}}
}

// Tokens makes tokens [N,P+h·w,C] of maps [N,h,w,C]: a class token, register tokens,
// and the pixels, with the embeddings of their positions added; see op.Tokens.
type Tokens struct {
	Op *op.Tokens
}

// NewTokens returns tokens of zeros for maps of grid×grid pixels, with a class token
// and so many register tokens. prefixed says that the class token has a position too.
func NewTokens(grid, channels, registers int, prefixed bool) *Tokens {
	o := &op.Tokens{Class: autograd.NewParameter(tensor.New(1, 1, channels)), Rows: grid, Cols: grid, Prefixed: prefixed}
	if registers > 0 {
		o.Registers = autograd.NewParameter(tensor.New(1, registers, channels))
	}
	places := grid * grid
	if prefixed {
		places += 1 + registers
	}
	o.Position = autograd.NewParameter(tensor.New(1, places, channels))
	return &Tokens{Op: o}
}

// Prefix is how many of the positions are those of tokens that stand before the pixels.
func (t *Tokens) Prefix() int {
	if t.Op.Prefixed {
		return t.Op.Prefix()
	}
	return 0
}

// SetGrid makes the positions those of maps of rows×cols pixels, all zero, before the
// tokens are built or their state is asked for.
func (t *Tokens) SetGrid(rows, cols int) {
	old := t.Op
	places := t.Prefix() + rows*cols
	t.Op = &op.Tokens{Class: old.Class, Registers: old.Registers, Rows: rows, Cols: cols, Prefixed: old.Prefixed,
		Position: autograd.NewParameter(tensor.New(1, places, old.Position.Value.Shape[2]))}
}

// Build appends the tokens.
func (t *Tokens) Build(g *graph.Graph, x graph.Value) graph.Value { return g.Add(t.Op, x) }

// State returns cls_token, reg_token if there is one, and pos_embed.
func (t *Tokens) State() []Entry {
	entry := func(name string, p *autograd.Parameter) Entry {
		return Entry{Name: name, Kind: OtherWeight, Shape: p.Value.Shape, Param: p}
	}
	s := []Entry{entry("cls_token", t.Op.Class)}
	if t.Op.Registers != nil {
		s = append(s, entry("reg_token", t.Op.Registers))
	}
	return append(s, entry("pos_embed", t.Op.Position))
}

// FirstToken is the first of the tokens [N,T,C], the class token: [N,C].
type FirstToken struct{}

// Build appends the choice.
func (FirstToken) Build(g *graph.Graph, x graph.Value) graph.Value { return g.Add(op.FirstToken{}, x) }
