package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// headName is what a Classifier calls its head; see also isHead.
const headName = "head"

// HeadOption is an option of NewHead.
type HeadOption func(*headOptions)

type headOptions struct {
	width   int
	dropout float64
	pooled  bool
	linear  bool

	neighbors int // pictures that vote, 0 for another head
}

// HeadWidth sets how many values the head has between its two linear layers,
// at least 1; 512 by default, as in fastai.
func HeadWidth(n int) HeadOption { return func(o *headOptions) { o.width = n } }

// HeadDropout sets the probability, 0 to 1, with which a value is dropped before
// the last linear layer, and with half of it before the first; 0.5 by default, as
// in fastai. It is for training only; files of models have it.
func HeadDropout(p float64) HeadOption { return func(o *headOptions) { o.dropout = p } }

// HeadOfVectors leaves the pooling out, for a body whose result is [N,features]; see
// Architecture.Pooled.
func HeadOfVectors() HeadOption { return func(o *headOptions) { o.pooled = true } }

// HeadLinear makes the head one linear layer with a bias, on the averages of the body's maps: as
// torchvision's ResNets have it. It has no dropout.
func HeadLinear() HeadOption { return func(o *headOptions) { o.linear = true } }

// newHead is NewHead for the body of a.
func (a *Architecture) newHead(classes int, r *rng.Stream, opts ...HeadOption) nn.Module {
	if a.Pooled {
		opts = append(opts[:len(opts):len(opts)], HeadOfVectors())
	}
	return NewHead(a.Features, classes, r, opts...)
}

// headInputs is how many values of a picture reach the first linear layer of a head.
func (a *Architecture) headInputs() int {
	if a.Pooled {
		return a.Features
	}
	return 2 * a.Features // averages and maxima
}

// NewHead is fastai's create_head for a body with the given number of features:
// max and average pooling, batch norm, dropout, linear to the head's width without
// bias, ReLU, batch norm, dropout, linear without bias. Linear layers are Kaiming
// normal, drawn from r unless that is nil, batch-norm shifts start at 1e-3. It panics on options out
// of their range.
func NewHead(features, classes int, r *rng.Stream, opts ...HeadOption) nn.Module {
	o := headOptions{width: 512, dropout: defaultDropout}
	for _, set := range opts {
		set(&o)
	}
	if o.width < 1 || !(o.dropout >= 0 && o.dropout <= 1) {
		panic(fmt.Sprintf("models: a head of width %d with dropout %v; want a width of 1 at least and a probability", o.width, o.dropout))
	}
	var layers []nn.Module
	if o.neighbors > 0 {
		return newNeighborsHead(features, classes, o.neighbors, o.pooled)
	}
	if o.linear {
		return newLinearHead(features, classes, o.pooled, r)
	}
	if !o.pooled {
		layers = []nn.Module{nn.ConcatPool{}, nn.Identity{}} // AdaptiveConcatPool2d, Flatten
		features *= 2
	}
	h := nn.NewSequential(append(layers,
		nn.NewBatchNorm(features), nn.Dropout{P: o.dropout / 2}, nn.NewLinear(features, o.width, false), nn.ReLU(),
		nn.NewBatchNorm(o.width), nn.Dropout{P: o.dropout}, nn.NewLinear(o.width, classes, false))...)
	for _, e := range nn.Parameters(h) {
		switch {
		case e.Kind == nn.LinearWeight && r != nil:
			nn.KaimingNormal(e, false, r)
		case e.Kind == nn.NormShift:
			nn.Fill(e, 1e-3)
		}
	}
	return h
}

// headDropout returns the probability of the last dropout of a head, 0 if there is
// none.
func headDropout(head nn.Module) float64 {
	p := 0.0
	for _, c := range nn.Children(head) {
		if d, ok := c.Module.(nn.Dropout); ok {
			p = d.P
		}
	}
	return p
}

// headLinear returns the weights of the two linear layers of a's head, [width, inputs]
// and [classes, width], under the names that they have in the head.
func (a *Architecture) headLinear() (names [2]string) {
	n := 0
	opts := []HeadOption{HeadWidth(1)}
	if a.Pooled {
		opts = append(opts, HeadOfVectors())
	}
	for _, e := range nn.Parameters(NewHead(1, 1, nil, opts...)) {
		if e.Kind == nn.LinearWeight {
			names[n] = e.Name
			n++
		}
	}
	return names
}

// ErrNoHead means that a file has no array of the last layer of the head that is looked
// for, as the weights of networks that were trained without labels.
var ErrNoHead = errors.New("the file has no head")

// headSize returns for how many classes the head in f is, which follows a body of
// a, and how wide. Both linear layers are in f with all
// their values, which bounds what a head of this size takes.
func headSize(f *weights.File, a *Architecture) (classes, width int, err error) {
	linear := a.headLinear()
	first, last := f.Get(headName+"."+linear[0]), f.Get(headName+"."+linear[1])
	if last == nil {
		return 0, 0, ErrNoHead
	}
	if s := last.Shape; len(s) != 2 || s[0] < 1 || s[1] < 1 || last.Len() != tensor.Size(s...) {
		return 0, 0, fmt.Errorf("the head's last layer %s has the shape %v and %d values; want [classes, width]", last.Name, s, last.Len())
	}
	classes, width = last.Shape[0], last.Shape[1]
	if first == nil {
		return 0, 0, fmt.Errorf("the head has a layer %s of shape %v, but none %s.%s", last.Name, last.Shape, headName, linear[0])
	}
	if want := []int{width, a.headInputs()}; !tensor.SameShape(first.Shape, want) || first.Len() != tensor.Size(want...) {
		return 0, 0, fmt.Errorf("the head's first layer %s has the shape %v and %d values; want %v for the %d features of %s", first.Name, first.Shape, first.Len(), want, a.Features, a.Name)
	}
	return classes, width, nil
}

// ownHeadSize returns for how many classes the own head of a's in f is. The layers
// whose size depends on it are in f with all their values, which bounds what a head
// of this size takes.
func ownHeadSize(f *weights.File, a *Architecture) (classes int, err error) {
	one, two := nn.State(a.top(1)), nn.State(a.top(2))
	for i, e := range two {
		if tensor.SameShape(e.Shape, one[i].Shape) {
			continue
		}
		x := f.Get(e.Name)
		switch {
		case x == nil:
			return 0, ErrNoHead
		case len(x.Shape) == 0 || x.Shape[0] < 1 || x.Len() != tensor.Size(x.Shape...) || !slices.Equal(withoutOnes(x.Shape[1:]), withoutOnes(e.Shape[1:])):
			return 0, fmt.Errorf("the head's layer %s has the shape %v and %d values; want [classes] and %v", e.Name, x.Shape, x.Len(), e.Shape[1:])
		case classes == 0:
			classes = x.Shape[0]
		case classes != x.Shape[0]:
			return 0, fmt.Errorf("the head's layer %s is for %d classes, another for %d", e.Name, x.Shape[0], classes)
		}
	}
	if classes == 0 {
		return 0, ErrNoHead
	}
	return classes, nil
}

// CopyHead returns a copy of c's head that shares nothing with it. It returns an
// error for a head that neither NewHead nor the architecture made.
func (c *Classifier) CopyHead() (nn.Module, error) {
	from := nn.State(c.Head)
	var head nn.Module
	if c.OwnHead {
		head = c.Arch.top(c.Classes)
	} else if c.LinearHead() != nil {
		head = c.Arch.newHead(c.Classes, nil, HeadLinear())
	} else if _, vote := c.NeighborsHead(); vote != nil {
		head = c.Arch.newHead(c.Classes, nil, HeadNeighbors(len(vote.Class)))
	} else {
		linear := c.Arch.headLinear()[1]
		at := slices.IndexFunc(from, func(e nn.Entry) bool { return e.Name == linear })
		if at < 0 || len(from[at].Shape) != 2 {
			return nil, fmt.Errorf("models: the head has no layer %s as fastai's has", strings.TrimSuffix(linear, ".weight"))
		}
		head = c.Arch.newHead(c.Classes, nil, HeadWidth(from[at].Shape[1]), HeadDropout(headDropout(c.Head)))
	}
	to := nn.State(head)
	if len(from) != len(to) {
		return nil, fmt.Errorf("models: the head has %d arrays, its kind has %d", len(from), len(to))
	}
	for i, e := range to {
		if from[i].Name != e.Name || !tensor.SameShape(from[i].Shape, e.Shape) {
			return nil, fmt.Errorf("models: the head has %s %v where its kind has %s %v", from[i].Name, from[i].Shape, e.Name, e.Shape)
		}
		if err := e.Set(from[i].Get()); err != nil {
			return nil, fmt.Errorf("models: %w", err)
		}
	}
	return head, nil
}
