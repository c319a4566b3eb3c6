package cpu

import "github.com/whippet-ml/whippet/internal/parallel"

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
	// wgradRowPanels and wgradColPanels bound a piece, so that its packed
	// pixels and its part of dw stay in the second level cache.
	wgradRowPanels = 18
	wgradColPanels = 4
	// wgradPieces is how many pieces there are at least, if the shape allows.
	wgradPieces = 48
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
	t.width, t.per = c.C, ceilDiv(c.C, panelT)
	if t.g.flat {
		t.width, t.per = c.KH*c.KW*c.C, blocks
	}
	pixels := c.N * t.g.oh * t.g.ow
	colPanels := ceilDiv(c.K, tileCols())
	rowPieces := ceilDiv(blocks, wgradRowPanels)
	if rowPieces*ceilDiv(colPanels, wgradColPanels) < wgradPieces {
		rowPieces = ceilDiv(blocks, wgradRowPanels/2)
	}
	colPieces := ceilDiv(colPanels, wgradColPanels)
	rowStep, colStep := ceilDiv(blocks, rowPieces), ceilDiv(colPanels, colPieces)

	chunks := ceilDiv(pixels, wgradPixels)
	groups := min(chunks, ceilDiv(wgradPieces, rowPieces*colPieces), max(1, wgradPartialFloats/len(dw)))
	perGroup := ceilDiv(chunks, groups) * wgradPixels
	groups = ceilDiv(pixels, perGroup)

	part := dw
	if groups > 1 {
		part = getScratch(groups * len(dw))
		defer putScratch(part)
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

// piece computes row panels [b0,b1) and column panels [j0,j1) of dw over the
// pixels [p0,p1).
func (t *wgrad) piece(dw []float32, p0, p1, b0, b1, j0, j1 int) {
	if b0 >= b1 || j0 >= j1 {
		return
	}
	nr, mr := tileCols(), tileRowsT()
	n := min(wgradPixels, p1-p0)
	directA, directB := t.direct()
	var a, b, row []float32
	args := gemmArgs{ldc: t.k, as: panelT, bs: nr}
	if directA {
		args.as = t.g.c
	} else {
		a = getScratch((b1 - b0) * n * panelT)
		defer putScratch(a)
		if t.g.flat {
			row = getScratch(t.g.kBlocks() * kBlock)
			defer putScratch(row)
		}
	}
	if directB {
		args.bs = t.k
	} else {
		b = getScratch((j1 - j0) * n * nr)
		defer putScratch(b)
	}
	u := t.g.seek(p0)
	for q := p0; q < p1; q += n {
		m := min(n, p1-q)
		if !directA {
			t.g.gather(a, panelT, m*panelT, &u, m, b0, b1, row)
		}
		if !directB {
			for j := j0; j < j1; j++ {
				packBPanel(b[(j-j0)*m*nr:], t.dy[q*t.k+j*nr:], m, t.k, min(nr, t.k-j*nr), nr)
			}
		}
		soon := t.soon(q+m, min(p1, q+m+n), b0, b1, j0, j1)
		args.k = m
		for j := j0; j < j1; j++ {
			args.nr = min(nr, t.k-j*nr)
			if directB {
				args.b = &t.dy[q*t.k+j*nr]
			} else {
				args.b = &b[(j-j0)*m*nr]
			}
			for i := b0; i < b1; i++ {
				first := i % t.per * panelT // row within the group
				for h := 0; h < panelT && first+h < t.width; h += mr {
					args.mr = min(mr, t.width-first-h)
					if directA {
						args.a = &t.g.src[q*t.g.c+first+h]
					} else {
						args.a = &a[(i-b0)*m*panelT+h]
					}
					args.c = &dw[(i/t.per*t.width+first+h)*t.k+j*nr]
					args.next, args.nextStep = soon.take()
					gemmT(&args)
				}
			}
		}
		args.flags = gemmAccumulate
	}
}

// direct reports whether the kernels can read x and dy where they lie. For x
// the rows of A must be the pixels themselves, as for a 1x1 window with stride
// 1. Many channels are packed all the same: steps of a page each would miss the
// address translation cache and fall on few sets of the data caches.
func (t *wgrad) direct() (a, b bool) {
	a = !t.g.flat && t.g.pointwise() && t.g.c%panelT == 0 && t.g.c < wgradPackFrom
	b = t.k%kBlock == 0 && t.k < wgradPackFrom
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
	s := soon{dyStep: t.k, dyPart: kBlock, xStep: kBlock, xPart: (p1 - p0) * kBlock}
	d := t.dy[p0*t.k:]
	s.dy = d[j0*tileCols() : min(t.k, j1*tileCols())]
	s.x = t.g.sourceOf(p0, p1)
	if t.g.pointwise() {
		s.xStep, s.xPart = t.g.c, kBlock
		s.x = t.g.src[p0*t.g.c:][b0*kBlock : min(t.g.c, b1*kBlock)]
	}
	return s
}

// take returns the next part, for gemmArgs.
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
			add(d, a.part[g*len(a.dst)+lo:g*len(a.dst)+hi], d)
		}
	})
}
