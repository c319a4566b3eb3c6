package winograd

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Winograd convolution: 3x3, stride 1, in 36 products per 4x4 tile of output
// where the direct sum needs 144. This file decides when it is used and cuts
// the maps into tiles; transform.go has the mathematics,
// product.go the packed layouts, and forward.go, weights.go and packed.go the
// passes.

// The passes of a convolution, for Wins.
const (
	PassForward = iota
	PassBackwardData
	PassBackwardWeights
)

// winogradOn is the switch of Allow, winogradEnv what was wrong with
// WHIPPET_WINOGRAD.
var (
	winogradOn  atomic.Bool
	winogradEnv error
)

func init() {
	on, err := parseWinograd(os.Getenv("WHIPPET_WINOGRAD"))
	if err != nil {
		winogradEnv = fmt.Errorf("environment variable WHIPPET_WINOGRAD: %w; it stays on", err)
	}
	winogradOn.Store(on)
}

// EnvError says what was wrong with the environment variable WHIPPET_WINOGRAD;
// nil when nothing was. A program shows it once, as it does isa.EnvError.
func EnvError() error { return winogradEnv }

// parseWinograd reads the switch as WHIPPET_WINOGRAD takes it: on, off, or empty for the default, which is on.
func parseWinograd(s string) (on bool, err error) {
	switch s {
	case "", "on":
		return true, nil
	case "off":
		return false, nil
	}
	return true, fmt.Errorf("%q: want on or off", s)
}

// Allow allows or forbids Winograd convolutions, and returns whether they
// were allowed; they are unless WHIPPET_WINOGRAD=off says otherwise. Without them every convolution is the
// direct sum: slower, and closer to exact (see TestWinogradError). Results are
// reproducible only while the switch stays where it is.
func Allow(on bool) (old bool) { return winogradOn.Swap(on) }

// MayWin reports whether Wins may be true of c's forward pass with some number of pictures and some maps.
func MayWin(c ground.ConvShape) bool { return winogradFits(c) }

// winogradFits reports whether c is a convolution that the Winograd passes can
// compute at all: 3x3, stride 1, padding 0, 1 or 2 on each side.
func winogradFits(c ground.ConvShape) bool {
	return c.KH == 3 && c.KW == 3 && c.Stride == 1 && !c.Same && c.Pad >= 0 && c.Pad <= 2
}

// Wins reports whether pass (PassForward, PassBackwardData or
// PassBackwardWeights) of c is expected to be faster by Winograd than by the
// direct sum, and Winograd is on. It depends on the shape and the instruction set alone.
func Wins(c ground.ConvShape, pass int) bool {
	if !winogradOn.Load() || !winogradFits(c) || c.Check() != nil {
		return false
	}
	g, filters := winoForwardGeom(c), float64(winoFilterCost)
	switch pass {
	case PassBackwardData:
		g, filters = winoDataGeom(c), winoFilterGradCost
	case PassBackwardWeights:
		filters = winoFilterGradCost
	}
	return g.cost(filters) < winoMargin*float64(9*g.n*g.p*g.q)
}

// The costs of the transforms, counted in vector multiply-adds of the products:
// of one tile and 16 channels, and of the filters of one source channel and 16
// destination channels. On Zen 4 they are 80 and 110 cycles when everything is
// in the L1 cache, which it never is: these are fitted to layers of ResNet-34
// with one picture, where a map of 7x7 (4 tiles) takes 1.5 ms on one core and
// 2.7 ms as the direct sum. The gradients turn their filters or add them up,
// which costs more.
const (
	winoTileCost       = 400
	winoFilterCost     = 200
	winoFilterGradCost = 350
	winoMargin         = 0.9 // of the direct sum's cost that Winograd must stay below
)

// cost estimates the work of a pass, in multiply-adds per source and
// destination channel, of which filters are for the transforms of the filters:
// the direct sum has nine for each result.
func (g *winoGeom) cost(filters float64) float64 {
	products := 0
	for s := range winoShape(winoShapes) {
		products += (g.first[s+1] - g.first[s]) * (s.rows() + 2) * (s.cols() + 2)
	}
	c, k := float64(g.c), float64(g.k)
	waste := float64(ground.RoundUp(g.c, winoLanes)*ground.RoundUp(g.k, Cols())) / (c * k)
	transforms := float64(float64(g.tiles) * winoTileCost * (1/c + 1/k))
	return float64(float64(products)*waste) + transforms + filters
}

// winoGeom is one convolution as the tiled passes see it: a source map of c
// channels, from which tiles are read, and a destination of k channels, to
// which they are written.
//
// A picture is cut into th x tw tiles of 4 rows and columns, of which the last
// r3 rows and the last c3 columns of tiles have 3, so that they cover the map
// exactly where they can. Tiles are numbered by shape, in the order of
// winoShape, then by picture, row and column.
type winoGeom struct {
	n       int
	h, w, c int // source
	p, q, k int // destination: p rows, q columns, k channels
	pad     int
	th, tw  int                 // tiles down and across a picture
	r3, c3  int                 // of which three results down, across
	tiles   int                 // tiles in all
	first   [winoShapes + 1]int // the first tile of each shape, and the end
}

// winoForwardGeom is the geometry of y = conv(x,w).
func winoForwardGeom(c ground.ConvShape) winoGeom {
	oh, ow := c.Out()
	return newWinoGeom(c.N, c.H, c.W, c.C, oh, ow, c.K, c.Pad)
}

// winoDataGeom is the geometry of the data gradient, a convolution of dy with
// the filters turned by 180 degrees and their channels exchanged.
func winoDataGeom(c ground.ConvShape) winoGeom {
	oh, ow := c.Out()
	return newWinoGeom(c.N, oh, ow, c.K, c.H, c.W, c.C, 2-c.Pad)
}

// winoFewTiles is the number of tiles of one shape below which a map is covered
// by 4x4 tiles alone: several panels with few rows would cost more products
// than the smaller tiles save.
const winoFewTiles = 8

func newWinoGeom(n, h, w, c, p, q, k, pad int) winoGeom {
	g := winoGeom{n: n, h: h, w: w, c: c, p: p, q: q, k: k, pad: pad}
	g.th, g.tw = (p+3)/4, (q+3)/4
	g.tiles = n * g.th * g.tw
	g.r3, g.c3 = min(g.th, 4*g.th-p), min(g.tw, 4*g.tw-q)
	g.number()
	for s := range winoShapes {
		if few := g.first[s+1] - g.first[s]; few > 0 && few < winoFewTiles {
			g.r3, g.c3 = 0, 0
			g.number()
			break
		}
	}
	return g
}

// number sets first.
func (g *winoGeom) number() {
	r4, c4 := g.th-g.r3, g.tw-g.c3
	for s, perPicture := range [winoShapes]int{r4 * g.c3, r4 * c4, g.r3 * c4, g.r3 * g.c3} {
		g.first[s+1] = g.first[s] + g.n*perPicture
	}
}

// shape returns the shape of tile t.
func (g *winoGeom) shape(t int) winoShape {
	s := winoShape(0)
	for t >= g.first[s+1] {
		s++
	}
	return s
}

// users returns the range of tiles that have a product at xi.
func (g *winoGeom) users(xi int) (lo, hi int) {
	s, e := winoShape(0), winoShape(winoShapes)
	for s < e && !s.uses(xi) {
		s++
	}
	for e > s && !(e - 1).uses(xi) {
		e--
	}
	return g.first[s], g.first[e]
}

// tile returns the picture and the first destination row and column of tile t
// of shape s. The tile reads from source row y-pad and column x-pad on.
func (g *winoGeom) tile(s winoShape, t int) (n, y, x int) {
	t -= g.first[s]
	ty, tx := 0, 0 // the first tile of the shape in a picture
	rows, cols := g.th-g.r3, g.tw-g.c3
	if s.rows() == 3 {
		ty, rows = rows, g.r3
	}
	if s.cols() == 3 {
		tx, cols = cols, g.c3
	}
	tx += t % cols
	t /= cols
	ty += t % rows
	return t / rows, 4*ty - max(0, ty-(g.th-g.r3)), 4*tx - max(0, tx-(g.tw-g.c3))
}

// gatherTile copies cn channels of rows x cols pixels of an NHWC picture, whose
// pixels are c floats, from (y0,x0) on, to dst as [rows][cols][cp], cp >= cn,
// with zeros where the picture or its channels end. Coordinates may lie
// outside.
func gatherTile(dst []float32, rows, cols, cp int, pic []float32, h, w, c, cn, y0, x0 int) {
	lo, hi := max(0, -x0), min(cols, w-x0) // columns inside the picture
	for i := range rows {
		row := dst[i*cols*cp:][:cols*cp]
		y := y0 + i
		if y < 0 || y >= h || lo >= hi {
			clear(row)
			continue
		}
		src := pic[(y*w+x0+lo)*c:]
		clear(row[:lo*cp])
		clear(row[hi*cp:])
		if c == cp && cn == cp {
			copy(row[lo*cp:hi*cp], src)
			continue
		}
		for j := lo; j < hi; j++ {
			px := row[j*cp:][:cp]
			copy(px, src[(j-lo)*c:][:cn])
			clear(px[cn:])
		}
	}
}
