package op

import (
	"fmt"
	"sync"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Tokens makes the tokens of a vision transformer (Dosovitskiy et al. 2020,
// https://arxiv.org/abs/2010.11929) of maps x [N,h,w,C]: Class [1,1,C] and Registers
// [1,R,C], each of which may be nil, and then the pixels, with Position added:
// [N,P+h·w,C], P being how many stand before the pixels.
//
// Position [1,Rows·Cols,C], or with Prefixed [1,P+Rows·Cols,C], is for maps of
// Rows×Cols. For others it is resampled, bicubic with antialiasing, as timm's
// resample_abs_pos_embed does.
type Tokens struct {
	Class, Registers *autograd.Parameter
	Position         *autograd.Parameter
	Rows, Cols       int
	Prefixed         bool // Position is for Class and Registers too

	resamplings sync.Map // [2]int to *resampling, by the size of the map
}

// Name is "tokens".
func (o *Tokens) Name() string { return "tokens" }

// Prefix is how many tokens stand before the pixels.
func (o *Tokens) Prefix() int {
	n := 0
	for _, p := range []*autograd.Parameter{o.Class, o.Registers} {
		if p != nil {
			n += p.Value.Shape[1]
		}
	}
	return n
}

// Shape is [N,P+h·w,C].
func (o *Tokens) Shape(dst []int, in [][]int) ([]int, error) {
	s := in[0]
	if err := wantMap("the tokens of a transformer", s); err != nil {
		return nil, err
	}
	p := o.Position.Value.Shape
	places := o.Rows * o.Cols
	if o.Prefixed {
		places += o.Prefix()
	}
	if p[1] != places {
		return nil, fmt.Errorf("there are positions for %d tokens, want %d", p[1], places)
	}
	if s[3] != p[2] {
		return nil, fmt.Errorf("%d channels reach tokens of %d", s[3], p[2])
	}
	return append(dst, s[0], o.Prefix()+s[1]*s[2], s[3]), nil
}

// Trains reports whether a parameter trains.
func (o *Tokens) Trains() bool { return trains(o.Class, o.Registers, o.Position) }

// Switches are the parameters' RequiresGrad.
func (o *Tokens) Switches() []*bool { return switches(o.Class, o.Registers, o.Position) }

// tokensPass is what is known of the tokens of maps.
type tokensPass struct {
	n, prefix, places, c       int // places: of the map
	first                      int // of the places of Position, where those of the map begin
	class, registers, position []float32
	resampling                 *resampling // nil for maps of Position's size
}

func (o *Tokens) pass(s []int) tokensPass {
	p := tokensPass{
		n: s[0], prefix: o.Prefix(), places: s[1] * s[2], c: s[3],
		class: data(o.Class), registers: data(o.Registers), position: o.Position.Value.Data, resampling: o.resampling(s),
	}
	if o.Prefixed {
		p.first = p.prefix
	}
	return p
}

func (o *Tokens) resampling(s []int) *resampling {
	size := [2]int{s[1], s[2]}
	if size == [2]int{o.Rows, o.Cols} {
		return nil
	}
	// A look first: the key of LoadOrStore is on the heap.
	if r, ok := o.resamplings.Load(size); ok {
		return r.(*resampling)
	}
	r, _ := o.resamplings.LoadOrStore(size, newResampling([2]int{o.Rows, o.Cols}, size))
	return r.(*resampling)
}

// forward computes y [n,prefix+places,c] from x [n,places,c].
func (p tokensPass) forward(x, y []float32) {
	type args struct {
		tokensPass
		x, y, grid, before []float32
	}
	before := ground.GetScratch(p.prefix * p.c)
	defer ground.PutScratch(before)
	copy(before[copy(before, p.class):], p.registers)
	if p.first > 0 {
		for i, v := range p.position[:len(before)] {
			before[i] += v
		}
	}
	grid := p.position[p.first*p.c:]
	if r := p.resampling; r != nil {
		small, tmp := ground.GetScratch(p.places*p.c), ground.GetScratch(r.from[0]*r.to[1]*p.c)
		r.forward(grid, small, tmp, p.c)
		ground.PutScratch(tmp)
		defer ground.PutScratch(small)
		grid = small
	}
	parallel.ForWith(p.n, args{p, x, y, grid, before}, func(a *args, n int) {
		size := a.places * a.c
		y := a.y[n*(len(a.before)+size):][:len(a.before)+size]
		y = y[copy(y, a.before):]
		grid := a.grid[:size]
		for i, v := range a.x[n*size:][:size] {
			y[i] = v + grid[i]
		}
	})
}

// sum adds up dy over the pictures: [prefix+places,c].
func (p tokensPass) sum(dy, out []float32) {
	type args struct {
		dy, out []float32
		n       int
	}
	parallel.ChunksWith(len(out), 4096, args{dy, out, p.n}, func(a *args, lo, hi int) {
		out := a.out[lo:hi]
		copy(out, a.dy[lo:hi])
		for n := 1; n < a.n; n++ {
			for i, v := range a.dy[n*len(a.out)+lo:][:len(out)] {
				out[i] += v
			}
		}
	})
}

// Forward makes tokens of in[0].
func (o *Tokens) Forward(tp *autograd.Tape, in []*autograd.Variable) *autograd.Variable {
	x := in[0]
	p := o.pass(x.Shape())
	y := tp.New(p.n, p.prefix+p.places, p.c)
	tp.Timed("tokens", func() { p.forward(x.Value.Data, y.Value.Data) })
	autograd.Record(tp, "tokens", y, x.NeedsGrad() || o.Trains(), nil, tokensSaved{x, o}, tokensBackward)
	return y
}

// tokensSaved is what the backward pass of Tokens needs.
type tokensSaved struct {
	x *autograd.Variable
	o *Tokens
}

func tokensBackward(tp *autograd.Tape, y *autograd.Variable, v *tokensSaved) {
	o, dy := v.o, y.Grad.Data
	p := o.pass(v.x.Shape())
	if o.Trains() {
		sum := ground.GetScratch((p.prefix + p.places) * p.c)
		defer ground.PutScratch(sum)
		p.sum(dy, sum)
		before := 0 // of the register tokens
		if o.Class != nil {
			before = p.c
			o.Class.AddGrad(tp, func(d []float32) { copy(d, sum) })
		}
		if o.Registers != nil {
			o.Registers.AddGrad(tp, func(d []float32) { copy(d, sum[before:]) })
		}
		o.Position.AddGrad(tp, func(d []float32) {
			copy(d[:p.first*p.c], sum)
			grid := sum[p.prefix*p.c:]
			if r := p.resampling; r != nil {
				tmp := ground.GetScratch(r.from[0] * r.to[1] * p.c)
				defer ground.PutScratch(tmp)
				r.backward(grid, d[p.first*p.c:], tmp, p.c)
				return
			}
			copy(d[p.first*p.c:], grid)
		})
	}
	tp.AddGrad(v.x, func(dx []float32) {
		size := p.places * p.c
		for n := range p.n {
			copy(dx[n*size:][:size], dy[n*(size+p.prefix*p.c)+p.prefix*p.c:])
		}
	})
}

// Compile copies the parameters.
func (o *Tokens) Compile(c *graph.Compiler) graph.Kernel {
	hold := func(v []float32) []float32 {
		if v == nil {
			return nil
		}
		h := c.Hold(len(v))
		copy(h, v)
		return h
	}
	class, registers, position := hold(data(o.Class)), hold(data(o.Registers)), hold(o.Position.Value.Data)
	return graph.Run(func(in []*tensor.Tensor, y *tensor.Tensor) {
		p := o.pass(in[0].Shape)
		p.class, p.registers, p.position = class, registers, position
		p.forward(in[0].Data, y.Data)
	})
}

// ONNX is the tokens of pictures of the size that the graph is for.
func (o *Tokens) ONNX(e *graph.Exporter, name string, in []onnx.Value) (onnx.Value, error) {
	p := o.pass(e.Inputs[0])
	position, err := e.Parameter(o.Position.Value.Data)
	if err != nil {
		return "", err
	}
	position = e.Reshape(name+"_position", position, 1, -1, p.c)
	x := e.Transpose(name+"_pixels", e.Reshape(name+"_flat", in[0], 0, p.c, p.places), 0, 2, 1)
	grid := position
	if p.first > 0 {
		grid = e.Slice(name+"_grid", position, 1, p.first, p.first+o.Rows*o.Cols)
	}
	if r := p.resampling; r != nil {
		m := e.Initializer(&weights.Array{Name: name + "_resampling", Shape: []int{p.places, o.Rows * o.Cols}, F32: r.matrix()})
		grid = e.MatMul(name+"_resampled", m, grid)
	}
	if p.prefix == 0 {
		return e.Add(name, x, grid), nil
	}
	var before []onnx.Value
	for _, q := range []struct {
		what string
		p    *autograd.Parameter
	}{{"class", o.Class}, {"registers", o.Registers}} {
		if q.p == nil {
			continue
		}
		v, err := e.Parameter(q.p.Value.Data)
		if err != nil {
			return "", err
		}
		before = append(before, e.Reshape(name+"_"+q.what, v, 1, -1, p.c))
	}
	prefix := before[0]
	if len(before) > 1 {
		prefix = e.Concat(name+"_before", 1, before...)
	}
	if p.first > 0 {
		prefix = e.Add(name+"_before_position", prefix, e.Slice(name+"_prefix_position", position, 1, 0, p.first))
	}
	// As often as there are pictures, which is known when the graph runs.
	n := e.Slice(name+"_pictures", e.AddNode("Shape", name+"_shape", []onnx.Value{in[0]}), 0, 0, 1)
	one := e.Initializer(&weights.Array{Name: name + "_ones", Shape: []int{2}, DType: weights.I64, I64: []int64{1, 1}})
	every := e.AddNode("Expand", name+"_every", []onnx.Value{prefix, e.Concat(name+"_size", 0, n, one)})
	return e.Concat(name, 1, every, e.Add(name+"_placed", x, grid)), nil
}

// MACs is 0.
func (o *Tokens) MACs([][]int) float64 { return 0 }
