package conv

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Grouped is a 2-D convolution (cross-correlation, as torch.nn.Conv2d computes it)
// over NHWC activations, whose channels are in groups: the K/Groups results of a
// group are sums over its C/Groups input channels alone. Windows may be rectangular,
// and the padding may differ on each side.
//
// Shapes: x [N,H,W,C], w [KH,KW,C/Groups,K], y [N,OH,OW,K].
//
// A pass copies the channels of a group, some rows at a time and with the padding
// around them, into a strip: then a row of a window is contiguous, and the kernels of
// the matrix product read it where it lies. Groups with fewer channels than half a
// register tile has columns are taken several at once, with zeros between them.
type Grouped struct {
	N, H, W, C int // batch, height, width and channels of the input
	K          int // channels of the output
	KH, KW     int // size of the window
	Groups     int // divides C and K
	Stride     int // in both directions
	Pad        ground.Padding
}

// Out returns the height and width of the output,
// floor((size + padding - window)/Stride) + 1.
func (c Grouped) Out() (oh, ow int) {
	return (c.H+c.Pad.Top+c.Pad.Bottom-c.KH)/c.Stride + 1, (c.W+c.Pad.Left+c.Pad.Right-c.KW)/c.Stride + 1
}

// Check reports a shape that cannot be computed: a dimension below 1, a negative
// padding, groups that do not divide the channels, or a window larger than the padded
// input.
func (c Grouped) Check() error {
	p := c.Pad
	if min(c.N, c.H, c.W, c.C, c.K, c.KH, c.KW, c.Groups, c.Stride) < 1 || min(p.Top, p.Bottom, p.Left, p.Right) < 0 {
		return fmt.Errorf("grouped convolution %+v: every dimension, the groups and the stride must be at least 1, the padding at least 0", c)
	}
	if c.C%c.Groups != 0 || c.K%c.Groups != 0 {
		return fmt.Errorf("grouped convolution of %d to %d channels: %d groups must divide both", c.C, c.K, c.Groups)
	}
	if c.H+p.Top+p.Bottom < c.KH || c.W+p.Left+p.Right < c.KW {
		return fmt.Errorf("grouped convolution of %dx%d (padding %+v) by a window of %dx%d: the input is smaller than the window; use larger pictures", c.H, c.W, p, c.KH, c.KW)
	}
	return nil
}

// mustCheck panics, naming the operation, when the shape is impossible: an error
// of the caller, who checks what comes from outside with Check.
func (c Grouped) mustCheck(op string) {
	if err := c.Check(); err != nil {
		panic(op + ": " + err.Error())
	}
}

// weights is the number of weights.
func (c *Grouped) weights() int { return c.KH * c.KW * c.C / c.Groups * c.K }

// groupBlocks are runs of groups that are computed together: block b has the groups
// from b*per on.
type groupBlocks struct {
	groups, per int // all groups, and those of a block but for the last
	src, dst    int // channels of a group in the source and in the result
}

// blocksOf joins so many groups that half of a register tile is full.
func blocksOf(groups, src, dst int) groupBlocks {
	return groupBlocks{groups, min(groups, max(1, gemm.TileCols()/2/dst)), src, dst}
}

func (g *groupBlocks) count() int { return ground.CeilDiv(g.groups, g.per) }

// of returns how many groups block b has.
func (g *groupBlocks) of(b int) int { return min(g.per, g.groups-b*g.per) }

// panels is the number of column panels of a block.
func (g *groupBlocks) panels() int { return ground.CeilDiv(g.per*g.dst, gemm.TileCols()) }

const (
	// groupedPieces is how many pieces passes are cut into at least, if the shape
	// allows.
	groupedPieces = 32
	// groupedStripFloats bounds a strip, and groupedBandFloats the rows of the maps
	// that a piece goes through group after group: both stay in the second level
	// cache.
	groupedStripFloats = 32 << 10
	groupedBandFloats  = 64 << 10
)
