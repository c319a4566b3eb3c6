package conv

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Pixels is the result of a 1×1 convolution, of which those who read it compute a part
// when they need it, while that is in their cache. Its values are those of Forward.
type Pixels struct {
	p     *Packed
	x     []float32
	relu  bool
	after elementwise.Activation
}

// Pixels returns a(conv(x) + bias) for x [pixels, C]. It panics when the convolution is
// not a 1×1 one at stride 1, or when another instruction set is in use than at Pack.
func (p *Packed) Pixels(x []float32, a elementwise.Activation) Pixels {
	const op = "conv.Packed.Pixels"
	if !p.c.pointwise() || p.c.Stride != 1 {
		panic(fmt.Sprintf("%s: a convolution by %dx%d at stride %d is not one of single pixels", op, p.c.KH, p.c.KW, p.c.Stride))
	}
	if p.set != isa.Active() {
		panic(fmt.Sprintf("%s: weights were packed for %s, but %s is in use; pack them again", op, p.set, isa.Active()))
	}
	if len(x)%p.c.C != 0 {
		panic(fmt.Sprintf("%s: %d values are not pixels of %d channels", op, len(x), p.c.C))
	}
	e := elementwise.Epilogue{Activation: a}
	relu, after := e.Split(op)
	return Pixels{p, x, relu, after}
}

// Len returns how many pixels there are, and their channels.
func (g *Pixels) Len() (pixels, channels int) { return len(g.x) / g.p.c.C, g.p.c.K }

// Compute writes channels [ch,ch+n) of pixels [p0,p1) to dst, where pixels are ld floats
// apart, on the calling goroutine alone. ch is a multiple of gemm.TileCols().
func (g *Pixels) Compute(p0, p1, ch, n int, dst []float32, ld int) {
	const op = "conv.Pixels.Compute"
	nr, c := gemm.TileCols(), g.p.c.C
	if ch%nr != 0 || ch < 0 || n < 1 || ch+n > g.p.c.K || p0 < 0 || p0 >= p1 {
		panic(fmt.Sprintf("%s: there are no channels from %d to %d of pixels %d to %d, or the first is not a multiple of %d", op, ch, ch+n, p0, p1, nr))
	}
	ground.NeedStrided(op, "dst", len(dst), p1-p0, n, ld)
	part := forwardIGEMM(pixels(p1-p0, c, n), g.x[p0*c:p1*c], dst, ld)
	ep := epilogue{relu: g.relu, after: g.after}
	if g.p.bias != nil {
		ep.bias = g.p.bias[ch:]
	}
	part.runAlone(g.p.bp[ch*part.kBlocks()*gemm.KBlock:], &ep)
}

// RowsFit reports whether ComputeRows wastes little on rows of so many pixels, whose last tiles
// are not full.
func (g *Pixels) RowsFit(pixels int) bool {
	k := ground.CeilDiv(g.p.c.C, gemm.KBlock)
	return k <= gemm.CutAlone(1, 1, k).KC && tileRows(pixels)*8 <= pixels*9
}

// ComputeRows writes channels [ch,ch+n) of some rows of a map to blocks of gemm.TileCols() channels, on the
// calling goroutine alone. Row r is width pixels, from first+r*pitch on, and goes to dst[r*rowStep:] of the first block;
// the blocks are blockStep floats apart. What is between the rows of a block is overwritten too. ch is a multiple of
// gemm.TileCols(). It is for rows that fit, by RowsFit.
func (g *Pixels) ComputeRows(first, rows, width, pitch, ch, n int, dst []float32, rowStep, blockStep int) {
	const op = "conv.Pixels.ComputeRows"
	mr, nr, c, kBlocks := gemm.TileRows(), gemm.TileCols(), g.p.c.C, ground.CeilDiv(g.p.c.C, gemm.KBlock)
	all, channels := g.Len()
	if ch%nr != 0 || ch < 0 || n < 1 || ch+n > channels || first < 0 || rows < 1 || width < 1 || pitch < width || first+(rows-1)*pitch+width > all {
		panic(fmt.Sprintf("%s: there are no channels from %d to %d of %d rows of %d pixels from %d on, or the first is not a multiple of %d", op, ch, ch+n, rows, width, first, nr))
	}
	ground.NeedStrided(op, "dst", len(dst)-ground.CeilDiv(n-nr, nr)*blockStep, rows, width*nr, rowStep)
	part := forwardIGEMM(pixels(all, c, n), g.x, nil, nr)
	// Kernels read whole tiles, or halves: rows at the end of the map are packed.
	whole := 0
	if last := all - first - tileRows(width); last >= 0 && part.inPlace() {
		whole = min(rows, last/pitch+1)
	}
	perRow := ground.CeilDiv(width, mr) * mr * kBlocks * gemm.KBlock
	var a []float32
	if whole < rows {
		a = ground.GetScratch((rows - whole) * perRow)
		defer ground.PutScratch(a)
		for r := whole; r < rows; r++ {
			u := part.seek(first + r*pitch)
			for p := 0; p < width; p += mr {
				part.gather(a[(r-whole)*perRow+p*kBlocks*gemm.KBlock:], gemm.KBlock, mr*gemm.KBlock, &u, min(mr, width-p), 0, kBlocks, nil)
			}
		}
	}
	panel := kBlocks * gemm.KBlock * nr
	for j := 0; j < n; j += nr {
		at := (ch + j) / nr * panel
		args := gemm.Args{LDC: nr, AStride: c, Segs: 1, NR: min(nr, n-j), B: &g.p.bp[at]}
		if g.relu {
			args.Flags = gemm.ReLU
		}
		if g.p.bias != nil {
			args.Bias = &g.p.bias[ch+j]
		}
		ahead := g.p.bp[at+panel : min(at+2*panel, len(g.p.bp))] // what is read next, if the caller goes on so
		block := dst[j/nr*blockStep:]
		done := 0
		for r := range rows {
			rounds, lines := kBlocks, 8
			if r < whole {
				rounds, lines = c/3, 3
			}
			args.Next, args.NextStep, ahead = nextLines(ahead, ground.CeilDiv(width, mr)*rounds, lines)
			args.MR, args.C = width, &block[r*rowStep]
			if r < whole {
				args.A, args.K = &g.x[(first+r*pitch)*c], c
				gemm.FormD(&args)
			} else {
				args.A, args.K = &a[(r-whole)*perRow], kBlocks
				gemm.FormN(&args)
			}
			if (r+1-done)*width >= activateRows || r+1 == rows {
				z := block[done*rowStep : r*rowStep+width*nr]
				g.after.Tile(z, 1, len(z), len(z))
				done = r + 1
			}
		}
	}
}

// runAlone is run on the calling goroutine alone, for dense outputs.
func (g *igemm) runAlone(bp []float32, ep *epilogue) {
	rows, mr := g.n*g.oh*g.ow, gemm.TileRows()
	colPanels := ground.CeilDiv(g.cols, gemm.TileCols())
	cut := gemm.CutAlone(ground.CeilDiv(rows, mr), colPanels, g.kBlocks())
	step := cut.RowPanels * mr
	b := igemmBlock{igemm: g, ep: ep, bp: bp, kc: cut.KC, j1: colPanels}
	if !g.inPlace() || rows%mr > 0 { // there is something to pack
		b.a = ground.GetScratch(step * cut.KC * gemm.KBlock)
		defer ground.PutScratch(b.a)
	}
	for at := 0; at < rows; at += step {
		b.compute(at, min(rows, at+step), min(rows, at+2*step))
	}
}
