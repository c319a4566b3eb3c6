package train

import (
	mathbits "math/bits"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/tensor"
)

// accumulator adds up what the shards of a step give: the running statistics of
// batch norms that train, and gradients. All of it lies in one array, in buckets, which are
// summed one by one. The first bucket has the statistics; those of gradients follow the
// backward pass, from the last layers to the first.
//
// The sum over the S shards of a step goes along a binary tree: shards 0 and 1, 2 and 3,
// and so on, then their sums. A rank adds the subtree of its own L shards as it computes
// them: the partial sums are a stack, in which shard j finds as many as j has binary digits
// that are 1, and there it puts its own. So 1+log2(L) arrays suffice. distributed.Sum adds what is above.
type accumulator struct {
	group distributed.Group
	sum   *distributed.Sum
	stack [][]float32 // of partial sums; the first is the group's memory and ends as the sum

	norms   []*op.BatchNormState
	params  []parameter // that train, in the order of the buckets
	at      []int       // where each begins in the array
	in      []int       // the bucket of each
	number  map[*autograd.Parameter]int
	buckets []bucket
	size    int // of the array

	// The running statistics at the beginning of the step.
	start   []float32
	batches []int64

	// When the gradients of a backward pass are complete; see expect.
	known bool
	parts []int
	left  []int
	open  []int
	told  []bool
	ready chan int
	late  string // a parameter that got a part after its last one
	count func(*autograd.Parameter)
	watch func(*autograd.Parameter)
}

// bucket is a part of the array, and how many parameters lie in it.
type bucket struct{ from, to, params int }

// bucketSize is how many floats a bucket of gradients has at least, but for the last:
// few enough that sums begin early and end soon after the backward pass, enough that the time a message
// takes to travel does not count.
const bucketSize = 1 << 20

// cacheLine is how many floats parameters are apart in multiples of: no two share a line.
const cacheLine = mem.Align / 4

// newAccumulator returns an accumulator for all parameters of state that is summed over
// the shards of group.
func newAccumulator(group distributed.Group, state nn.StateDict) (*accumulator, error) {
	a := &accumulator{group: group}
	a.count, a.watch = a.countPart, a.watchPart
	most := 0 // of what any layout needs
	for _, e := range state {
		most += roundUp(tensor.Size(e.Shape...), cacheLine)
	}
	block := cacheLine * group.Size()
	most += block * (2 + most/bucketSize)
	a.stack = [][]float32{group.Buffer(roundUp(most, block))}
	var err error
	a.sum, err = distributed.NewSum(group, a.largest(state))
	return a, err
}

// largest bounds the size of a bucket of any layout.
func (a *accumulator) largest(state nn.StateDict) int {
	most, stats := 0, 0
	for _, e := range state {
		n := roundUp(tensor.Size(e.Shape...), cacheLine)
		if e.Param == nil {
			stats += n
		} else {
			most = max(most, n)
		}
	}
	return roundUp(max(stats, bucketSize+most), cacheLine*a.group.Size())
}

func roundUp(n, by int) int { return (n + by - 1) / by * by }

// layOut takes the parameters and batch norms that train from now on. All ranks find the
// same layout; the sums do not depend on it.
func (a *accumulator) layOut(params [][]parameter, norms []*op.BatchNormState) {
	a.norms, a.params, a.at, a.in, a.buckets = norms, nil, nil, nil, nil
	a.number = map[*autograd.Parameter]int{}
	at, stats := 0, 0
	for _, n := range norms {
		stats += 2 * len(n.RunningMean)
	}
	b := bucket{}
	closeBucket := func() {
		at = b.from + roundUp(at-b.from, cacheLine*a.group.Size())
		b.to = at
		a.buckets = append(a.buckets, b)
		b = bucket{from: at}
	}
	at = stats
	closeBucket()
	for g := len(params) - 1; g >= 0; g-- {
		for i := len(params[g]) - 1; i >= 0; i-- {
			p := params[g][i]
			if !p.Param.RequiresGrad {
				continue
			}
			a.number[p.Param] = len(a.params)
			a.params, a.at, a.in = append(a.params, p), append(a.at, at), append(a.in, len(a.buckets))
			at += roundUp(len(p.Param.Value.Data), cacheLine)
			if b.params++; at-b.from >= bucketSize {
				closeBucket()
			}
		}
	}
	if b.params > 0 {
		closeBucket()
	}
	a.size = at
	a.start, a.batches = make([]float32, stats), make([]int64, len(norms))
	a.known, a.parts, a.left = false, make([]int, len(a.params)), make([]int, len(a.params))
	a.open, a.told = make([]int, len(a.buckets)), make([]bool, len(a.buckets))
	a.ready = make(chan int, len(a.buckets))
}

// array returns the place of the stack for shard j of this rank's.
func (a *accumulator) array(j int) []float32 {
	depth := mathbits.OnesCount(uint(j))
	for depth >= len(a.stack) {
		a.stack = append(a.stack, nil)
	}
	if len(a.stack[depth]) < a.size {
		a.stack[depth] = mem.Floats(a.size)
	}
	return a.stack[depth][:a.size]
}

// begin notes the running statistics from which all shards of a step start.
func (a *accumulator) begin() {
	at := 0
	for i, n := range a.norms {
		at += copy(a.start[at:], n.RunningMean)
		at += copy(a.start[at:], n.RunningVar)
		a.batches[i] = n.Batches
	}
}

// restore puts the running statistics back that begin noted.
func (a *accumulator) restore() {
	a.putStats(a.start)
	for i, n := range a.norms {
		n.Batches = a.batches[i]
	}
}

func (a *accumulator) putStats(from []float32) {
	at := 0
	for _, n := range a.norms {
		at += copy(n.RunningMean, from[at:])
		at += copy(n.RunningVar, from[at:])
	}
}

// aim makes x the memory of the parameters' gradients.
func (a *accumulator) aim(x []float32) {
	for i, p := range a.params {
		if p.Param.Grad == nil {
			p.Param.Grad = &tensor.Tensor{Shape: p.Param.Value.Shape}
		}
		p.Param.Grad.Data = x[a.at[i]:][:len(p.Param.Value.Data)]
		p.Param.HasGrad = false
	}
}

// keepStats puts the running statistics that a shard ended with into x, times its weight.
func (a *accumulator) keepStats(x []float32, weight float32) {
	for _, n := range a.norms {
		for _, stats := range [][]float32{n.RunningMean, n.RunningVar} {
			for i, v := range stats {
				x[i] = weight * v
			}
			x = x[len(stats):]
		}
	}
}

// fill puts zeros where a shard left no gradient.
func (a *accumulator) fill() {
	for _, p := range a.params {
		if !p.Param.HasGrad {
			clear(p.Param.Grad.Data)
		}
	}
}

// merge adds shard j of this rank's, over a bucket, to the partial sums that it completes.
func (a *accumulator) merge(j int, b bucket) {
	for depth := mathbits.OnesCount(uint(j)); j&1 == 1; j >>= 1 {
		depth--
		x, y := a.stack[depth][b.from:b.to], a.stack[depth+1][b.from:b.to]
		elementwise.Add(x, y, x)
	}
}

// end takes the sums: the statistics become the network's, the gradients the parameters'.
func (a *accumulator) end() {
	total := a.stack[0]
	a.putStats(total)
	for i, n := range a.norms {
		n.Batches = a.batches[i] + 1
	}
	a.aim(total)
	for _, p := range a.params {
		p.Param.HasGrad = true
	}
}
