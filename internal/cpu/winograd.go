package cpu

import "sync/atomic"

// Winograd convolution: 3x3, stride 1, in 36 products per 4x4 tile of output
// where the direct sum needs 144. This file decides when it is used and cuts
// the maps into tiles; winograd_transform.go has the mathematics,
// winograd_product.go the packed layouts, and winograd_forward.go,
// winograd_weights.go and winograd_packed.go the passes.

// The passes of a convolution, for winogradWins.
const (
	passForward = iota
	passBackwardData
	passBackwardWeights
)

// winogradOn is the switch of SetWinograd.
var winogradOn atomic.Bool

func init() { winogradOn.Store(true) }

// SetWinograd allows or forbids Winograd convolutions, and returns whether they
// were allowed; they are by default. Without them every convolution is the
// direct sum: slower, and closer to exact (see TestWinogradError). Results are
// reproducible only while the switch stays where it is.
func SetWinograd(on bool) (old bool) { return winogradOn.Swap(on) }

// winogradFits reports whether c is a convolution that the Winograd passes can
// compute at all: 3x3, stride 1, padding 0, 1 or 2.
func winogradFits(c Conv) bool {
	return c.KH == 3 && c.KW == 3 && c.Stride == 1 && c.Pad >= 0 && c.Pad <= 2
}

// winogradWins reports whether pass (passForward, passBackwardData or
// passBackwardWeights) of c is expected to be faster by Winograd than by the
// direct sum, and Winograd is on. It depends on the shape alone.
func winogradWins(c Conv, pass int) bool {
	if !winogradOn.Load() || !winogradFits(c) {
		return false
	}
	oh, ow := c.Out()
	if oh < 1 || ow < 1 || c.N < 1 {
		return false
	}
	// The transforms cost as much per channel whatever the other side has, so
	// both sides need enough channels to spread them over.
	if c.C < 16 || c.K < 16 {
		return false
	}
	tiles := c.N * ((oh + 3) / 4) * ((ow + 3) / 4)
	// Products, in units of the direct sum's, that the tiles that stick out of
	// the map leave us with: 1/4 where the map is a multiple of 4.
	work := float64(tiles*winoPoints) / float64(c.N*oh*ow*9)
	return work < 0.6 && tiles >= 16
}

// winoGeom is one convolution as the tiled passes see it: a source map of c
// channels, from which 6x6 tiles are read, and a destination of k channels,
// to which 4x4 tiles are written. Tile (ty,tx) of a picture covers destination
// rows 4*ty.. and columns 4*tx.., and reads from source row 4*ty-pad on.
type winoGeom struct {
	n       int
	h, w, c int // source
	p, q, k int // destination: p rows, q columns, k channels
	pad     int
	th, tw  int // tiles down and across a picture
	tiles   int // tiles in all
}

// winoForwardGeom is the geometry of y = conv(x,w).
func winoForwardGeom(c Conv) winoGeom {
	oh, ow := c.Out()
	return newWinoGeom(c.N, c.H, c.W, c.C, oh, ow, c.K, c.Pad)
}

// winoDataGeom is the geometry of the data gradient, a convolution of dy with
// the filters turned by 180 degrees and their channels exchanged.
func winoDataGeom(c Conv) winoGeom {
	oh, ow := c.Out()
	return newWinoGeom(c.N, oh, ow, c.K, c.H, c.W, c.C, 2-c.Pad)
}

func newWinoGeom(n, h, w, c, p, q, k, pad int) winoGeom {
	g := winoGeom{n: n, h: h, w: w, c: c, p: p, q: q, k: k, pad: pad}
	g.th, g.tw = (p+3)/4, (q+3)/4
	g.tiles = n * g.th * g.tw
	return g
}

// tile returns the picture and the tile row and column of tile t.
func (g *winoGeom) tile(t int) (n, ty, tx int) {
	tx = t % g.tw
	t /= g.tw
	return t / g.th, t % g.th, tx
}

// roundUp returns n rounded up to a multiple of m.
func roundUp(n, m int) int { return (n + m - 1) / m * m }

// gatherTile copies rows x cols pixels of an NHWC picture, from (y0,x0) on, to
// dst as [rows][cols][cp], cp >= c, with zeros where the picture or its
// channels end. Coordinates may lie outside.
func gatherTile(dst []float32, rows, cols, cp int, pic []float32, h, w, c, y0, x0 int) {
	lo, hi := max(0, -x0), min(cols, w-x0) // columns inside the picture
	for i := range rows {
		row := dst[i*cols*cp:][:cols*cp]
		y := y0 + i
		if y < 0 || y >= h || lo >= hi {
			clear(row)
			continue
		}
		src := pic[(y*w+x0+lo)*c:][:(hi-lo)*c]
		clear(row[:lo*cp])
		clear(row[hi*cp:])
		if c == cp {
			copy(row[lo*cp:hi*cp], src)
			continue
		}
		for j := lo; j < hi; j++ {
			px := row[j*cp:][:cp]
			copy(px, src[(j-lo)*c:][:c])
			clear(px[c:])
		}
	}
}
