// Package models has the network architectures: ResNet and its kin, RegNet, DenseNet,
// SqueezeNet, ShuffleNet, MobileNet and EfficientNet, with torchvision's or timm's
// parameter names, the cut between body and head, the layer groups and the published
// weights with their preprocessing. A program adds its own with Register.
package models

import (
	"math"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
)

// Architecture describes a network family member. Everything that differs
// between architectures is data here; the rest of Whippet has no special cases.
// Name, Features and Units are needed, the rest has defaults.
type Architecture struct {
	// Name is what model files and the command call the architecture.
	Name string
	// Features is the number of channels that the body ends with.
	Features int
	// MinSize is the smallest side of a picture that the body takes: of a smaller
	// one a convolution or a pool without padding finds nothing. 0 means any.
	MinSize int

	// Units builds the body, [N,H,W,3] to [N,h,w,Features], anew with each call,
	// without values: its layers are the body's units, under the names that their
	// parameters have in files.
	Units func() *nn.Sequential
	// Prefix is the name under which files keep the units, such as "features"; ""
	// if they have them at the top.
	Prefix string
	// Cuts are the numbers of the units, from 1 up, at which a new layer group
	// begins; the head is the last group. {6} makes three groups, as fastai's
	// splitters do; none makes two, the body and the head.
	Cuts []int
	// Layers divides the network more finely, for learning rates that fall with depth.
	Layers Layers
	// Pooled says that the body's result is a vector for each picture already,
	// [N,Features], so that heads have no pooling. Vision transformers end with the
	// class token.
	Pooled bool
	// Top builds the authors' own head, [N,h,w,Features] to [N,classes], whose
	// layers stand beside the units. nil is average pooling, unless the body has
	// pooled, and a linear layer "fc". It is for weights as the authors publish them; a Classifier has a head
	// of its own.
	Top func(classes int) *nn.Sequential
	// Init draws the initial values of a body, alone or with its Top, from r. nil
	// is InitKaiming.
	Init func(m nn.Module, r *rng.Stream)

	// Spellings are other names for the parameters, by which files may have them.
	Spellings []Spelling

	// ByNameOnly says that another, better known architecture has parameters of the same
	// names and shapes: files that do not say which network they are of are taken for that one's.
	ByNameOnly bool

	// Weights lists the published weights, the default first; see Stats.
	Weights []Published
}

func (a *Architecture) String() string { return a.Name }

// Body returns the network without its head, [N,H,W,3] to [N,h,w,Features],
// under the names that files have, with random initial values drawn from r, or without
// for a nil r.
func (a *Architecture) Body(r *rng.Stream) nn.Module {
	b := a.named(a.Units())
	a.init(b, r)
	return b
}

// Full returns the network with its authors' head for the given number of
// classes, with random initial values drawn from r, or without for a nil r.
func (a *Architecture) Full(classes int, r *rng.Stream) nn.Module {
	body := a.named(a.Units())
	f := nn.NewNamed(append(append([]nn.Child(nil), body.Children()...), a.top(classes).Children()...)...)
	a.init(f, r)
	return f
}

func (a *Architecture) top(classes int) *nn.Sequential {
	if a.Top != nil {
		return a.Top(classes)
	}
	last := nn.Child{Name: "fc", Module: nn.NewLinear(a.Features, classes, true)}
	if a.Pooled {
		return nn.NewNamed(last)
	}
	return nn.NewNamed(nn.Child{Name: "avgpool", Module: nn.GlobalAvgPool{}}, last)
}

func (a *Architecture) init(m nn.Module, r *rng.Stream) {
	switch {
	case r == nil:
	case a.Init == nil:
		InitKaiming(m, r)
	default:
		a.Init(m, r)
	}
}

// InitKaiming draws the initial values of m as torchvision's ResNet does: Kaiming
// normal with fan out for the weights of convolutions, and torch's defaults
// otherwise: U(±1/√fan_in) for linear layers and biases, 1 and 0 for batch norm.
func InitKaiming(m nn.Module, r *rng.Stream) {
	bound := 1.0 // of the bias, which follows its weight
	for _, e := range nn.Parameters(m) {
		switch e.Kind {
		case nn.ConvWeight, nn.LinearWeight:
			fanIn := 1
			for _, d := range e.Shape[1:] {
				fanIn *= d
			}
			bound = 1 / math.Sqrt(float64(fanIn))
			if e.Kind == nn.ConvWeight {
				nn.KaimingNormal(e, true, r)
			} else {
				nn.Uniform(e, bound, r) // kaiming_uniform_(a=√5)
			}
		case nn.Bias:
			nn.Uniform(e, bound, r)
		}
	}
}

func (a *Architecture) named(body *nn.Sequential) *nn.Sequential {
	if a.Prefix == "" {
		return body
	}
	return nn.NewNamed(nn.Child{Name: a.Prefix, Module: body})
}

// unitsOf returns the units of a body of this architecture with their full names.
func (a *Architecture) unitsOf(body nn.Module) []nn.Child {
	if a.Prefix == "" {
		return nn.Children(body)
	}
	inner := nn.Children(body)[0]
	var u []nn.Child
	for _, c := range nn.Children(inner.Module) {
		u = append(u, nn.Child{Name: inner.Name + "." + c.Name, Module: c.Module})
	}
	return u
}

// group returns the layer group of unit i.
func (a *Architecture) group(i int) int {
	g := 0
	for g < len(a.Cuts) && i >= a.Cuts[g] {
		g++
	}
	return g
}
