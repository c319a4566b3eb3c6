package conv

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// wgrad is the weight gradient as a matrix product: dw [rows,K] = A^T * dy with
// one step per output pixel; A's rows are those of the implicit im2col matrix,
// which an igemm gathers.
type wgrad struct {
	g     igemm
	dy    []float32 // [pixels,k]
	k     int
	width int // rows of dw per group of row panels: C per tap, or all when flat
	per   int // row panels per group
}

const (
	// wgradPixels is how many pixels are packed at a time. The sum over them is
	// kept in registers.
	wgradPixels = 256
	// wgradRowPanels and wgradColPanels are the bounds of a piece by which the groups of
	// pixels are counted.
	wgradRowPanels = 18
	wgradColPanels = 4
	// wgradPieces is how many pieces of these bounds there are at least, if the shape
	// allows: what is missing is made up for by groups of pixels. The groups change the
	// rounding, the pieces that dw is really cut into do not.
	wgradPieces = 48
	// wgradCuts is how many pieces are computed at least, if the shape allows.
	wgradCuts = 24
	// wgradPackFrom is the number of channels from which pixels are packed.
	wgradPackFrom = 512
	// wgradPartialFloats bounds the workspace of partial sums.
	wgradPartialFloats = 8 << 20
)

// directBackwardWeights is BackwardWeights without Winograd.
//
// The pieces are blocks of dw. When these are too few to occupy the cores, the
// pixels are also cut, into groups that depend on the shape alone; each group
// has its own partial sum, and these are added in a fixed order.
func directBackwardWeights(c Conv, x, dy, dw []float32) {
	t := wgrad{g: forwardIGEMM(c, x, nil, 0), dy: dy, k: c.K}
	if t.g.stemFits() {
		stemBackwardWeights(&t.g, stemGrad{dy: dy}, dw)
		return
	}
	blocks := t.g.kBlocks()
	t.width, t.per = c.C, ground.CeilDiv(c.C, gemm.PanelT)
	if t.g.flat {
		t.width, t.per = c.KH*c.KW*c.C, blocks
	}
	pixels := c.N * t.g.oh * t.g.ow
	colPanels := ground.CeilDiv(c.K, gemm.TileCols())
	rowPieces := ground.CeilDiv(blocks, wgradRowPanels)
	if rowPieces*ground.CeilDiv(colPanels, wgradColPanels) < wgradPieces {
		rowPieces = ground.CeilDiv(blocks, wgradRowPanels/2)
	}
	colPieces := ground.CeilDiv(colPanels, wgradColPanels)
	chunks := ground.CeilDiv(pixels, wgradPixels)
	groups := min(chunks, ground.CeilDiv(wgradPieces, rowPieces*colPieces), max(1, wgradPartialFloats/len(dw)))
	perGroup := ground.CeilDiv(chunks, groups) * wgradPixels
	groups = ground.CeilDiv(pixels, perGroup)
	rowPieces, colPieces = wgradCut(c, blocks, colPanels, ground.CeilDiv(wgradCuts, groups))
	rowStep, colStep := ground.CeilDiv(blocks, rowPieces), ground.CeilDiv(colPanels, colPieces)

	part := dw
	if groups > 1 {
		part = ground.GetScratch(groups * len(dw))
		defer ground.PutScratch(part)
	}
	type args struct {
		t                             wgrad
		part                          []float32
		size                          int // of dw
		pixels, perGroup              int
		blocks, rowPieces, rowStep    int
		colPanels, colPieces, colStep int
	}
	a := args{t, part, len(dw), pixels, perGroup, blocks, rowPieces, rowStep, colPanels, colPieces, colStep}
	parallel.ForWith(groups*rowPieces*colPieces, a, func(a *args, i int) {
		j := i % a.colPieces * a.colStep
		b := i / a.colPieces % a.rowPieces * a.rowStep
		gr := i / a.colPieces / a.rowPieces
		a.t.piece(a.part[gr*a.size:][:a.size], gr*a.perGroup, min(a.pixels, (gr+1)*a.perGroup),
			b, min(a.blocks, b+a.rowStep), j, min(a.colPanels, j+a.colStep))
	})
	if groups > 1 {
		sumPartials(dw, part, groups)
	}
}

// wgradCut cuts dw, of row and column panels, into at least the given number of pieces,
// if there are panels enough: such that the least is packed, or brought from memory, more
// than once. The pixels are read again for every piece of the columns, the gradients
// for every piece of the rows.
func wgradCut(c Conv, rows, cols, least int) (rowPieces, colPieces int) {
	best := math.MaxInt
	for r := 1; r <= rows; r++ {
		step := ground.CeilDiv(rows, r)
		n := min(cols, ground.CeilDiv(least, ground.CeilDiv(rows, step)))
		if ground.CeilDiv(rows, step)*n < least && r < rows {
			continue
		}
		if cost := n*c.C*c.KH*c.KW + r*c.K; cost < best {
			best, rowPieces, colPieces = cost, r, n
		}
	}
	return rowPieces, colPieces
}

// piece computes row panels [b0,b1) and column panels [j0,j1) of dw over the
// pixels [p0,p1).
func (t *wgrad) piece(dw []float32, p0, p1, b0, b1, j0, j1 int) {
	if b0 >= b1 || j0 >= j1 {
		return
	}
	nr, mr := gemm.TileCols(), gemm.TileRowsT()
	n := min(wgradPixels, p1-p0)
	directA, directB := t.direct()
	var a, b, row []float32
	args := gemm.Args{LDC: t.k, AStride: gemm.PanelT, BStride: nr}
	if directA {
		args.AStride = t.g.c
	} else {
		a = ground.GetScratch((b1 - b0) * n * gemm.PanelT)
		defer ground.PutScratch(a)
		if t.g.flat {
			row = ground.GetScratch(t.g.kBlocks() * gemm.KBlock)
			defer ground.PutScratch(row)
		}
	}
	if directB {
		args.BStride = t.k
	} else {
		b = ground.GetScratch((j1 - j0) * n * nr)
		defer ground.PutScratch(b)
	}
	u := t.g.seek(p0)
	for q := p0; q < p1; q += n {
		m := min(n, p1-q)
		if !directA {
			t.g.gather(a, gemm.PanelT, m*gemm.PanelT, &u, m, b0, b1, row)
		}
		if !directB {
			for j := j0; j < j1; j++ {
				gemm.PackBPanel(b[(j-j0)*m*nr:], t.dy[q*t.k+j*nr:], m, t.k, min(nr, t.k-j*nr), nr)
			}
		}
		soon := t.soon(q+m, min(p1, q+m+n), b0, b1, j0, j1)
		args.K = m
		for j := j0; j < j1; j++ {
			args.NR = min(nr, t.k-j*nr)
			if directB {
				args.B = &t.dy[q*t.k+j*nr]
			} else {
				args.B = &b[(j-j0)*m*nr]
			}
			if directA {
				end := min(t.width, b1*gemm.PanelT)
				for h := b0 * gemm.PanelT; h < end; h += mr {
					args.MR = min(mr, end-h)
					args.A = &t.g.src[q*t.g.c+h]
					args.C = &dw[h*t.k+j*nr]
					args.Next, args.NextStep = soon.take()
					gemm.FormT(&args)
				}
				continue
			}
			for i := b0; i < b1; i++ {
				first := i % t.per * gemm.PanelT // row within the group
				rows := min(gemm.PanelT, t.width-first)
				for h := 0; h < rows; h += mr {
					args.MR = min(mr, rows-h)
					args.A = &a[(i-b0)*m*gemm.PanelT+h]
					args.C = &dw[(i/t.per*t.width+first+h)*t.k+j*nr]
					args.Next, args.NextStep = soon.take()
					gemm.FormT(&args)
				}
			}
		}
		args.Flags = gemm.Accumulate
	}
}

// direct reports whether the kernels can read x and dy where they lie. For x
// the rows of A must be the pixels themselves, as for a 1x1 window with stride
// 1, and the kernels must not read past the last pixel. Many channels are packed all the same: steps of a page each would miss the
// address translation cache and fall on few sets of the data caches.
func (t *wgrad) direct() (a, b bool) {
	a = t.g.pointwise() && t.g.c%gemm.RowsRead == 0 && t.g.c < wgradPackFrom
	b = t.k%gemm.KBlock == 0 && t.k < wgradPackFrom
	return a, b
}

// soon lists the memory that the next chunk of pixels will need, in parts of
// one line per pixel, to be prefetched by the calls that compute this one.
type soon struct {
	x, dy         []float32
	xStep, dyStep int // floats from a line to the next
	xPart, dyPart int // floats from a part to the next
}

// soon returns what the pixels [p0,p1) of a piece will need.
func (t *wgrad) soon(p0, p1, b0, b1, j0, j1 int) soon {
	if p0 >= p1 {
		return soon{}
	}
	s := soon{dyStep: t.k, dyPart: gemm.KBlock, xStep: gemm.KBlock, xPart: (p1 - p0) * gemm.KBlock}
	d := t.dy[p0*t.k:]
	s.dy = d[j0*gemm.TileCols() : min(t.k, j1*gemm.TileCols())]
	s.x = t.g.sourceOf(p0, p1)
	if t.g.pointwise() {
		s.xStep, s.xPart = t.g.c, gemm.KBlock
		s.x = t.g.src[p0*t.g.c:][b0*gemm.KBlock : min(t.g.c, b1*gemm.KBlock)]
	}
	return s
}

// take returns the next part, for gemm.Args.
func (s *soon) take() (p *float32, step int) {
	switch {
	case len(s.dy) > 0:
		p, step = &s.dy[0], s.dyStep*4
		s.dy = s.dy[min(len(s.dy), s.dyPart):]
	case len(s.x) > 0:
		p, step = &s.x[0], s.xStep*4
		s.x = s.x[min(len(s.x), s.xPart):]
	}
	return p, step
}

// sumPartials adds n arrays that follow each other in part, first to last.
func sumPartials(dst, part []float32, n int) {
	type args struct {
		dst, part []float32
		n         int
	}
	parallel.ChunksWith(len(dst), 4096, args{dst, part, n}, func(a *args, lo, hi int) {
		d := a.dst[lo:hi]
		copy(d, a.part[lo:hi])
		for g := 1; g < a.n; g++ {
			elementwise.AddPiece(d, a.part[g*len(a.dst)+lo:g*len(a.dst)+hi], d)
		}
	})
}
