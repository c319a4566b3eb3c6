package depthwise

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/conv"
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// axis is one direction of a phase: output i has taps taps, from source position
// first + i*step on, and is at at + i*outStep.
type axis struct{ first, taps, at, outputs int }

// phase is the outputs of sums over windows that share their taps.
type phase struct {
	rows, cols axis
	w          int // where its weights begin, in taps
}

// sums is sums over windows: of x for the results, of the results' gradient for
// that of x.
type sums struct {
	c                int
	n                int
	h, w             int // of the source
	oh, ow           int // of the result
	step, outStep    int
	conv             Conv
	backward         bool // of the data gradient
	phases           int
	src, dst         []float32
	made             bool        // the source is from's, and not in src
	from             conv.Pixels // computed when a piece reads it
	packed           []float32   // weights, in the order of the phases, and bias: see packWeights
	within           bounds
	activation       elementwise.Activation
	taps             int
	top, left        int // the first window's position
	over, overCols   int // rows and columns of the source that the windows of one output of each phase span
	rows, cols       int // of outputs of a phase, at most
	stripRows, chunk int
	nonTemporal      bool
}

// phase returns phase i, without the place of its weights.
func (s *sums) phase(i int) phase {
	if s.backward {
		return s.conv.gradPhase(i)
	}
	return s.conv.whole()
}

// run computes the sums.
func (s *sums) run() {
	b := block()
	s.measure()
	s.nonTemporal = ground.StoresNonTemporal(table.Active().NonTemporalFloats, len(s.dst), s.dst, s.c, s.src) && s.c%b == 0
	pieces := s.n * ground.CeilDiv(s.rows, s.stripRows) * ground.CeilDiv(s.c, s.chunk)
	parallel.ForWith(pieces, *s, (*sums).piece)
}

// measure finds out what the phases span, and cuts the work.
func (s *sums) measure() {
	s.top, s.left = math.MaxInt, math.MaxInt
	bottom, right := math.MinInt, math.MinInt
	for i := range s.phases {
		p := s.phase(i)
		s.rows, s.cols = max(s.rows, p.rows.outputs), max(s.cols, p.cols.outputs)
		if p.rows.taps*p.cols.taps == 0 {
			continue
		}
		s.taps += p.rows.taps * p.cols.taps
		s.top, s.left = min(s.top, p.rows.first), min(s.left, p.cols.first)
		bottom, right = max(bottom, p.rows.first+p.rows.taps), max(right, p.cols.first+p.cols.taps)
	}
	s.over, s.overCols = bottom-s.top, right-s.left
	if s.made {
		s.chunk, s.stripRows = s.cutMade()
		return
	}
	cols, all := max(s.stripCols(), s.outStep*s.ow), (s.rows-1)*s.step+s.over
	channels, rows := cut(s.n, s.c, cols, s.over, all)
	s.chunk, s.stripRows = channels, max(1, (rows-s.over)/(s.step*s.outStep)+1)
	// Strips of about the same size, and for all threads some, if they are not mostly
	// rows that others have too.
	strips, chunks := ground.CeilDiv(s.rows, s.stripRows), ground.CeilDiv(s.c, s.chunk)
	strips = max(strips, min(ground.CeilDiv(fewPieces, s.n*chunks), s.rows*s.step/(4*s.over+1)))
	s.stripRows = ground.CeilDiv(s.rows, strips)
}

// stripCols is the width of a strip, at least that of a group's windows.
func (s *sums) stripCols() int { return (max(s.cols, group)-1)*s.step + s.overCols }

// piece computes a strip of a picture's rows for a run of its channels.
func (s *sums) piece(i int) {
	b := block()
	chunks, strips := ground.CeilDiv(s.c, s.chunk), ground.CeilDiv(s.rows, s.stripRows)
	ch := i % chunks * s.chunk
	r0 := i / chunks % strips * s.stripRows
	img := i / chunks / strips
	if s.made && strips == 1 { // neighbors of a piece, which share lines of the cache, are not computed at the same time
		r0 = i % strips * s.stripRows
		ch = i / strips % chunks * s.chunk
	}
	channels, r1 := min(s.chunk, s.c-ch), min(s.rows, r0+s.stripRows)
	x := newStrip((r1-r0-1)*s.step+s.over, s.stripCols(), channels)
	defer ground.PutScratch(x.data)
	s.fill(&x, img, s.top+r0*s.step, ch, channels)
	top := r0 * s.outStep
	dst := s.dst[(img*s.oh+top)*s.ow*s.c+ch:]
	first := s.through(channels)
	var y strip
	if first < channels {
		y = newStrip(min(s.oh, r1*s.outStep)-top, s.ow, channels-first)
		defer ground.PutScratch(y.data)
	}
	for k := range ground.CeilDiv(channels, b) {
		out := results{dst[k*b:], s.c, min(b, channels-k*b)}
		if k*b >= first {
			out = results{y.data[(k-first/b)*y.blockLen():], b, ground.RoundUp(out.channels, b/2)}
		}
		w := s.packed[(ch/b+k)*b*(s.taps+1):]
		taps := 0
		for i := range s.phases {
			p := s.phase(i)
			p.w = taps
			taps += p.rows.taps * p.cols.taps
			s.block(&p, x.cols, x.data[k*x.blockLen():], w, out, r0, r1)
		}
	}
	if first < channels {
		y.copyTo(dst[first:], y.rows, channels-first, s.c, s.nonTemporal)
	}
	if s.nonTemporal {
		ground.StoreFence()
	}
}

// fill fills strip x with a picture's source from row top on.
func (s *sums) fill(x *strip, img, top, ch, channels int) {
	if s.made {
		s.makeRows(x, img, top, ch, channels)
		return
	}
	x.fill(source{s.src[img*s.h*s.w*s.c+ch:], s.h, s.w, s.c, s.conv.Reflect && !s.backward}, top, s.left, channels)
}

// results is where the results of a block go: pixels of so many channels, one pixel floats after the other.
type results struct {
	data            []float32
	pixel, channels int
}

// through returns the first of the channels of a piece whose results go through a strip: those of a block of neither
// one nor two whole vectors, and all that are stored non-temporally.
func (s *sums) through(channels int) int {
	b := block()
	switch {
	case s.nonTemporal:
		return 0
	case channels%(b/2) > 0:
		return channels / b * b
	}
	return channels
}

// activateResults is to how many results the activation is applied at once, as soon as they are there: the call
// takes as long as a few.
const activateResults = 48

// block computes rows [r0,r1) of a phase for one block of channels, from strip x,
// cols wide.
func (s *sums) block(p *phase, cols int, x, w []float32, y results, r0, r1 int) {
	b, n := block(), p.cols.outputs
	a := windowArgs{
		w: &w[p.w*b], bias: &w[s.taps*b], rows: p.rows.taps, cols: p.cols.taps,
		xSkip: (cols - p.cols.taps) * b, xStep: s.step * b, yStep: s.outStep * y.pixel, channels: y.channels,
		low: s.within.low, high: s.within.high,
	}
	kernel := table.Active().windows(p.cols.taps, s.step)
	r1 = min(r1, p.rows.outputs)
	done := r0 // rows that are activated; only results of one phase are
	for r := r0; r < r1; r++ {
		if (r-done)*n >= activateResults {
			s.activation.Tile(y.data[(done-r0)*n*y.pixel:], (r-done)*n, y.channels, y.pixel)
			done = r
		}
		out := y.data[((p.rows.at+(r-r0)*s.outStep)*s.ow+p.cols.at)*y.pixel:]
		if a.rows*a.cols == 0 { // pixels between the windows of a stride that is larger than these
			for i := range n {
				clear(out[i*a.yStep:][:y.channels])
			}
			continue
		}
		row := x[(((r-r0)*s.step+p.rows.first-s.top)*cols+p.cols.first-s.left)*b:]
		if n < group {
			var few [group * maxBlock]float32
			f := a
			f.x, f.y, f.yStep, f.groups = &row[0], &few[0], b, 1
			kernel(isa.Arg(&f))
			for i := range n {
				copy(out[i*a.yStep:][:y.channels], few[i*b:])
			}
			continue
		}
		a.x, a.y, a.groups = &row[0], &out[0], n/group
		kernel(isa.Arg(&a))
		if n%group > 0 {
			// The last group computes some outputs again, to the same bits.
			a.x, a.y, a.groups = &row[(n-group)*a.xStep], &out[(n-group)*a.yStep], 1
			kernel(isa.Arg(&a))
		}
	}
	s.activation.Tile(y.data[(done-r0)*n*y.pixel:], (r1-done)*n, y.channels, y.pixel)
}

// maxBlock is the largest block of an instruction set.
const maxBlock = 32
