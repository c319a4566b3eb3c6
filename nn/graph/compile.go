package graph

import (
	"sync"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/tensor"
)

// Kernel is an operation made ready for inference. Run may be called from several
// goroutines at once.
type Kernel interface {
	// Run computes the result for inputs in into out, whose Shape is the one that
	// the operation's rule gives and whose Data is of undefined content. It must
	// keep neither.
	Run(in []*tensor.Tensor, out *tensor.Tensor)
}

// ByBatch is a Kernel that can tell whether the number of pictures that it is given may change its result's last bits. The
// others' results for a picture are the same in any batch.
type ByBatch interface{ ByBatch() bool }

// Run is a Kernel without anything prepared.
type Run func(in []*tensor.Tensor, out *tensor.Tensor)

// Run calls f.
func (f Run) Run(in []*tensor.Tensor, out *tensor.Tensor) { f(in, out) }

// Compiler has what operations need when they are prepared for inference.
type Compiler struct {
	inf *Compiled
	in  bool // what is prepared belongs into the arena
}

// Hold returns n values of undefined content, on a 64-byte boundary, that last as
// long as the compiled model. It is safe for concurrent use, and may be called while the model runs.
func (c *Compiler) Hold(n int) []float32 {
	if c.in {
		return c.inf.hold(n)
	}
	return mem.Floats(n)
}

// Scratch calls f with n values of undefined content, which are f's until it returns.
func (c *Compiler) Scratch(n int, f func(s []float32)) {
	s := c.inf.arena.Get(n)
	defer c.inf.arena.Put(s)
	f(s)
}

// Compiled is a graph made ready for inference: planned, and weights packed once.
// It is safe for concurrent use, keeps no training state, and does not change
// when the model it was compiled from trains on.
type Compiled struct {
	steps  []compiledStep
	nodes  int
	output Value
	arena  *autograd.Arena

	mu        sync.Mutex
	held      [][]float32 // weights in arena; see CompileIn
	divisions map[[3]int]division
	arenas    []*autograd.Arena // of runs in parts
}

type compiledStep struct {
	step
	kernel Kernel
}

// Compile prepares g for inference, with an arena for activations.
func Compile(g *Graph, arena *autograd.Arena) *Compiled { return compile(g, arena, false) }

// CompileIn is Compile for a model that is needed for a while only, as for a
// validation during training: the packed weights are in arena too, until Release.
func CompileIn(g *Graph, arena *autograd.Arena) *Compiled { return compile(g, arena, true) }

func compile(g *Graph, arena *autograd.Arena, in bool) *Compiled {
	inf := &Compiled{arena: arena}
	c := &Compiler{inf, in}
	p := PlanInference(g)
	inf.nodes, inf.output = len(p.nodes), p.output
	for _, s := range p.steps() {
		inf.steps = append(inf.steps, compiledStep{s, s.Op.Compile(c)})
	}
	return inf
}

// hold returns a buffer that is inf's until Release.
func (inf *Compiled) hold(n int) []float32 {
	b := inf.arena.Get(n)
	inf.mu.Lock()
	defer inf.mu.Unlock()
	inf.held = append(inf.held, b)
	return b
}

// Release gives back what CompileIn and runs since have taken from the arena.
// inf must not be used afterwards.
func (inf *Compiled) Release() {
	for _, b := range inf.held {
		inf.arena.Put(b)
	}
	inf.held, inf.steps, inf.arenas = nil, nil, nil
}
