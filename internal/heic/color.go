package heic

import (
	"math"

	"github.com/whippet-ml/whippet/internal/heif"
	"github.com/whippet-ml/whippet/internal/hevc"
)

// mixer makes RGB of samples as libheif does: chroma is repeated, not
// interpolated, and colors are mixed in single precision, but 4:2:0 of 8 bits
// in the full range with 8 bits of fraction. Of deeper samples the high byte is kept:
// of 4:2:0 before the colors are mixed, of others afterwards.
type mixer struct {
	planes         []hevc.Plane
	shiftX, shiftY int
	kind           int
	before, depth  int // shift of samples before they are mixed, and the depth that is left
	// What is added to luma of Cr and Cb, and the same in 1/256.
	redV, greenU, greenV, blueU     float32
	redV8, greenU8, greenV8, blueU8 int32
	// Luma and chroma of the range of video are stretched.
	black, lumaScale, chromaScale float32
}

const (
	mixGray = iota
	mixFixed
	mixFloat
	mixIdentity // the planes are G, B, R
)

// weights are Kr and Kb of the codes of matrices (ITU-T H.273, table 4).
var weights = map[int][2]float32{1: {0.2126, 0.0722}, 4: {0.30, 0.11}, 5: {0.299, 0.114}, 6: {0.299, 0.114}, 7: {0.212, 0.087}, 9: {0.2627, 0.0593}, 10: {0.2627, 0.0593}}

func newMixer(c heif.Color, planes []hevc.Plane) *mixer {
	m := &mixer{planes: planes, depth: planes[0].Depth, kind: mixFloat, lumaScale: 1, chromaScale: 1}
	if len(planes) == 1 {
		m.kind = mixGray
		return m
	}
	if planes[1].Width < planes[0].Width {
		m.shiftX = 1
	}
	if planes[1].Height < planes[0].Height {
		m.shiftY = 1
		m.before, m.depth = m.depth-8, 8
	}
	m.redV, m.greenU, m.greenV, m.blueU = 1.402, -0.344136, -0.714136, 1.772
	if k, ok := weights[c.Matrix]; ok {
		r, b := k[0], k[1]
		m.redV, m.greenU, m.greenV, m.blueU = 2*(1-r), 2*b*(1-b)/(b+r-1), 2*r*(1-r)/(b+r-1), 2*(1-b)
	}
	fixed := func(v float32) int32 { return int32(math.Round(float64(256 * v))) }
	m.redV8, m.greenU8, m.greenV8, m.blueU8 = fixed(m.redV), fixed(m.greenU), fixed(m.greenV), fixed(m.blueU)
	switch {
	case c.Matrix == 0 && m.shiftX == 0:
		m.kind = mixIdentity
	case m.depth == 8 && m.shiftY == 1 && c.FullRange:
		m.kind = mixFixed
	}
	if !c.FullRange { // libheif's numbers, not quite 255/219 and 255/224
		m.black, m.lumaScale, m.chromaScale = float32(int32(16)<<(m.depth-8)), 1.1689, 1.1429
	}
	return m
}

// row mixes the colors of row y into dst, three bytes a pixel.
func (m *mixer) row(dst []uint8, y int) {
	luma := m.planes[0].Pix[y*m.planes[0].Stride:]
	shift := m.depth - 8
	if m.kind == mixGray {
		for x := range len(dst) / 3 {
			g := uint8(luma[x] >> shift)
			dst[3*x], dst[3*x+1], dst[3*x+2] = g, g, g
		}
		return
	}
	cb := m.planes[1].Pix[y>>m.shiftY*m.planes[1].Stride:]
	cr := m.planes[2].Pix[y>>m.shiftY*m.planes[2].Stride:]
	half, top := int32(1)<<(m.depth-1), int32(1)<<m.depth-1
	round := func(v float32) uint8 { return uint8(max(0, min(int32(v+0.5), top)) >> shift) }
	for x := range len(dst) / 3 {
		l, u, v := int32(luma[x]>>m.before), int32(cb[x>>m.shiftX]>>m.before), int32(cr[x>>m.shiftX]>>m.before)
		rgb := dst[3*x : 3*x+3]
		switch m.kind {
		case mixFixed:
			u, v = u-128, v-128
			rgb[0] = clip(l + (m.redV8*v+128)>>8)
			rgb[1] = clip(l + (m.greenU8*u+m.greenV8*v+128)>>8)
			rgb[2] = clip(l + (m.blueU8*u+128)>>8)
		case mixIdentity:
			rgb[0] = round(float32((float32(v) - m.black) * m.chromaScale))
			rgb[1] = round(float32((float32(l) - m.black) * m.lumaScale))
			rgb[2] = round(float32((float32(u) - m.black) * m.chromaScale))
		default:
			f, fu, fv := float32((float32(l)-m.black)*m.lumaScale), float32(u-half)*m.chromaScale, float32(v-half)*m.chromaScale
			rgb[0] = round(f + float32(m.redV*fv))
			rgb[1] = round(f + float32(m.greenU*fu) + float32(m.greenV*fv))
			rgb[2] = round(f + float32(m.blueU*fu))
		}
	}
}

func clip(v int32) uint8 { return uint8(max(0, min(v, 255))) }
