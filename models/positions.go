package models

import (
	"math"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

// Files of vision transformers differ in for how many patches they have embeddings of
// positions: those of the pictures that they were trained with. A network takes the
// embeddings as the file has them, and resamples them itself for the pictures that it is
// given (op.Tokens); so they are resampled once, whatever the sizes, as timm does it.

// positioned is a module that has embeddings of positions, as its parameter pos_embed.
type positioned interface{ positions() *nn.Tokens }

// walkPositions calls visit with the tokens of a network and the name of their positions.
func walkPositions(m nn.Module, visit func(name string, t *nn.Tokens)) {
	nn.Walk(m, func(path string, m nn.Module) {
		if path != "" {
			path += "."
		}
		switch m := m.(type) {
		case *nn.Tokens:
			visit(path+"pos_embed", m)
		case positioned:
			visit(path+"pos_embed", m.positions())
		}
	})
}

// FitPositions makes the embeddings of positions in c's body as many as in f, which has
// the architecture's names, if their number is that of a square of patches; their values
// are those before only where the number is. It returns nil if there is nothing to
// change, otherwise what undoes the change.
func (c *Classifier) FitPositions(f *weights.File) (undo func()) {
	var undos []func()
	walkPositions(c.Body, func(name string, t *nn.Tokens) {
		a := f.Get(name)
		if a == nil {
			return
		}
		want := t.Op.Position.Value.Shape
		if grid, ok := gridOf(a.Shape, want, t.Prefix()); ok && (grid != t.Op.Rows || grid != t.Op.Cols) {
			before := t.Op
			t.SetGrid(grid, grid)
			undos = append(undos, func() { t.Op = before })
		}
	})
	if undos == nil {
		return nil
	}
	return func() {
		for _, u := range undos {
			u()
		}
	}
}

// gridOf returns the side of the square of patches that embeddings of this shape are of,
// false for a shape that no number of patches makes of want.
func gridOf(shape, want []int, prefix int) (side int, ok bool) {
	if len(shape) != 3 || shape[0] != 1 || shape[2] != want[2] || shape[1] <= prefix {
		return 0, false
	}
	side = int(math.Sqrt(float64(shape[1] - prefix)))
	return side, side*side == shape[1]-prefix
}

// specs returns what the body has to be in f: the architecture's names and shapes, with
// as many positions as f has.
func (l *layout) specs(f *weights.File) []weights.Spec {
	if len(l.prefixes) == 0 {
		return l.body
	}
	specs := append([]weights.Spec(nil), l.body...)
	for i, s := range specs {
		prefix, ok := l.prefixes[s.Name]
		if a := f.Get(s.Name); ok && a != nil {
			if _, ok := gridOf(a.Shape, s.Shape, prefix); ok {
				specs[i].Shape = a.Shape
			}
		}
	}
	return specs
}

// shapesOf returns a file with the names and shapes of a network and no values.
func shapesOf(state nn.StateDict) *weights.File {
	f := &weights.File{}
	for _, e := range state {
		f.Arrays = append(f.Arrays, weights.Array{Name: e.Name, Shape: e.Shape})
	}
	return f
}
