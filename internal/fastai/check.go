package fastai

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// Names and shapes of parameters do not tell everything: a stride, a padding, a
// constant of a batch norm or an activation may differ where they are the same, and
// predictions with them. So these are compared, as far as both sides show them.

// Layer is what a layer of the body computes, but for its parameters.
type Layer struct {
	weight string // the name of the layer's weight in Network.Weights; "" for an activation
	what   string // such as "stride 2, padding 1", "eps 1e-05", or the name of an activation
	kind   layerKind
}

type layerKind int

const (
	convolution layerKind = iota
	norm
	activation
)

// activations are the classes of torch and timm by the name of the function.
var activations = map[string]op.Activation{
	"ReLU": op.ReLU, "ReLU6": op.ReLU6, "Sigmoid": op.Sigmoid, "SiLU": op.SiLU, "Swish": op.SiLU, "SwishMe": op.SiLU,
	"Hardsigmoid": op.Hardsigmoid, "HardSigmoid": op.Hardsigmoid, "HardSigmoidMe": op.Hardsigmoid,
	"Hardswish": op.Hardswish, "HardSwish": op.Hardswish, "HardSwishMe": op.Hardswish,
}

// layersOf lists the convolutions, batch norms and activations of a body, and
// refuses what was hooked into it.
func layersOf(body any) ([]Layer, error) {
	var layers []Layer
	visits := 0
	var walk func(name string, m any, depth int) error
	walk = func(name string, m any, depth int) error {
		if visits++; visits > 1<<14 || depth > maxDepth {
			return fmt.Errorf("the body has more than %d layers, or they contain each other", 1<<14)
		}
		for _, hooks := range []string{"_forward_hooks", "_forward_pre_hooks"} {
			if d, ok := pickle.Attr(m, hooks).(*pickle.Dict); ok && len(d.Keys) > 0 {
				return fmt.Errorf("a function is hooked to the network's module %q, which may change what it computes", shown(name))
			}
		}
		if l, ok := layerOf(name, m); ok {
			layers = append(layers, l)
		}
		members, _ := pickle.Attr(m, "_modules").(*pickle.Dict)
		if members == nil {
			return nil
		}
		for i, k := range members.Keys {
			part, _ := k.(string)
			if len(name)+len(part) > 1000 {
				return fmt.Errorf("a module of the body has a name of more than 1000 bytes")
			}
			if err := walk(name+"."+part, members.Values[i], depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return layers, walk("0", body, 0)
}

func layerOf(name string, m any) (Layer, bool) {
	class, _ := classOf(m)
	last := class[strings.LastIndexByte(class, '.')+1:]
	switch {
	case pickle.Attr(m, "kernel_size") != nil && pickle.Attr(m, "dilation") != nil && pickle.Attr(m, "groups") != nil:
		stride, _, ok1 := pair(pickle.Attr(m, "stride"))
		dilation, _, ok2 := pair(pickle.Attr(m, "dilation"))
		rows, cols, ok3 := pair(pickle.Attr(m, "padding"))
		kh, kw, ok4 := pair(pickle.Attr(m, "kernel_size"))
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return Layer{}, false
		}
		p := op.Padding{Rows: rows, Cols: cols, Same: strings.HasPrefix(last, "Conv2dSame")}
		l := Layer{weight: name + ".weight", what: convolves(stride, p, kh, kw), kind: convolution}
		if dilation != 1 {
			l.what += fmt.Sprintf(", dilation %d", dilation)
		}
		return l, true
	case strings.HasPrefix(last, "BatchNorm"):
		if eps, ok := number(pickle.Attr(m, "eps")); ok {
			return Layer{weight: name + ".weight", what: fmt.Sprintf("eps %g", eps), kind: norm}, true
		}
	case strings.HasPrefix(class, "torch.nn.modules.activation.") || strings.HasPrefix(class, "timm.layers.activations"):
		return Layer{what: last, kind: activation}, true
	}
	return Layer{}, false
}

// convolves describes a convolution. "Same" padding with stride 1 is that by half
// of the window on each side.
func convolves(stride int, p op.Padding, kh, kw int) string {
	if p.Same && stride == 1 && kh%2 == 1 && kw%2 == 1 {
		p = op.Padding{Rows: kh / 2, Cols: kw / 2}
	}
	if p.Same {
		return fmt.Sprintf("stride %d, same padding", stride)
	}
	return fmt.Sprintf("stride %d, padding %d×%d", stride, p.Rows, p.Cols)
}

// Check compares the layers of the file's body with those of c, which has its
// weights, and returns an error for the first that computes something else.
func (n *Network) Check(c *models.Classifier) error {
	g := graph.New()
	g.Output = c.Body.Build(g, graph.Input)
	ours, theirs := map[string][]string{}, map[string][]string{}
	uses := map[op.Activation]bool{}
	for _, node := range g.Nodes[1:] {
		switch o := node.Op.(type) {
		case *op.Conv:
			w := o.Weight.Value.Shape
			add(ours, []int{w[3], w[2], w[0], w[1]}, convolves(o.Stride, op.Padding{Rows: o.Pad, Cols: o.Pad}, w[0], w[1]))
			uses[o.Activation] = true
		case *op.DepthwiseConv:
			w := o.Weight.Value.Shape
			add(ours, []int{w[3], w[2], w[0], w[1]}, convolves(o.Stride, o.Padding, w[0], w[1]))
			uses[o.Activation] = true
		case *op.GroupedConv:
			w := o.Weight.Value.Shape
			add(ours, []int{w[3], w[2], w[0], w[1]}, convolves(o.Stride, o.Padding, w[0], w[1]))
			uses[o.Activation] = true
		case *op.Norm:
			add(ours, []int{len(o.State.RunningMean)}, fmt.Sprintf("eps %g", o.State.Eps))
			uses[o.Activation] = true
		case op.Activation:
			uses[o] = true
		}
	}
	for _, l := range n.Layers {
		if l.kind == activation {
			if a, ok := activations[l.what]; (!ok || !uses[a]) && !strings.HasPrefix(l.what, "GELU") {
				return fmt.Errorf("the body has the activation %s, which %s has not: predictions would differ", shown(l.what), c.Arch.Name)
			}
			continue
		}
		if a := n.Weights.Get(l.weight); a != nil {
			add(theirs, a.Shape, l.what)
		}
	}
	for shape, want := range ours {
		got := theirs[shape]
		if len(got) != len(want) {
			continue // one side has them in another form
		}
		slices.Sort(want)
		slices.Sort(got)
		for i := range want {
			if want[i] != got[i] {
				return fmt.Errorf("the body has a layer with parameters of shape %s and %s, where that of %s has %s: predictions would differ", shape, got[i], c.Arch.Name, want[i])
			}
		}
	}
	return nil
}

func add(to map[string][]string, shape []int, what string) {
	key := fmt.Sprint(shape)
	to[key] = append(to[key], what)
}
