package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/strip"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// groupedWeightPieces is into how many runs the pictures are cut at most, each with
// sums of its own.
const groupedWeightPieces = 16

// BackwardWeights computes dw [KH,KW,C/Groups,K], the gradient of the weights, from
// x [N,H,W,C] and dy [N,OH,OW,K]. dw is overwritten. It panics when a length does not
// fit.
//
// At stride s the taps fall apart into s² phases, which read every s-th row and column
// of x. Of both x and dy strips are made, whose rows have the same number of pixels,
// zeros at the end of dy's: then the sum over all pixels of a strip is one call. The
// rows of its tile are channels of dy, the columns a row of the window: that is more of
// them than a group has channels, so that they fill registers.
func (c Grouped) BackwardWeights(x, dy, dw []float32) {
	const op = "conv.Grouped.BackwardWeights"
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "x", len(x), c.N*c.H*c.W*c.C)
	ground.Need(op, "dy", len(dy), c.N*oh*ow*c.K)
	ground.Need(op, "dw", len(dw), c.weights())
	g := groupedWeights{Grouped: c, in: c.C / c.Groups, out: c.K / c.Groups, oh: oh, ow: ow, x: x, dy: dy, dw: dw}
	g.cols = ow + ground.CeilDiv(c.KW, c.Stride) - 1
	over := ground.CeilDiv(c.KH, c.Stride) - 1
	g.rows = min(groupedStripFloats/(g.cols*max(g.in, g.out))-over, groupedBandFloats/(c.Stride*c.W*c.C+ow*c.K))
	g.rows = min(oh, max(4, g.rows))
	g.rows = ground.CeilDiv(oh, ground.CeilDiv(oh, g.rows))
	g.runs = min(c.N, groupedWeightPieces, max(1, wgradPartialFloats/len(dw)))
	g.perRun = ground.CeilDiv(c.N, g.runs)
	g.runs = ground.CeilDiv(c.N, g.perRun)
	g.perPiece = ground.CeilDiv(c.Groups, min(c.Groups, ground.CeilDiv(groupedWeightPieces, g.runs)))
	g.sums = ground.GetScratch(g.runs * len(dw))
	defer ground.PutScratch(g.sums)
	parallel.ForWith(g.runs*ground.CeilDiv(c.Groups, g.perPiece), g, (*groupedWeights).piece)
	parallel.ForWith(c.Groups, g, (*groupedWeights).merge)
}

// groupedWeights is a BackwardWeights under way.
type groupedWeights struct {
	Grouped
	in, out      int // channels of a group
	oh, ow       int
	x, dy, dw    []float32
	rows, cols   int       // of the results in a strip, and the pixels of a row
	perPiece     int       // groups in a piece
	runs, perRun int       // of pictures, and pictures in a run
	sums         []float32 // [runs, groups, window]; see strip
}

// window is the number of weights of a group.
func (g *groupedWeights) window() int { return g.KH * g.KW * g.in * g.out }

// piece sums up a run of pictures for a run of the groups.
func (g *groupedWeights) piece(i int) {
	chunks := ground.CeilDiv(g.Groups, g.perPiece)
	run, g0 := i/chunks, i%chunks*g.perPiece
	g1 := min(g.Groups, g0+g.perPiece)
	sums := g.sums[(run*g.Groups+g0)*g.window():][:(g1-g0)*g.window()]
	clear(sums)
	for img := run * g.perRun; img < min(g.N, (run+1)*g.perRun); img++ {
		for r := 0; r < g.oh; r += g.rows {
			for k := g0; k < g1; k++ {
				g.strip(sums[(k-g0)*g.window():], img, k, r, min(g.rows, g.oh-r))
			}
		}
	}
}

// strip adds the products of n rows of results from row r on to the sums of a group:
// for each phase and row of its window [channels of dy, columns of the window,
// channels of x].
func (g *groupedWeights) strip(sums []float32, img, group, r, n int) {
	in, out, s := g.in, g.out, g.Stride
	dy := strip.New(n, g.cols, out, gemm.PanelT)
	defer dy.Free()
	dy.Fill(strip.Map{X: g.dy[img*g.oh*g.ow*g.K:], H: g.oh, W: g.ow, C: g.K, At: group * out}, r, 0, 1, n, g.cols)
	x := strip.New(n+ground.CeilDiv(g.KH, s)-1, g.cols, in, g.cols*in+gemm.MaxTileCols)
	defer x.Free()
	source := strip.Map{X: g.x[img*g.H*g.W*g.C:], H: g.H, W: g.W, C: g.C, At: group * in}
	nr, mr := gemm.TileCols(), gemm.TileRowsT()
	args := gemm.Args{K: (n-1)*g.cols + g.ow, AStride: out, BStride: in, Flags: gemm.Accumulate}
	for fy := range min(s, g.KH) {
		for fx := range min(s, g.KW) {
			tall, line := ground.CeilDiv(g.KH-fy, s), ground.CeilDiv(g.KW-fx, s)*in
			x.Fill(source, r*s+fy-g.Pad.Top, fx-g.Pad.Left, s, n+tall-1, g.cols)
			args.LDC = line
			for ty := range tall {
				window := x.Data[ty*g.cols*in:]
				for k := 0; k < out; k += mr {
					args.A, args.MR = &dy.Data[k], min(mr, out-k)
					for j := 0; j < line; j += nr {
						args.B, args.NR = &window[j], min(nr, line-j)
						args.C = &sums[k*line+j]
						gemm.FormT(&args)
					}
				}
				sums = sums[out*line:]
			}
		}
	}
}

// merge adds up the sums of all runs, first to last, for a group, and puts them where
// they belong.
func (g *groupedWeights) merge(group int) {
	sums := g.sums[group*g.window():][:g.window()]
	for r := 1; r < g.runs; r++ {
		elementwise.AddPiece(sums, g.sums[(r*g.Groups+group)*g.window():][:g.window()], sums)
	}
	for fy := range min(g.Stride, g.KH) {
		for fx := range min(g.Stride, g.KW) {
			line := ground.CeilDiv(g.KW-fx, g.Stride) * g.in
			for ky := fy; ky < g.KH; ky += g.Stride {
				for i := range line {
					kx := fx + i/g.in*g.Stride
					dw := g.dw[((ky*g.KW+kx)*g.in+i%g.in)*g.K+group*g.out:][:g.out]
					for k := range dw {
						dw[k] = sums[k*line+i]
					}
				}
				sums = sums[g.out*line:]
			}
		}
	}
}
