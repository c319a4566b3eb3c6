package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/pool"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file holds the stem of a SqueezeNet, and in inference of a ResNet, as one operation,
//
//	y = maxpool(relu(conv(x, w) + bias)),
//
// forward and backward. The convolution's result is the largest map of the
// network; a few rows of it at a time exist in one core's cache, and of its
// gradient likewise.

// MaxPool is the geometry of the operation: a convolution of few channels,
// and K x K windows with 1 <= K <= 15, stride, padding and ceil mode as
// pool.Max has them.
type MaxPool struct {
	Conv           Conv
	K, Stride, Pad int
	Ceil           bool
}

const (
	// convPoolBytes bounds the rows of the convolution's result that are made before they are pooled: they
	// have to stay in the second level cache.
	convPoolBytes = 256 << 10
	// poolPieces is how many pieces the forward pass has for each thread, at least: the fewer, the fewer rows are made
	// twice.
	poolPieces = 2
)

// Out returns the output's height and width; 0 when no window fits.
func (p MaxPool) Out() (oh, ow int) {
	h, w := p.Conv.Out()
	return pool.Out(h, p.K, p.Stride, p.Pad, p.Ceil), pool.Out(w, p.K, p.Stride, p.Pad, p.Ceil)
}

// Fits reports whether the shape is one that this file computes: a window of
// several pixels of few channels, on maps that are not tiny.
func (p MaxPool) Fits() bool {
	if p.Conv.Check() != nil || p.K < 1 || p.K > 15 {
		return false
	}
	oh, ow := p.Out()
	g := forwardIGEMM(p.Conv, nil, nil, p.Conv.K)
	return oh > 0 && ow > 0 && g.stemFits()
}

// pool returns the pooling's geometry.
func (p MaxPool) pool(op string) pool.Shape {
	h, w := p.Conv.Out()
	return pool.Max{N: p.Conv.N, H: h, W: w, C: p.Conv.K, K: p.K, Stride: p.Stride, Pad: p.Pad, Ceil: p.Ceil, OfReLU: true}.Shape(op)
}

// Forward computes y [N,oh,ow,K], oh and ow by Out, from x [N,H,W,C], w
// [KH,KW,C,K] and bias [K], which may be nil. argmax [N,oh,ow,K], unless nil,
// receives the positions of the maxima as pool.Max has them with OfReLU, for
// BackwardWeights. The shape must be one that Fits.
func (p MaxPool) Forward(x, w, bias, y []float32, argmax []uint8) {
	const op = "conv.MaxPool.Forward"
	c := p.Conv
	ground.Need(op, "w", len(w), c.KH*c.KW*c.C*c.K)
	if argmax != nil {
		ground.Need(op, "argmax", len(argmax), len(y))
	}
	g := forwardIGEMM(c, x, nil, c.K)
	bp := ground.GetScratch(gemm.PackedBLen(g.kBlocks()*gemm.KBlock, c.K))
	defer ground.PutScratch(bp)
	packForward(bp, c, w)
	var filled []float32
	if bias != nil {
		ground.Need(op, "bias", len(bias), c.K)
		filled = ground.GetScratch(ground.RoundUp(c.K, gemm.TileCols()))
		defer ground.PutScratch(filled)
		clear(filled[copy(filled, bias):])
	}
	p.run(op, x, bp, filled, y, argmax)
}

// ForwardPacked is Forward with weights and bias that were packed, without argmax. It panics as Packed.Forward does.
func (p MaxPool) ForwardPacked(w *Packed, x, y []float32) {
	const op = "conv.MaxPool.ForwardPacked"
	w.mustBeActive(op)
	p.run(op, x, w.bp, w.bias, y, nil)
}

// run computes y from the panels of the weights, and the bias filled up to whole panels.
func (p MaxPool) run(op string, x, bp, bias, y []float32, argmax []uint8) {
	c, s := p.Conv, p.pool(op)
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "y", len(y), c.N*s.OH*s.OW*c.K)
	r := convPoolRun{pool: s, y: y, argmax: argmax}
	r.stemRun = stemRun{igemm: forwardIGEMM(c, x, nil, c.K), bp: bp, ep: epilogue{relu: true, bias: bias}}
	r.step = min(s.OH, max(1, (convPoolBytes/(4*s.W*s.C)-s.K)/s.Stride+1))
	r.bands = min(s.OH, ground.CeilDiv(poolPieces*parallel.Threads(), c.N))
	parallel.ForWith(c.N*r.bands, r, (*convPoolRun).piece)
}

// convPoolRun is a MaxPool.Forward under way.
type convPoolRun struct {
	stemRun
	pool   pool.Shape
	y      []float32
	argmax []uint8
	bands  int // of output rows that a picture is cut into: a piece is one
	step   int // output rows that are pooled at a time
}

// piece computes band i of output rows, counted over all pictures.
func (r *convPoolRun) piece(i int) {
	s, n := &r.pool, i/r.bands
	o0, o1 := winograd.Cut(s.OH, r.bands, i%r.bands)
	line := s.W * s.C
	z := ground.GetScratch((s.K + (r.step-1)*s.Stride) * line)
	defer ground.PutScratch(z)
	win := r.newStemWindow(stemRows)
	defer ground.PutScratch(win.buf)
	q0, q1 := 0, 0 // rows of the convolution's result that z has
	for o := o0; o < o1; {
		end := min(o1, o+r.step)
		top, last := s.WindowRow(o).Top, s.WindowRow(end-1)
		if top < q1 { // windows share rows with those before
			copy(z, z[(top-q0)*line:(q1-q0)*line])
		}
		q0, q1 = top, max(top, q1)
		for bottom := last.Top + last.Rows; q1 < bottom; {
			rows := min(stemRows, bottom-q1)
			r.rows(win, n, q1, rows, z[(q1-q0)*line:])
			q1 += rows
		}
		for ; o < end; o++ {
			r.poolRow(n, o, q0, z)
		}
	}
}

// poolRow computes output row o of picture n. z has the convolution's rows from q0 on.
func (r *convPoolRun) poolRow(n, o, q0 int, z []float32) {
	s := &r.pool
	window := s.WindowRow(o)
	window.Top -= q0
	window.Y0 -= q0
	at, size := (n*s.OH+o)*s.OW*s.C, s.OW*s.C
	var arg []uint8
	if r.argmax != nil {
		arg = r.argmax[at:][:size]
	}
	s.ForwardRow(window, z, r.y[at:][:size], arg, true)
}

// BackwardWeights computes dw [KH,KW,C,K] and dbias [K], unless that is nil,
// overwriting both, from x, dy [N,oh,ow,K] and argmax. The shape must be one
// that Fits.
func (p MaxPool) BackwardWeights(x, dy []float32, argmax []uint8, dw, dbias []float32) {
	const op = "conv.MaxPool.BackwardWeights"
	c, s := p.Conv, p.pool(op)
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "w", len(dw), c.KH*c.KW*c.C*c.K)
	ground.Need(op, "y", len(dy), c.N*s.OH*s.OW*c.K)
	ground.Need(op, "argmax", len(argmax), len(dy))
	ground.NeedOptional(op, "dbias", dbias, c.K)
	g := forwardIGEMM(c, x, nil, 0)
	d := stemGrad{dy: dy, argmax: argmax, pool: s}
	bands := g.stemBands()
	if dbias != nil {
		d.sums = ground.GetScratch(bands * c.K)
		defer ground.PutScratch(d.sums)
	}
	stemBackwardWeights(&g, d, dw)
	if dbias != nil {
		rowwise.MergeSums(d.sums, bands, c.K, dbias)
	}
}

// stemGrad is the gradient of a stem's result, as its weights' gradient reads
// it.
type stemGrad struct {
	dy []float32 // the gradient, or that of its max pool's result

	argmax []uint8    // of the max pool; nil where there is none
	pool   pool.Shape // its geometry
	sums   []float32  // [bands, cols]: receives the sums of each band's rows; or nil
}

// pooled reports whether there is a max pool.
func (d *stemGrad) pooled() bool { return d.argmax != nil }

// rows returns the gradient of output rows [qy, qy+rows) of picture n of g, in
// buf if it has to be made.
func (d *stemGrad) rows(g *igemm, n, qy, rows int, buf []float32) []float32 {
	line := g.ow * g.cols
	if !d.pooled() {
		return d.dy[(n*g.oh+qy)*line:][:rows*line]
	}
	picture := d.pool.OH * d.pool.OW * d.pool.C
	dy, argmax := d.dy[n*picture:][:picture], d.argmax[n*picture:][:picture]
	for r := range rows {
		d.pool.BackwardRow(qy+r, dy, argmax, buf[r*line:][:line], false)
	}
	if d.sums != nil {
		sums := d.sums[(n*ground.CeilDiv(g.oh, stemRows)+qy/stemRows)*g.cols:][:g.cols]
		clear(sums)
		elementwise.SumPiece(buf[:rows*line], rows*g.ow, g.cols, sums)
	}
	return buf[:rows*line]
}
