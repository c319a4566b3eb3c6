package conv

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/strip"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// groupedSums is sums over the windows of a source, a group of channels at a time: of
// x for the results of a Grouped convolution, of the results' gradient for that of x.
//
// The gradient of x at stride s is s² phases, rows and columns each s apart, which have
// their own share of the taps (see directBackwardData); the results are one phase.
type groupedSums struct {
	conv     Grouped
	backward bool
	groupBlocks

	src         []float32
	n, h, w, c  int // of the source
	dst         []float32
	oh, ow, pix int // of the result, and the distance of its pixels
	step        int // source pixels from a window to the next
	outStep     int // result pixels from a window's to the next one's

	packed []float32 // panels: block after block, the phases of each
	bias   []float32 // of biasLen, or nil
	relu   bool
	after  elementwise.Activation
	add    bool // to what dst holds

	// What the windows of all phases span, and how the work is cut.
	count     int // rows of windows
	top, left int // the first window's position
	overRows  int // source rows that a row of windows spans
	cols      int // of a strip
	bandRows  int // rows of windows in a piece
	perPiece  int // blocks of groups in a piece
	panelsLen int // floats of a block's panels
}

// phase returns phase i of phases.
func (s *groupedSums) phase(i int) (rows, cols phase) {
	c := &s.conv
	if !s.backward {
		return phase{count: s.oh, first: -c.Pad.Top, taps: c.KH}, phase{count: s.ow, first: -c.Pad.Left, taps: c.KW}
	}
	return phaseOf(i/c.Stride, c.KH, c.Stride, c.Pad.Top, c.H), phaseOf(i%c.Stride, c.KW, c.Stride, c.Pad.Left, c.W)
}

// phases is their number.
func (s *groupedSums) phases() int {
	if s.backward {
		return s.conv.Stride * s.conv.Stride
	}
	return 1
}

// measure finds out what the phases span, and cuts the work.
func (s *groupedSums) measure() {
	const far = 1 << 30
	s.top, s.left = far, far
	bottom, right, taps, across := -far, -far, 0, 0
	for i := range s.phases() {
		rows, cols := s.phase(i)
		if rows.count <= 0 || cols.count <= 0 {
			continue
		}
		s.count, across = max(s.count, rows.count), max(across, cols.count)
		if rows.taps*cols.taps == 0 {
			continue
		}
		taps += rows.taps * cols.taps
		s.top, s.left = min(s.top, rows.first), min(s.left, cols.first)
		bottom, right = max(bottom, rows.first+rows.taps), max(right, cols.first+cols.taps)
	}
	if taps == 0 { // the gradient of inputs that no window meets
		s.top, s.left, bottom, right = 0, 0, 0, 0
	}
	s.overRows, s.cols = bottom-s.top, (across-1)*s.step+right-s.left
	s.panelsLen = taps * s.per * s.groupBlocks.src * s.panels() * gemm.TileCols()
	width := s.cols * s.per * s.groupBlocks.src
	s.bandRows = min((groupedStripFloats/max(1, width)-s.overRows)/s.step+1, groupedBandFloats/(s.step*s.w*s.c+s.outStep*s.ow*s.pix))
	s.bandRows = min(s.count, max(4, s.bandRows))
	bands := ground.CeilDiv(s.count, s.bandRows)
	s.bandRows = ground.CeilDiv(s.count, bands) // bands of about the same size
	chunks := min(s.groupBlocks.count(), ground.CeilDiv(groupedPieces, s.n*bands))
	s.perPiece = ground.CeilDiv(s.groupBlocks.count(), chunks)
}

// winograd returns the sums as package winograd takes them; ok is false where the direct sum is the faster form.
func (s *groupedSums) winograd() (g winograd.Grouped, ok bool) {
	if c := &s.conv; c.KH != 3 || c.KW != 3 || c.Stride != 1 {
		return g, false
	}
	rows, cols := s.phase(0)
	if rows.count != s.oh || cols.count != s.ow || rows.taps*cols.taps != 9 {
		return g, false
	}
	g = winograd.Grouped{
		N: s.n, H: s.h, W: s.w, P: s.oh, Q: s.ow, Top: -rows.first, Left: -cols.first,
		Groups: s.groups, Per: s.per, Src: s.groupBlocks.src, Dst: s.groupBlocks.dst,
		Panels: s.packed, PanelsLen: s.panelsLen, X: s.src, Y: s.dst, YStride: s.pix,
		Bias: s.bias, ReLU: s.relu, After: s.after, Add: s.add,
	}
	return g, winograd.GroupedWins(&g)
}

// run computes the sums. packed, if it is not nil, holds the panels.
func (s *groupedSums) run() {
	if g, ok := s.winograd(); ok {
		g.Run()
		return
	}
	pieces := s.n * ground.CeilDiv(s.count, s.bandRows) * ground.CeilDiv(s.groupBlocks.count(), s.perPiece)
	parallel.ForWith(pieces, *s, (*groupedSums).piece)
}

// piece computes some rows of a picture for a run of its groups.
func (s *groupedSums) piece(i int) {
	chunks, bands := ground.CeilDiv(s.groupBlocks.count(), s.perPiece), ground.CeilDiv(s.count, s.bandRows)
	b0 := i % chunks * s.perPiece
	q0 := i / chunks % bands * s.bandRows
	img := i / chunks / bands
	q1 := min(s.count, q0+s.bandRows)
	rows := (q1-q0-1)*s.step + s.overRows
	for b := b0; b < min(s.groupBlocks.count(), b0+s.perPiece); b++ {
		width := s.of(b) * s.groupBlocks.src
		x := strip.New(rows, s.cols, width, (gemm.MaxTileRows*s.step+s.conv.KW)*width)
		x.Fill(strip.Map{X: s.src[img*s.h*s.w*s.c:], H: s.h, W: s.w, C: s.c, At: b * s.per * s.groupBlocks.src},
			s.top+q0*s.step, s.left, 1, rows, s.cols)
		panels := s.packed[b*s.panelsLen:]
		for p := range s.phases() {
			panels = s.block(&x, p, b, img, q0, q1, panels)
		}
		x.Free()
	}
}

// block computes rows [q0,q1) of windows of a phase for block b of groups from its
// panels, and returns the panels behind those.
func (s *groupedSums) block(x *strip.Strip, p, b, img, q0, q1 int, panels []float32) []float32 {
	rows, cols := s.phase(p)
	if rows.count <= 0 || cols.count <= 0 {
		return panels
	}
	width, n := s.of(b)*s.groupBlocks.dst, cols.count
	q1 = min(q1, rows.count)
	nr := gemm.TileCols()
	first := b * s.per * s.groupBlocks.dst
	at := func(q, qx int) int {
		return ((img*s.oh+rows.start+q*s.outStep)*s.ow+cols.start+qx*s.outStep)*s.pix + first
	}
	if rows.taps*cols.taps == 0 { // pixels between the windows of a stride that is larger than these
		for q := q0; q < q1 && !s.add; q++ {
			for qx := range n {
				clear(s.dst[at(q, qx):][:width])
			}
		}
		return panels
	}
	steps := rows.taps * cols.taps * x.Width
	args := gemm.Args{
		K: cols.taps * x.Width, Segs: rows.taps, SegStep: x.Cols * x.Width, AStride: s.step * x.Width, LDC: s.outStep * s.pix,
	}
	if s.relu {
		args.Flags |= gemm.ReLU
	}
	if s.add {
		args.Flags |= gemm.Accumulate
	}
	for j := range ground.CeilDiv(width, nr) {
		args.NR = min(nr, width-j*nr)
		args.B = &panels[j*steps*nr]
		if s.bias != nil {
			args.Bias = &s.bias[first+j*nr]
		}
		for q := q0; q < q1; q++ {
			args.MR = n
			args.A = &x.Data[(((q-q0)*s.step+rows.first-s.top)*x.Cols+cols.first-s.left)*x.Width]
			c := s.dst[at(q, 0)+j*nr:]
			args.C = &c[0]
			gemm.FormD(&args)
			s.after.Tile(c, n, args.NR, args.LDC)
		}
	}
	return panels[rows.taps*cols.taps*s.per*s.groupBlocks.src*s.panels()*nr:]
}

// pack writes the panels of all blocks from w [KH,KW,C/Groups,K] to dst, and the bias
// [K], unless it is nil, to bias.
func (s *groupedSums) pack(dst, w []float32) {
	type args struct {
		s      groupedSums
		dst, w []float32
	}
	parallel.ForWith(s.groupBlocks.count(), args{*s, dst, w}, func(a *args, b int) {
		a.s.packBlock(a.dst[b*a.s.panelsLen:][:a.s.panelsLen], a.w, b)
	})
}

// packBlock writes the panels of block b: for each phase and panel the taps of the
// window, each with the source's channels, as rows of columns of the result.
func (s *groupedSums) packBlock(dst, w []float32, b int) {
	c := &s.conv
	nr, src, to := gemm.TileCols(), s.groupBlocks.src, s.groupBlocks.dst
	if s.of(b) > 1 || s.of(b)*to%nr != 0 {
		clear(dst)
	}
	for p := range s.phases() {
		rows, cols := s.phase(p)
		if rows.count <= 0 || cols.count <= 0 || rows.taps*cols.taps == 0 {
			continue
		}
		taps, width := rows.taps*cols.taps, s.of(b)*src
		for j := range s.panels() {
			panel := dst[j*taps*width*nr:]
			for g := range s.of(b) {
				lo, hi := max(j*nr, g*to), min((j+1)*nr, (g+1)*to) // the group's columns in the panel
				if lo >= hi {
					continue
				}
				for t := range taps {
					ky, kx := t/cols.taps, t%cols.taps
					if s.backward {
						ky, kx = rows.lastTap-ky*c.Stride, cols.lastTap-kx*c.Stride
					}
					d := panel[(t*width+g*src)*nr+lo-j*nr:]
					tap := w[(ky*c.KW+kx)*c.C/c.Groups*c.K:]
					group := b*s.per + g
					if s.backward { // [C/Groups,K]: columns are input channels
						for i := range hi - lo {
							for k, v := range tap[(lo-g*to+i)*c.K+group*src:][:src] {
								d[k*nr+i] = v
							}
						}
						continue
					}
					for k := range src {
						copy(d[k*nr:][:hi-lo], tap[k*c.K+group*to+lo-g*to:])
					}
				}
			}
		}
		dst = dst[taps*s.per*src*s.panels()*nr:]
	}
}

// packBias copies the bias, with room for the reads of the last panel's kernels.
func (s *groupedSums) packBias(dst, bias []float32) { clear(dst[copy(dst, bias):]) }

// biasLen is the number of floats of packBias.
func (s *groupedSums) biasLen() int { return s.groups*s.groupBlocks.dst + gemm.TileCols() }
