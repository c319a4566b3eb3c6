package graph

import (
	"fmt"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/tensor"
)

// Run computes the model's output for x [N,H,W,C] and returns it as a new
// tensor. It returns an error when the picture is too small for the network or
// has another number of channels. Apart from the result it allocates nothing
// once its buffers are there.
func (inf *Compiled) Run(x *tensor.Tensor) (*tensor.Tensor, error) { return inf.RunProfiled(x, nil) }

// RunProfiled is Run and books the time of each kind of operation in p, which
// may be nil and must not be shared by concurrent calls.
func (inf *Compiled) RunProfiled(x *tensor.Tensor, p *autograd.Profile) (*tensor.Tensor, error) {
	var result *tensor.Tensor
	err := inf.run(x, p, func(y *tensor.Tensor) error {
		result = y.Clone()
		return nil
	})
	return result, err
}

// RunInto is Run that writes the output's values to dst, which must be of its
// length.
func (inf *Compiled) RunInto(x *tensor.Tensor, dst []float32) error {
	return inf.run(x, nil, func(y *tensor.Tensor) error {
		if len(dst) != len(y.Data) {
			return fmt.Errorf("nn: room for %d values; the output of shape %v has %d", len(dst), y.Shape, len(y.Data))
		}
		copy(dst, y.Data)
		return nil
	})
}

// run computes the output, hands it to use, and takes all buffers back.
func (inf *Compiled) run(x *tensor.Tensor, p *autograd.Profile, use func(y *tensor.Tensor) error) error {
	if len(x.Shape) != 4 {
		return fmt.Errorf("nn: input of shape %v, want [N,H,W,C]", x.Shape)
	}
	if x.Shape[0] >= 2*fewestParts {
		if d := inf.division([3]int(x.Shape[1:])); d.light {
			return inf.runDivided(x, p, d, use)
		}
	}
	r := mem.Get[running]()
	defer r.end()
	r.begin(inf, inf.arena)
	r.values[Input].t = *x
	if err := r.steps(inf.steps, p); err != nil {
		return err
	}
	return use(&r.values[inf.output].t)
}

// running is a run under way: what the operations have computed. It is kept from
// one run to the next.
type running struct {
	arena  *autograd.Arena
	values []value
	in     []*tensor.Tensor
	shapes [][]int
}

// value is the result of an operation; t.Data is nil before and after its time.
type value struct {
	t     tensor.Tensor
	shape []int // what t.Shape points to
}

func (r *running) begin(inf *Compiled, arena *autograd.Arena) {
	r.arena = arena
	if cap(r.values) < inf.nodes {
		r.values = make([]value, inf.nodes)
	}
	r.values = r.values[:inf.nodes]
}

// give gives value v its data, of n pictures of a shape.
func (r *running) give(v Value, data []float32, n int, shape []int) {
	y := &r.values[v]
	y.shape = append(append(y.shape[:0], n), shape...)
	y.t = tensor.Tensor{Shape: y.shape, Data: data}
}

// end gives back what is left, after a panic too.
func (r *running) end() {
	for v := range r.values {
		r.free(Value(v))
	}
	clear(r.in)
	clear(r.shapes)
	r.arena = nil
	mem.Put(r)
}

func (r *running) free(v Value) {
	y := &r.values[v]
	if v != Input { // which is the caller's
		r.arena.Put(y.t.Data)
	}
	y.t = tensor.Tensor{}
}

// steps computes steps one after the other, and books their times in p if that is not nil.
func (r *running) steps(steps []compiledStep, p *autograd.Profile) error {
	for i := range steps {
		s := &steps[i]
		var start time.Time
		if p != nil {
			start = time.Now()
		}
		if err := r.step(s); err != nil {
			return err
		}
		if p != nil {
			p.Add(s.Op.Name(), time.Since(start))
		}
		for _, v := range s.frees {
			r.free(v)
		}
	}
	return nil
}

func (r *running) step(s *compiledStep) error {
	r.in, r.shapes = r.in[:0], r.shapes[:0]
	for _, v := range s.Inputs {
		t := &r.values[v].t
		r.in, r.shapes = append(r.in, t), append(r.shapes, t.Shape)
	}
	y := &r.values[s.result]
	shape, err := s.Op.Shape(y.shape[:0], r.shapes)
	if err != nil {
		return fmt.Errorf("nn: %w", err)
	}
	y.shape = shape
	y.t.Shape, y.t.Data = shape, r.arena.Get(tensor.Size(shape...))
	s.kernel.Run(r.in, &y.t)
	return nil
}
