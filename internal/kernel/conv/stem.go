package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// This file computes convolutions of few channels, the first layer of every
// network, without gathering windows into panels. A few rows of the input are
// copied with their zero padding around them; then the window's KW*C values in
// one input row are contiguous, and the kernels read them where they lie: form
// D for the forward pass, form T with the pixel distance as its stride for the
// weight gradient.

// stemRows is how many output rows a piece of the forward pass or a step of the
// weight gradient has. The input rows that two pieces share are copied twice.
const stemRows = 4

// stemFits reports whether c is a convolution for this file: few channels, and
// output rows that tiles cover without much waste.
func (g *igemm) stemFits() bool {
	return g.flat && g.ndy*g.ndx > 1 && g.dense() && tileRows(g.ow)*2 <= g.ow*3
}

// stemWindow is a copy of the input rows behind some output rows, padded.
type stemWindow struct {
	buf   []float32
	pitch int // floats from a row to the next
}

// newStemWindow returns room for the input of rows output rows, and for the
// reads of kernels past its end.
func (g *igemm) newStemWindow(rows int) stemWindow {
	width := ((g.ow-1)*g.stride + g.ndx) * g.c
	slack := gemm.MaxTileRows*g.stride*g.c + gemm.PanelT
	w := stemWindow{pitch: width}
	w.buf = ground.GetScratch(((rows-1)*g.stride+g.ndy)*width + slack)
	clear(w.buf[len(w.buf)-slack:])
	return w
}

// fill copies the input of output rows [qy, qy+rows) of picture n.
func (w stemWindow) fill(g *igemm, n, qy, rows int) {
	lo := min(max(0, -g.dx0)*g.c, w.pitch) // floats of padding on the left
	hi := min((g.w-g.dx0)*g.c, w.pitch)    // end of the picture's floats
	for i := range (rows-1)*g.stride + g.ndy {
		d := w.buf[i*w.pitch:][:w.pitch]
		y := qy*g.stride + g.dy0 + i
		if uint(y) >= uint(g.h) || lo >= hi {
			clear(d)
			continue
		}
		clear(d[:lo])
		first := (n*g.h+y)*g.w + max(0, g.dx0)
		copy(d[lo:hi], g.src[first*g.c:])
		clear(d[hi:])
	}
}

// stemBands returns into how many bands of stemRows output rows g is cut.
func (g *igemm) stemBands() int { return g.n * ground.CeilDiv(g.oh, stemRows) }

// runStem is run for convolutions that stemFits takes. bp holds the panels of
// the flat layout.
func (g *igemm) runStem(bp []float32, ep *epilogue) {
	r := stemRun{igemm: *g, bp: bp}
	if ep != nil {
		r.ep = *ep
	}
	if r.ep.after == elementwise.Identity && g.storesNonTemporal() {
		r.flags = gemm.NonTemporal
	}
	parallel.ForWith(g.stemBands(), r, (*stemRun).piece)
}

// stemRun is a runStem under way.
type stemRun struct {
	igemm
	bp    []float32
	ep    epilogue
	flags int
}

// piece computes band i of output rows, counted over all pictures.
func (g *stemRun) piece(i int) {
	bands := ground.CeilDiv(g.oh, stemRows)
	n, qy := i/bands, i%bands*stemRows
	rows := min(stemRows, g.oh-qy)
	win := g.newStemWindow(rows)
	g.rows(win, n, qy, rows, g.out[n*g.outN+qy*g.outRow:])
	ground.PutScratch(win.buf)
	if g.flags != 0 {
		ground.StoreFence()
	}
}

// rows computes output rows [qy, qy+rows) of picture n, the first at out[0]. win
// has room for the input of as many rows.
func (g *stemRun) rows(win stemWindow, n, qy, rows int, out []float32) {
	nr := gemm.TileCols()
	kPad := g.kBlocks() * gemm.KBlock
	win.fill(&g.igemm, n, qy, rows)
	args := gemm.Args{
		K: g.ndx * g.c, Segs: g.ndy, SegStep: win.pitch, AStride: g.stride * g.c, LDC: g.outPix, Flags: g.flags,
	}
	if g.ep.relu {
		args.Flags |= gemm.ReLU
	}
	for j := 0; j*nr < g.cols; j++ {
		args.B = &g.bp[j*kPad*nr]
		args.NR = min(nr, g.cols-j*nr)
		if g.ep.bias != nil {
			args.Bias = &g.ep.bias[j*nr]
		}
		for r := range rows {
			args.MR = g.ow
			args.A = &win.buf[r*g.stride*win.pitch]
			c := out[r*g.ow*g.outPix+j*nr:]
			args.C = &c[0]
			if g.ep.residual != nil {
				args.Res, args.LDR = &g.ep.residual[(n*g.oh+qy+r)*g.ow*g.cols+j*nr], g.cols
			}
			gemm.FormD(&args)
			g.ep.after.Tile(c, g.ow, args.NR, g.outPix)
		}
	}
}

// stemBackwardWeights is directBackwardWeights for convolutions that stemFits
// takes. Groups of bands of output rows have partial sums of their own, which
// are added in order.
func stemBackwardWeights(g *igemm, dy stemGrad, dw []float32) {
	bands := g.stemBands()
	groups := min(bands, wgradPieces, max(1, wgradPartialFloats/len(dw)))
	perGroup := ground.CeilDiv(bands, groups)
	groups = ground.CeilDiv(bands, perGroup)
	part := ground.GetScratch(groups * len(dw))
	defer ground.PutScratch(part)
	type args struct {
		g        igemm
		dy       stemGrad
		part     []float32
		perGroup int
		size     int // of dw
	}
	parallel.ChunksWith(bands, perGroup, args{*g, dy, part, perGroup, len(dw)}, func(a *args, lo, hi int) {
		a.g.stemPiece(a.part[lo/a.perGroup*a.size:][:a.size], &a.dy, lo, hi)
	})
	sumPartials(dw, part, groups)
}

// stemPiece adds up dw over the bands [b0,b1).
func (g *igemm) stemPiece(dw []float32, dy *stemGrad, b0, b1 int) {
	nr, mr := gemm.TileCols(), gemm.TileRowsT()
	bands := ground.CeilDiv(g.oh, stemRows)
	colPanels := ground.CeilDiv(g.cols, nr)
	win := g.newStemWindow(stemRows)
	defer ground.PutScratch(win.buf)
	// Output pixels are read where they lie, unless panels demand filling up.
	direct := g.cols%gemm.KBlock == 0 && g.cols < wgradPackFrom
	var b []float32
	if !direct {
		b = ground.GetScratch(colPanels * stemRows * g.ow * nr)
		defer ground.PutScratch(b)
	}
	var made []float32 // the band's gradient, where it has to be made
	if dy.pooled() {
		made = ground.GetScratch(stemRows * g.ow * g.cols)
		defer ground.PutScratch(made)
	}
	line := g.ndx * g.c // rows of dw that one row of the window feeds
	clear(dw)
	args := gemm.Args{K: g.ow, AStride: g.stride * g.c, LDC: g.cols, Flags: gemm.Accumulate}
	for band := b0; band < b1; band++ {
		n, qy := band/bands, band%bands*stemRows
		rows := min(stemRows, g.oh-qy)
		win.fill(g, n, qy, rows)
		pixels := rows * g.ow
		d := dy.rows(g, n, qy, rows, made)
		var ahead []float32 // the next band's output pixels, to be prefetched
		if band+1 < b1 && made == nil {
			ahead = dy.dy[((n*g.oh+qy)*g.ow+pixels)*g.cols:]
			ahead = ahead[:min(len(ahead), stemRows*g.ow*g.cols)]
		}
		for j := range colPanels {
			panel := d[j*nr:]
			args.NR = min(nr, g.cols-j*nr)
			args.BStride = g.cols
			if !direct {
				args.BStride = nr
				panel = b[j*pixels*nr:][:pixels*nr]
				gemm.PackBPanel(panel, d[j*nr:], pixels, g.cols, args.NR, nr)
			}
			for ty := range g.ndy {
				for h := 0; h < line; h += mr {
					args.MR = min(mr, line-h)
					args.C = &dw[(ty*line+h)*g.cols+j*nr]
					for r := range rows {
						args.A = &win.buf[(r*g.stride+ty)*win.pitch+h]
						args.B = &panel[r*g.ow*args.BStride]
						args.Next, args.NextStep = nil, 0
						if len(ahead) > 0 {
							args.Next, args.NextStep = &ahead[0], gemm.KBlock*4
							ahead = ahead[min(len(ahead), g.ow*gemm.KBlock):]
						}
						gemm.FormT(&args)
					}
				}
			}
		}
	}
}
