package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Vote makes scores of classes [N,Classes] of how near each item is to points whose classes are known, x [N,M]: the
// Neighbors nearest points, those with the highest x, vote for their classes, each with the weight
// exp(x), divided by the sum of these weights. With x = -d²/(2t) for a distance d, that is scikit-learn's
// KNeighborsClassifier with weights exp(-d²/(2t)); the same number added to all of an item's x changes nothing. A class
// with the share p of the votes has the score
//
//	log((Neighbors·p + 1/Classes) / (Neighbors + 1))
//
// so that the softmax of the scores is the shares as they are with one more neighbor, which votes for all classes
// alike: no class has the probability 0. Of equal x the first point is the nearer one.
type Vote struct {
	Class     []float32 // [M], the number of each point's class
	Neighbors []float32 // [1], how many vote, 1 to M
	Classes   int
}

// Name is "vote".
func (o *Vote) Name() string { return "vote" }

// Shape is [N,Classes].
func (o *Vote) Shape(dst []int, in [][]int) ([]int, error) {
	if s := in[0]; len(s) != 2 || s[1] != len(o.Class) {
		return nil, fmt.Errorf("a vote takes [N,%d], one value for each point, not %v", len(o.Class), s)
	}
	return append(dst, in[0][0], o.Classes), nil
}

// nearest writes the places of the highest values of x into at, the highest first, as whole
// numbers, and the weight of each into weight, which is as long.
func nearest(x, at, weight []float32) {
	n := 0
	for i, s := range x {
		if n == len(at) && !(s > x[int(at[n-1])]) {
			continue
		}
		if n < len(at) {
			n++
		}
		j := n - 1
		for ; j > 0 && s > x[int(at[j-1])]; j-- {
			at[j] = at[j-1]
		}
		at[j] = float32(i)
	}
	sum := 0.0
	for j, i := range at {
		e := math.Exp(float64(x[int(i)]) - float64(x[int(at[0])]))
		weight[j] = float32(e)
		sum += e
	}
	for j, w := range weight {
		weight[j] = float32(float64(w) / sum)
	}
}

// voteArgs is what counting needs, with space of its own for each item.
type voteArgs struct {
	class, x, y, dy, dx []float32
	scratch             []float32
	classes, neighbors  int
}

func (o *Vote) args(x []float32) voteArgs {
	k := min(int(o.Neighbors[0]), len(o.Class))
	return voteArgs{class: o.Class, x: x, scratch: ground.GetScratch(len(x) / len(o.Class) * (2*k + o.Classes)), classes: o.Classes, neighbors: k}
}

// voted returns the nearest points of item n, their weights, and the classes' shares.
func (a *voteArgs) voted(n int) (at, weight, share []float32) {
	m, k := len(a.class), a.neighbors
	own := a.scratch[n*(2*k+a.classes):][:2*k+a.classes]
	at, weight, share = own[:k], own[k:2*k], own[2*k:]
	nearest(a.x[n*m:][:m], at, weight)
	clear(share)
	for j, i := range at {
		share[int(a.class[int(i)])] += weight[j]
	}
	return at, weight, share
}

// smoothed is a share with one more neighbor, which votes for all classes alike, times their number.
func (a *voteArgs) smoothed(share float32) float64 {
	return float64(float64(a.neighbors)*float64(share)) + 1/float64(a.classes)
}

func (o *Vote) run(x, y []float32) {
	a := o.args(x)
	a.y = y
	parallel.ForWith(len(x)/len(o.Class), a, func(a *voteArgs, n int) {
		_, _, share := a.voted(n)
		for c, p := range share {
			a.y[n*a.classes+c] = float32(math.Log(a.smoothed(p) / float64(a.neighbors+1)))
		}
	})
	ground.PutScratch(a.scratch)
}

// Forward counts the votes of in[0].
func (o *Vote) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	y := tp.New(x.Shape()[0], o.Classes)
	tp.Timed("vote", func() { o.run(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "vote", y, x.NeedsGrad(), []*autograd.Variable{x}, voteSaved{x, o}, voteBackward)
	return y
}

// voteSaved is what the backward pass of a Vote needs.
type voteSaved struct {
	x *autograd.Variable
	o *Vote
}

// voteBackward takes it as given which points vote: with g the gradient of a class's share, that of
// a point's x is its weight times its class's g less the weighted mean of g.
func voteBackward(tp *autograd.Tape, y *autograd.Variable, saved *voteSaved) {
	a := saved.o.args(tp.Saved(saved.x))
	a.dy = y.Grad.Data
	tp.AddGrad(saved.x, func(dx []float32) {
		a.dx = dx
		parallel.ForWith(len(a.x)/len(a.class), a, func(a *voteArgs, n int) {
			at, weight, g := a.voted(n)
			mean := 0.0
			for c, p := range g {
				v := float64(a.dy[n*a.classes+c]) * float64(a.neighbors) / a.smoothed(p)
				mean += float64(float64(p) * v)
				g[c] = float32(v)
			}
			d := a.dx[n*len(a.class):][:len(a.class)]
			clear(d)
			for j, i := range at {
				d[int(i)] = float32(float64(weight[j]) * (float64(g[int(a.class[int(i)])]) - mean))
			}
		})
	})
	ground.PutScratch(a.scratch)
}

// Compile copies the classes.
func (o *Vote) Compile(*graph.Compiler) graph.Kernel {
	held := &Vote{slices.Clone(o.Class), slices.Clone(o.Neighbors), o.Classes}
	return graph.Run(func(in []*tensor.Tensor, out *tensor.Tensor) { held.run(in[0].Data, out.Data) })
}

// ONNX is TopK, the softmax of what that finds, and the classes' rows of the identity, weighted.
func (o *Vote) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	m, k := len(o.Class), min(int(o.Neighbors[0]), len(o.Class))
	rows := &weights.Array{Name: name + "_classes", Shape: []int{m, o.Classes}, F32: make([]float32, m*o.Classes)}
	for i, c := range o.Class {
		rows.F32[i*o.Classes+int(c)] = 1
	}
	near, which := e.TopK(name+"_near", name+"_which", in[0], k)
	weight := e.Reshape(name+"_weight", e.Softmax(name+"_softmax", near, 1), -1, 1, k)
	class := e.AddNode("Gather", name+"_class", []onnx.Value{e.Initializer(rows), which}, onnx.AttrInt("axis", 0))
	share := e.Reshape(name+"_share", e.MatMul(name+"_votes", weight, class), -1, o.Classes)
	scaled := e.Mul(name+"_scaled", share, scalar(e, name+"_scale", float64(k)/float64(k+1)))
	return e.AddNode("Log", name, []onnx.Value{e.Add(name+"_smooth", scaled, scalar(e, name+"_rest", 1/(float64(o.Classes)*float64(k+1))))}), nil
}

// MACs is 0.
func (o *Vote) MACs([][]int) float64 { return 0 }
