// Package gradcam shows where in a picture a classifier looked: gradient-weighted
// class activation maps (Selvaraju et al. 2017, arXiv:1610.02391), as in chapter
// 18 of the fastai book.
package gradcam

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/tensor"
)

// Mapper computes maps for one classifier. It is safe for concurrent use as long
// as the classifier does not train.
type Mapper struct {
	network network
	classes int
	arena   *autograd.Arena
}

// network is how a kind of network is looked into.
type network interface {
	// forward runs the network on x [N,S,S,3] in evaluation mode, with buffers of the
	// arena, and records what leads from the activations to the logits.
	forward(arena *autograd.Arena, x *tensor.Tensor) (pass, error)
}

// pass is a forward pass: the logits [N,classes], and the activations a, which get a
// gradient when tape goes back. They are there until reset.
type pass struct {
	tape      *autograd.Tape
	a, logits *autograd.Variable
	reset     func()
	// places returns the part of activations, or of their gradient, that is places of the
	// picture: [N,h,w,C].
	places func(t *tensor.Tensor) *tensor.Tensor
}

// ErrPooled is the error of New for a network whose body ends in one row of numbers
// a picture and has no tokens either: what it looked at has no places left there.
var ErrPooled = errors.New("gradcam: the network's body ends in one row of numbers for the whole picture, so there is no map of places")

// New returns a mapper for c. It copies the head and shares the parameters of the body,
// which it only reads. The error is ErrPooled for a body in which there is no map of places.
func New(c *models.Classifier) (*Mapper, error) {
	look := lookAtBody
	if c.Arch.Pooled {
		look = lookAtTokens
	}
	n, err := look(c)
	if err != nil {
		return nil, err
	}
	return &Mapper{network: n, classes: c.Classes, arena: autograd.NewArena()}, nil
}

// Map is which parts of one picture point to a class: H×W values in row-major order
// over the network's whole input, 0 and up. All are 0 when nothing points to
// the class. plot.Overlay draws it.
type Map struct {
	Class int
	H, W  int
	Heat  []float32
}

// Maps returns a map for each picture of x [N,S,S,3], prepared and normalized as
// the network takes it, for the class of the same index: a number below the
// model's classes, or -1 for the one the model itself thinks most likely.
//
// With A [h,w,C] the body's output and y the logit of the class (before the
// softmax), in evaluation mode, the map is relu(Σ_k A_k·mean_{ij}(∂y/∂A_ijk)).
// Of a vision transformer, A is what the last block's attention reads, its first layer
// norm's result, for the tokens of the picture's patches, without the class and
// register tokens, as the package pytorch-grad-cam has it.
func (m *Mapper) Maps(x *tensor.Tensor, class []int) ([]Map, error) {
	if len(x.Shape) != 4 || x.Shape[3] != 3 || x.Shape[0] < 1 {
		return nil, fmt.Errorf("gradcam: input of shape %v, want [N,S,S,3] with N from 1", x.Shape)
	}
	if len(class) != x.Shape[0] {
		return nil, fmt.Errorf("gradcam: %d classes for %d pictures", len(class), x.Shape[0])
	}
	for i, c := range class {
		if c < -1 || c >= m.classes {
			return nil, fmt.Errorf("gradcam: class %d of picture %d; the model has classes 0 to %d, and -1 is its own choice", c, i, m.classes-1)
		}
	}
	p, err := m.network.forward(m.arena, x)
	if err != nil {
		return nil, fmt.Errorf("gradcam: %w", err)
	}
	defer p.reset()
	logits := p.logits
	chosen := make([]int, len(class))
	dy := tensor.New(logits.Value.Shape...)
	for i, c := range class {
		row := logits.Value.Data[i*m.classes : (i+1)*m.classes]
		if c < 0 {
			c = tensor.Argmax(row)
		}
		chosen[i] = c
		dy.Data[i*m.classes+c] = 1
	}
	p.tape.Backward(logits, dy)
	if p.a.Grad == nil {
		return nil, errors.New("gradcam: no gradient reached the activations that maps are made of")
	}
	return weigh(p.places(p.a.Value), p.places(p.a.Grad), chosen), nil
}

// weigh combines activations and their gradients, both [N,h,w,C].
func weigh(a, da *tensor.Tensor, class []int) []Map {
	n, h, w, c := a.Shape[0], a.Shape[1], a.Shape[2], a.Shape[3]
	out := make([]Map, n)
	for i := range n {
		weight := make([]float64, c)
		for p := range h * w {
			for k, g := range da.Data[(i*h*w+p)*c:][:c] {
				weight[k] += float64(g)
			}
		}
		heat := make([]float32, h*w)
		for p := range heat {
			var sum float64
			for k, v := range a.Data[(i*h*w+p)*c:][:c] {
				sum += float64(float64(v) * weight[k])
			}
			heat[p] = float32(max(sum/float64(h*w), 0))
		}
		out[i] = Map{Class: class[i], H: h, W: w, Heat: heat}
	}
	return out
}
