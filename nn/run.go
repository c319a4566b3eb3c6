package nn

import (
	"fmt"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/cpu"
	"github.com/whippet-ml/whippet/internal/reuse"
	"github.com/whippet-ml/whippet/tensor"
)

// Run computes the model's output for x [N,H,W,C] and returns it as a new
// tensor. It returns an error when the picture is too small for the network or
// has another number of channels. Apart from the result it allocates nothing
// once its buffers are there.
func (inf *Inference) Run(x *tensor.Tensor) (*tensor.Tensor, error) { return inf.RunProfiled(x, nil) }

// RunProfiled is Run and books the time of each kind of operation in p, which
// may be nil and must not be shared by concurrent calls.
func (inf *Inference) RunProfiled(x *tensor.Tensor, p *autograd.Profile) (*tensor.Tensor, error) {
	var result *tensor.Tensor
	err := inf.run(x, p, func(y *tensor.Tensor) error {
		result = y.Clone()
		return nil
	})
	return result, err
}

// RunInto is Run that writes the output's values to dst, which must be of its
// length.
func (inf *Inference) RunInto(x *tensor.Tensor, dst []float32) error {
	return inf.run(x, nil, func(y *tensor.Tensor) error {
		if len(dst) != len(y.Data) {
			return fmt.Errorf("nn: room for %d values; the output of shape %v has %d", len(dst), y.Shape, len(y.Data))
		}
		copy(dst, y.Data)
		return nil
	})
}

// run computes the output, hands it to use, and takes all buffers back.
func (inf *Inference) run(x *tensor.Tensor, p *autograd.Profile, use func(y *tensor.Tensor) error) error {
	if len(x.Shape) != 4 {
		return fmt.Errorf("nn: input of shape %v, want [N,H,W,C]", x.Shape)
	}
	r := reuse.Get[running]()
	defer r.end()
	r.begin(inf, x)
	for i := range inf.steps {
		s := &inf.steps[i]
		var start time.Time
		if p != nil {
			start = time.Now()
		}
		if err := r.step(s); err != nil {
			return err
		}
		if p != nil {
			p.Add(s.Op.String(), time.Since(start))
		}
		for _, id := range s.frees {
			r.free(id)
		}
	}
	return use(&r.vals[inf.output].t)
}

// running is a run under way: what the nodes have computed. It is kept from one
// run to the next.
type running struct {
	arena *autograd.Arena
	vals  []value
}

// value is the result of a node; t.Data is nil before and after its time.
type value struct {
	t     tensor.Tensor
	shape [4]int // what t.Shape points to
}

func (r *running) begin(inf *Inference, x *tensor.Tensor) {
	r.arena = inf.arena
	if cap(r.vals) < inf.nodes {
		r.vals = make([]value, inf.nodes)
	}
	r.vals = r.vals[:inf.nodes]
	r.vals[0].t = *x
}

// end gives back what is left, after a panic too.
func (r *running) end() {
	for id := range r.vals {
		r.free(id)
	}
	r.arena = nil
	reuse.Put(r)
}

func (r *running) free(id int) {
	v := &r.vals[id]
	if id != 0 { // the input is the caller's
		r.arena.Put(v.t.Data)
	}
	v.t = tensor.Tensor{}
}

// make returns the result of node id, of undefined content.
func (r *running) make(id int, shape ...int) *tensor.Tensor {
	v := &r.vals[id]
	v.t.Shape = append(v.shape[:0], shape...)
	v.t.Data = r.arena.Get(tensor.Size(v.t.Shape...))
	return &v.t
}

func (r *running) step(s *step) error {
	in := &r.vals[s.Inputs[0]].t
	switch s.Op {
	case OpConv:
		return r.conv(s, in)
	case OpScaleShift:
		c := in.Dim(-1)
		if c != len(s.Scale) {
			return fmt.Errorf("nn: %d channels reach a batch norm for %d", c, len(s.Scale))
		}
		y := r.make(s.id, in.Shape...)
		cpu.ScaleShift(in.Data, s.Scale, s.Shift, r.residual(s), y.Data, in.Len()/c, c, s.ReLU)
	case OpReLU:
		cpu.ReLU(in.Data, r.make(s.id, in.Shape...).Data)
	case OpAdd:
		cpu.Add(in.Data, r.vals[s.Inputs[1]].t.Data, r.make(s.id, in.Shape...).Data)
	case OpMaxPool:
		return r.maxPool(s, in)
	case OpGlobalAvg, OpGlobalMax:
		n, hw, c := in.Shape[0], in.Shape[1]*in.Shape[2], in.Shape[3]
		y := r.make(s.id, n, c)
		if s.Op == OpGlobalAvg {
			cpu.GlobalAvgPool(n, hw, c, in.Data, y.Data)
		} else {
			cpu.GlobalMaxPool(n, hw, c, in.Data, y.Data, nil)
		}
	case OpConcat:
		if r.vals[s.id].t.Data == nil { // otherwise its operands wrote in place
			r.concat(s, in)
		}
	case OpLinear:
		if in.Dim(-1) != s.shape.C {
			return fmt.Errorf("nn: %d features reach a linear layer for %d", in.Dim(-1), s.shape.C)
		}
		y := r.make(s.id, in.Shape[0], s.out)
		s.conv.Forward(in.Shape[0], 1, 1, in.Data, nil, s.ReLU, y.Data, s.out)
	}
	return nil
}

// residual is what a convolution or batch norm adds to its result, or nil.
func (r *running) residual(s *step) []float32 {
	if len(s.Inputs) < 2 {
		return nil
	}
	return r.vals[s.Inputs[1]].t.Data
}

func (r *running) conv(s *step, in *tensor.Tensor) error {
	n, h, w := in.Shape[0], in.Shape[1], in.Shape[2]
	c := s.shape
	if in.Shape[3] != c.C {
		return fmt.Errorf("nn: %d channels reach a convolution for %d", in.Shape[3], c.C)
	}
	c.N, c.H, c.W = n, h, w
	oh, ow := c.Out()
	if oh < 1 || ow < 1 {
		return fmt.Errorf("nn: a %d×%d map is too small for a %d×%d convolution: the picture is too small for this network", h, w, c.KH, c.KW)
	}
	if s.into >= 0 {
		y := &r.vals[s.into].t
		if y.Data == nil {
			y = r.make(s.into, n, oh, ow, s.width)
		}
		s.conv.Forward(n, h, w, in.Data, nil, s.ReLU, y.Data[s.offset:], s.width)
		return nil
	}
	y := r.make(s.id, n, oh, ow, s.out)
	s.conv.Forward(n, h, w, in.Data, r.residual(s), s.ReLU, y.Data, s.out)
	return nil
}

func (r *running) maxPool(s *step, in *tensor.Tensor) error {
	n, h, w, c := in.Shape[0], in.Shape[1], in.Shape[2], in.Shape[3]
	oh, ow := cpu.PoolOut(h, s.Kernel, s.Stride, s.Pad, s.Ceil), cpu.PoolOut(w, s.Kernel, s.Stride, s.Pad, s.Ceil)
	if oh < 1 || ow < 1 {
		return fmt.Errorf("nn: a %d×%d map is too small for a %d×%d max pool: the picture is too small for this network", h, w, s.Kernel, s.Kernel)
	}
	y := r.make(s.id, n, oh, ow, c)
	cpu.MaxPoolForward(n, h, w, c, s.Kernel, s.Stride, s.Pad, s.Ceil, in.Data, y.Data, nil)
	return nil
}

func (r *running) concat(s *step, first *tensor.Tensor) {
	width := 0
	for _, in := range s.Inputs {
		width += r.vals[in].t.Dim(-1)
	}
	var shape [4]int
	dims := shape[:copy(shape[:], first.Shape)]
	dims[len(dims)-1] = width
	y := r.make(s.id, dims...)
	rows, off := y.Len()/width, 0
	for _, in := range s.Inputs {
		c := r.vals[in].t.Dim(-1)
		cpu.CopyStrided(y.Data[off:], width, r.vals[in].t.Data, c, c, rows)
		off += c
	}
}
