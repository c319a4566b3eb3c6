package attention

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Attention is scaled dot-product attention of Heads heads of D channels over the T
// tokens of each of N pictures: softmax(Q·Kᵀ/√D)·V (Vaswani et al. 2017,
// https://arxiv.org/abs/1706.03762). Queries, keys and values are one array
// [N,T,3,Heads,D], as the linear layer before makes it; the result is [N,T,Heads,D].
//
// One head of one picture is a piece of work. It takes a block of queries at a time,
// whose scores with all keys stay in the second level cache. The backward pass
// computes them anew: nothing but the input is kept for it.
type Attention struct {
	N, T, Heads, D int
}

// check panics unless the shape is possible and the slices fit.
func (a Attention) check(op string, qkv, y []float32) {
	if a.N < 0 || a.T < 1 || a.Heads < 1 || a.D < 1 {
		panic(fmt.Sprintf("%s: shape %+v; T, Heads and D must be at least 1", op, a))
	}
	ground.Need(op, "qkv", len(qkv), 3*a.N*a.T*a.Heads*a.D)
	ground.Need(op, "y", len(y), a.N*a.T*a.Heads*a.D)
}

// Forward computes y [N,T,Heads,D] from qkv [N,T,3,Heads,D]. It panics when a length
// does not fit.
func (a Attention) Forward(qkv, y []float32) {
	a.check("attention.Attention.Forward", qkv, y)
	parallel.ForWith(a.N*a.Heads, pass{Attention: a, qkv: qkv, y: y}, func(p *pass, i int) {
		h := p.head(i)
		defer h.end()
		h.forward()
	})
}

// Backward computes dqkv, the gradient of qkv, which it overwrites, from dy, that of
// the result. It panics when a length does not fit.
func (a Attention) Backward(dy, qkv, dqkv []float32) {
	const op = "attention.Attention.Backward"
	a.check(op, qkv, dy)
	ground.Need(op, "dqkv", len(dqkv), len(qkv))
	parallel.ForWith(a.N*a.Heads, pass{Attention: a, qkv: qkv, y: dy, dqkv: dqkv}, func(p *pass, i int) {
		h := p.head(i)
		defer h.end()
		h.backward()
	})
}

// pass is a forward or backward pass under way.
type pass struct {
	Attention
	qkv, y, dqkv []float32 // y: the result, or its gradient
}

// blockBytes bounds the scores of a block of queries.
const blockBytes = 96 << 10

// head is the work on one head of one picture.
type head struct {
	*pass
	in, out int // where the first token's queries and result begin
	ldIn    int // floats from a token of qkv to the next
	ldOut   int // the same of y
	tp, dp  int // T and D, filled up to multiples of columnStep
	dn      int // D, filled up to whole tiles
	block   int // queries of a block, whole tiles
	scale   float32

	scratch [maxScratch][]float32
	taken   int // of scratch
}

// maxScratch is how many buffers the work on a head has at most.
const maxScratch = 9

// head begins piece i.
func (p *pass) head(i int) head {
	c := p.Heads * p.D
	n, h := i/p.Heads, i%p.Heads
	x := head{
		pass: p, in: n*p.T*3*c + h*p.D, out: n*p.T*c + h*p.D, ldIn: 3 * c, ldOut: c,
		tp: ground.RoundUp(p.T, columnStep), dp: ground.RoundUp(p.D, columnStep), dn: ground.RoundUp(p.D, gemm.TileCols()),
		scale: float32(1 / math.Sqrt(float64(p.D))),
	}
	blocks := ground.CeilDiv(p.T*x.tp*4, blockBytes)
	x.block = ground.RoundUp(ground.CeilDiv(p.T, blocks), gemm.TileRows())
	return x
}

// get returns n floats of scratch until end.
func (h *head) get(n int) []float32 {
	s := ground.GetScratch(n)
	h.scratch[h.taken] = s
	h.taken++
	return s
}

func (h *head) end() {
	for _, s := range h.scratch[:h.taken] {
		ground.PutScratch(s)
	}
}

// part is where queries (0), keys (1) or values (2) begin in qkv and dqkv.
func (h *head) part(i int) int { return h.in + i*h.Heads*h.D }

// acrossTokens packs the transpose of keys or values as B panels with a column for
// each token: the right side of scores.
func (h *head) acrossTokens(part int) []float32 {
	nr := gemm.TileCols()
	bp := h.get(gemm.PackedBLen(h.dp, h.T))
	for j := 0; j < h.T; j += nr {
		d := bp[j*h.dp:][:nr*h.dp]
		gemm.PackBPanelT(d, h.qkv[h.part(part)+j*h.ldIn:], h.D, h.ldIn, min(nr, h.T-j), nr)
		clear(d[h.D*nr:])
	}
	return bp
}

// downTokens packs keys or values as B panels with a step for each token: what
// probabilities, or gradients of scores, are multiplied by.
func (h *head) downTokens(part int) []float32 {
	nr := gemm.TileCols()
	bp := h.get(gemm.PackedBLen(h.tp, h.D))
	for j := 0; j < h.D; j += nr {
		d := bp[j*h.tp:][:nr*h.tp]
		gemm.PackBPanel(d, h.qkv[h.part(part)+j:], h.T, h.ldIn, min(nr, h.D-j), nr)
		clear(d[h.T*nr:])
	}
	return bp
}

// copyRows copies rows of D floats, ld apart, to rows of width floats with zeros after
// them.
func copyRows(dst []float32, width int, src []float32, ld, d, rows int) {
	for r := range rows {
		row := dst[r*width:][:width]
		clear(row[copy(row, src[r*ld:][:d]):])
	}
}

// times computes c = a·b for rows of a, of k steps each lying one after the other, and
// cols columns of the panels bp. k is a multiple of columnStep.
func times(a []float32, rows, k int, bp []float32, cols int, c []float32, ldc int) {
	nr := gemm.TileCols()
	args := gemm.Args{K: k, AStride: k, Segs: 1, LDC: ldc}
	for j := 0; j < cols; j += nr {
		args.B, args.NR = &bp[j*k], min(nr, cols-j)
		args.A, args.C, args.MR = &a[0], &c[j], rows
		gemm.FormD(&args)
	}
}

// transposedTimes computes c = aᵀ·b, or adds it to c, for a [steps,lda] of which the
// first rows columns count, and b [steps,ldb], of which the first cols do; lda is a
// multiple of columnStep, ldb of whole tiles.
func transposedTimes(a []float32, steps, lda, rows int, b []float32, ldb, cols int, c []float32, ldc int, add bool) {
	mr, nr := gemm.TileRowsT(), gemm.TileCols()
	args := gemm.Args{K: steps, AStride: lda, BStride: ldb, LDC: ldc}
	if add {
		args.Flags = gemm.Accumulate
	}
	for j := 0; j < cols; j += nr {
		args.B, args.NR = &b[j], min(nr, cols-j)
		for r := 0; r < rows; r += mr {
			args.A, args.C, args.MR = &a[r], &c[r*ldc+j], min(mr, rows-r)
			gemm.FormT(&args)
		}
	}
}

// probabilities writes those of n queries, rows of h.tp, to s. q has the queries,
// rows of h.dp, and keys their panels.
func (h *head) probabilities(s, q, keys []float32, n int) {
	times(q, n, h.dp, keys, h.T, s, h.tp)
	h.fill(s, n, float32(math.Inf(-1)))
	softmax(s, n, h.tp, h.scale)
}

// fill sets what stands after the T columns of rows of h.tp to v.
func (h *head) fill(s []float32, rows int, v float32) {
	for r := range rows {
		row := s[r*h.tp:][h.T:h.tp]
		for i := range row {
			row[i] = v
		}
	}
}

func (h *head) forward() {
	keys, values := h.acrossTokens(1), h.downTokens(2)
	q, s := h.get(h.block*h.dp), h.get(h.block*h.tp)
	for r := 0; r < h.T; r += h.block {
		n := min(h.block, h.T-r)
		copyRows(q, h.dp, h.qkv[h.part(0)+r*h.ldIn:], h.ldIn, h.D, n)
		h.probabilities(s, q, keys, n)
		times(s, n, h.tp, values, h.D, h.y[h.out+r*h.ldOut:], h.ldOut)
	}
}

// backward goes through blocks of queries: with P the probabilities, dP = dY·Vᵀ and
// dS the gradient of the scores, it adds Pᵀ·dY to the gradient of the values and dSᵀ·Q
// to that of the keys, and sets that of the queries to dS·K.
func (h *head) backward() {
	keys, values, keysDown := h.acrossTokens(1), h.acrossTokens(2), h.downTokens(1)
	q, s, g := h.get(h.block*h.dp), h.get(h.block*h.tp), h.get(h.block*h.tp)
	wide := q // with rows of whole tiles
	if h.dn != h.dp {
		wide = h.get(h.block * h.dn)
	}
	dy, dyWide := h.get(h.block*h.dp), wide
	if h.dn == h.dp {
		dyWide = dy
	}
	for r := 0; r < h.T; r += h.block {
		n, add := min(h.block, h.T-r), r > 0
		from, grad := h.qkv[h.part(0)+r*h.ldIn:], h.y[h.out+r*h.ldOut:]
		copyRows(q, h.dp, from, h.ldIn, h.D, n)
		copyRows(dy, h.dp, grad, h.ldOut, h.D, n)
		h.probabilities(s, q, keys, n)
		times(dy, n, h.dp, values, h.T, g, h.tp)
		h.fill(g, n, 0)
		if h.dn != h.dp {
			copyRows(dyWide, h.dn, grad, h.ldOut, h.D, n)
		}
		transposedTimes(s, n, h.tp, h.T, dyWide, h.dn, h.D, h.dqkv[h.part(2):], h.ldIn, add)
		softmaxGrad(s, g, n, h.tp, h.scale)
		times(g, n, h.tp, keysDown, h.D, h.dqkv[h.part(0)+r*h.ldIn:], h.ldIn)
		if h.dn != h.dp {
			copyRows(wide, h.dn, from, h.ldIn, h.D, n)
		}
		transposedTimes(g, n, h.tp, h.T, wide, h.dn, h.D, h.dqkv[h.part(1):], h.ldIn, add)
	}
}
