package nn

import (
	"fmt"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/cpu"
	"github.com/whippet-ml/whippet/tensor"
)

// Inference is a compiled model: batch norms folded, weights packed once,
// epilogues fused. It is safe for concurrent use, keeps no training state, and
// does not change when the model it was compiled from trains on.
type Inference struct {
	steps  []step
	output int
	arena  *autograd.Arena
}

type step struct {
	Node
	id     int
	conv   *cpu.PackedConv
	shape  cpu.Conv // of conv, without the sizes of the input
	out    int      // channels of the result of a convolution or linear layer
	into   int      // the concatenation this step writes its slice of, or -1
	offset int      // first channel of that slice
	width  int      // channels of that concatenation
	frees  []int    // nodes whose last reader this step is
}

// Compile prepares m for inference, in evaluation mode.
func Compile(m Module) *Inference { return CompileWith(m, autograd.NewArena()) }

// CompileWith is Compile with an arena of the caller's for activations.
func CompileWith(m Module, arena *autograd.Arena) *Inference {
	g := BuildGraph(m).fused()
	inf := &Inference{output: g.Output, arena: arena}
	live := make([]bool, len(g.Nodes))
	live[g.Output] = true
	readers := make([]int, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		if live[i] {
			for _, in := range g.Nodes[i].Inputs {
				live[in] = true
				readers[in]++
			}
		}
	}
	into := joinInPlace(g, live, readers)
	last := make([]int, len(g.Nodes))
	for i, n := range g.Nodes {
		if !live[i] || n.Op == OpInput {
			continue
		}
		s := step{Node: n, id: i, into: -1}
		for _, in := range n.Inputs {
			last[in] = i
		}
		switch n.Op {
		case OpConv:
			s.out = n.Weight.Shape[3]
			s.shape = cpu.Conv{C: n.Weight.Shape[2], K: s.out, KH: n.Kernel, KW: n.Kernel, Stride: n.Stride, Pad: n.Pad}
			s.conv = cpu.PackConv(s.shape, n.Weight.Data, n.Shift)
			s.Weight = nil
		case OpLinear:
			s.out = n.Weight.Shape[0]
			s.Weight = n.Weight.Clone()
			s.Shift = append([]float32(nil), n.Shift...)
		}
		if p, ok := into[i]; ok {
			s.into, s.offset, s.width = p.concat, p.offset, p.width
		}
		inf.steps = append(inf.steps, s)
	}
	for k := range inf.steps {
		s := &inf.steps[k]
		seen := map[int]bool{}
		for _, in := range s.Inputs {
			if last[in] == s.id && in != 0 && in != g.Output && !seen[in] {
				seen[in] = true
				s.frees = append(s.frees, in)
			}
		}
	}
	return inf
}

type place struct{ concat, offset, width int }

// joinInPlace finds concatenations all of whose operands are convolutions read
// by nothing else: those write their channels straight into the result.
func joinInPlace(g *Graph, live []bool, readers []int) map[int]place {
	into := map[int]place{}
	for i, n := range g.Nodes {
		if !live[i] || n.Op != OpConcat {
			continue
		}
		width, ok := 0, true
		for _, in := range n.Inputs {
			src := g.Nodes[in]
			ok = ok && src.Op == OpConv && readers[in] == 1 && len(src.Inputs) == 1
			if ok {
				width += src.Weight.Shape[3]
			}
		}
		if !ok {
			continue
		}
		offset := 0
		for _, in := range n.Inputs {
			into[in] = place{i, offset, width}
			offset += g.Nodes[in].Weight.Shape[3]
		}
	}
	return into
}

// Run computes the model's output for x [N,H,W,C] and returns it as a new
// tensor. It returns an error when the picture is too small for the network or
// has another number of channels.
func (inf *Inference) Run(x *tensor.Tensor) (*tensor.Tensor, error) { return inf.RunProfiled(x, nil) }

// RunProfiled is Run and books the time of each kind of operation in p, which
// may be nil and must not be shared by concurrent calls.
func (inf *Inference) RunProfiled(x *tensor.Tensor, p *autograd.Profile) (result *tensor.Tensor, err error) {
	if len(x.Shape) != 4 {
		return nil, fmt.Errorf("nn: input of shape %v, want [N,H,W,C]", x.Shape)
	}
	vals := map[int]*tensor.Tensor{0: x}
	defer func() {
		for id, v := range vals {
			if id != 0 && v != nil {
				inf.arena.Put(v.Data)
			}
		}
	}()
	alloc := func(id int, shape ...int) *tensor.Tensor {
		t := &tensor.Tensor{Shape: shape, Data: inf.arena.Get(tensor.Size(shape...))}
		vals[id] = t
		return t
	}
	for i := range inf.steps {
		s := &inf.steps[i]
		in := vals[s.Inputs[0]]
		var start time.Time
		if p != nil {
			start = time.Now()
		}
		switch s.Op {
		case OpConv:
			err = inf.conv(s, in, vals, alloc)
		case OpScaleShift:
			c := in.Dim(-1)
			if c != len(s.Scale) {
				return nil, fmt.Errorf("nn: %d channels reach a batch norm for %d", c, len(s.Scale))
			}
			var res []float32
			if len(s.Inputs) > 1 {
				res = vals[s.Inputs[1]].Data
			}
			y := alloc(s.id, in.Shape...)
			cpu.ScaleShift(in.Data, s.Scale, s.Shift, res, y.Data, in.Len()/c, c, s.ReLU)
		case OpReLU:
			cpu.ReLU(in.Data, alloc(s.id, in.Shape...).Data)
		case OpAdd:
			cpu.Add(in.Data, vals[s.Inputs[1]].Data, alloc(s.id, in.Shape...).Data)
		case OpMaxPool:
			err = inf.maxPool(s, in, alloc)
		case OpGlobalAvg, OpGlobalMax:
			n, hw, c := in.Shape[0], in.Shape[1]*in.Shape[2], in.Shape[3]
			y := alloc(s.id, n, c)
			if s.Op == OpGlobalAvg {
				cpu.GlobalAvgPool(n, hw, c, in.Data, y.Data)
			} else {
				cpu.GlobalMaxPool(n, hw, c, in.Data, y.Data, nil)
			}
		case OpConcat:
			if vals[s.id] == nil { // otherwise its operands wrote in place
				inf.concat(s, vals, alloc)
			}
		case OpLinear:
			if in.Dim(-1) != s.Weight.Shape[1] {
				return nil, fmt.Errorf("nn: %d features reach a linear layer for %d", in.Dim(-1), s.Weight.Shape[1])
			}
			y := alloc(s.id, in.Shape[0], s.out)
			cpu.MatMul(in.Shape[0], s.out, in.Dim(-1), in.Data, s.Weight.Data, y.Data, false, true, false)
			if len(s.Shift) > 0 {
				cpu.AddBias(y.Data, in.Shape[0], s.out, s.Shift, y.Data)
			}
		}
		if err != nil {
			return nil, err
		}
		if p != nil {
			p.Add(s.Op.String(), time.Since(start))
		}
		for _, f := range s.frees {
			if v := vals[f]; v != nil {
				inf.arena.Put(v.Data)
				delete(vals, f)
			}
		}
	}
	return vals[inf.output].Clone(), nil
}

func (inf *Inference) conv(s *step, in *tensor.Tensor, vals map[int]*tensor.Tensor, alloc func(int, ...int) *tensor.Tensor) error {
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
		y := vals[s.into]
		if y == nil {
			y = alloc(s.into, n, oh, ow, s.width)
		}
		s.conv.Forward(n, h, w, in.Data, nil, s.ReLU, y.Data[s.offset:], s.width)
		return nil
	}
	var res []float32
	if len(s.Inputs) > 1 {
		res = vals[s.Inputs[1]].Data
	}
	y := alloc(s.id, n, oh, ow, s.out)
	s.conv.Forward(n, h, w, in.Data, res, s.ReLU, y.Data, s.out)
	return nil
}

func (inf *Inference) maxPool(s *step, in *tensor.Tensor, alloc func(int, ...int) *tensor.Tensor) error {
	n, h, w, c := in.Shape[0], in.Shape[1], in.Shape[2], in.Shape[3]
	oh, ow := cpu.PoolOut(h, s.Kernel, s.Stride, s.Pad, s.Ceil), cpu.PoolOut(w, s.Kernel, s.Stride, s.Pad, s.Ceil)
	if oh < 1 || ow < 1 {
		return fmt.Errorf("nn: a %d×%d map is too small for a %d×%d max pool: the picture is too small for this network", h, w, s.Kernel, s.Kernel)
	}
	y := alloc(s.id, n, oh, ow, c)
	cpu.MaxPoolForward(n, h, w, c, s.Kernel, s.Stride, s.Pad, s.Ceil, in.Data, y.Data, nil)
	return nil
}

func (inf *Inference) concat(s *step, vals map[int]*tensor.Tensor, alloc func(int, ...int) *tensor.Tensor) {
	first := vals[s.Inputs[0]]
	width := 0
	for _, in := range s.Inputs {
		width += vals[in].Dim(-1)
	}
	shape := append([]int(nil), first.Shape...)
	shape[len(shape)-1] = width
	y := alloc(s.id, shape...)
	rows, off := y.Len()/width, 0
	for _, in := range s.Inputs {
		c := vals[in].Dim(-1)
		cpu.CopyStrided(y.Data[off:], width, vals[in].Data, c, c, rows)
		off += c
	}
}
