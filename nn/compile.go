package nn

import (
	"sync"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/cpu"
	"github.com/whippet-ml/whippet/tensor"
)

// Inference is a compiled model: batch norms folded, weights packed once,
// epilogues fused. It is safe for concurrent use, keeps no training state, and
// does not change when the model it was compiled from trains on.
type Inference struct {
	steps  []step
	nodes  int // of the graph, 0 being the input
	output int
	arena  *autograd.Arena

	mu   sync.Mutex
	held [][]float32 // weights in arena; see CompileIn
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
	inf := &Inference{arena: arena}
	inf.compile(m, cpu.PackConv)
	return inf
}

// CompileIn is CompileWith for a model that is needed for a while only, as for a
// validation during training: the packed weights are in arena too, until Release.
func CompileIn(m Module, arena *autograd.Arena) *Inference {
	inf := &Inference{arena: arena}
	inf.compile(m, func(c cpu.Conv, w, bias []float32) *cpu.PackedConv { return cpu.PackConvIn(inf.hold, c, w, bias) })
	return inf
}

// hold returns a buffer that is inf's until Release.
func (inf *Inference) hold(n int) []float32 {
	b := inf.arena.Get(n)
	inf.mu.Lock()
	defer inf.mu.Unlock()
	inf.held = append(inf.held, b)
	return b
}

// Release gives back what CompileIn and runs since have taken from the arena.
// inf must not be used afterwards.
func (inf *Inference) Release() {
	for _, b := range inf.held {
		inf.arena.Put(b)
	}
	inf.held, inf.steps = nil, nil
}

func (inf *Inference) compile(m Module, pack func(c cpu.Conv, w, bias []float32) *cpu.PackedConv) {
	g := BuildGraph(m).fused()
	inf.nodes, inf.output = len(g.Nodes), g.Output
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
			if n.folded == nil {
				s.conv = pack(s.shape, n.Weight.Data, n.Shift)
			} else {
				w := inf.arena.Get(len(n.Weight.Data))
				n.folding(w)
				s.conv = pack(s.shape, w, n.Shift)
				inf.arena.Put(w)
			}
			s.Weight = nil
		case OpLinear:
			// A linear layer is a 1x1 convolution of maps of one pixel.
			s.out = n.Weight.Shape[0]
			s.shape = cpu.Conv{C: n.Weight.Shape[1], K: s.out, KH: 1, KW: 1, Stride: 1}
			s.conv = pack(s.shape, transposed(n.Weight), n.Shift)
			s.Weight = nil
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
}

// transposed returns the values of the matrix w [rows,cols] as [cols,rows].
func transposed(w *tensor.Tensor) []float32 {
	rows, cols := w.Shape[0], w.Shape[1]
	t := make([]float32, len(w.Data))
	for i := range rows {
		for j := range cols {
			t[j*rows+i] = w.Data[i*cols+j]
		}
	}
	return t
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
