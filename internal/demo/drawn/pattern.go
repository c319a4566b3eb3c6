package drawn

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// hash gives a number in [0,1) for a cell of a grid.
func hash(seed uint64, x, y int) float64 {
	z := seed + uint64(int64(x))*0x9E3779B97F4A7C15 + uint64(int64(y))*0xC2B2AE3D27D4EB4F
	z = (z ^ z>>29) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>32) * 0x94D049BB133111EB
	return float64(float64((z^z>>29)>>11) / (1 << 53))
}

// cloudy is value noise: smooth, in [0,1], with features one unit in size.
func cloudy(seed uint64, x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	tx, ty := float64(x)-fx, float64(y)-fy
	tx, ty = tx*tx*(3-float64(2*tx)), ty*ty*(3-float64(2*ty))
	a := hash(seed, ix, iy) + float64((hash(seed, ix+1, iy)-hash(seed, ix, iy))*tx)
	b := hash(seed, ix, iy+1) + float64((hash(seed, ix+1, iy+1)-hash(seed, ix, iy+1))*tx)
	return a + float64((b-a)*ty)
}

// pattern is how two colors are laid out.
type pattern int

const (
	solid pattern = iota
	striped
	spotted
	patched
)

// marking is one drawing of a pattern: how much of the second color there is
// at a point, 0..1. Scale is the spacing of stripes and spots.
type marking struct {
	kind   pattern
	seed   uint64
	scale  float64
	angle  float64 // of the stripes' normal
	hollow bool    // spots are rings
	share  float64 // how much of the surface the second color takes, about
}

func newMarking(kind pattern, scale float64, r *rng.Stream) marking {
	m := marking{kind: kind, seed: r.Uint64(), scale: scale * r.Uniform(0.8, 1.25), angle: r.Uniform(-0.25, 0.25)}
	m.hollow = r.Bool(0.3)
	m.share = r.Uniform(0.35, 0.55)
	return m
}

// at returns the amount at (x,y); edge is the width over which it may change.
func (m marking) at(x, y, edge float64) float64 {
	switch m.kind {
	case striped:
		s, c := math.Sincos(m.angle)
		u, v := (float64(x*c)+float64(y*s))/m.scale, (float64(-x*s)+float64(y*c))/m.scale
		u += float64(1.1 * (cloudy(m.seed, u*0.6, v*0.6) - 0.5))
		wave := 1 - float64(2*math.Abs(u-math.Floor(u)-0.5)) // 0..1..0
		// Stripes end here and there, as those of a tabby do.
		wave += float64(0.7 * (cloudy(m.seed+1, u*0.8, v*0.35) - 0.55))
		return soft(wave-float64((1-m.share)*0.98), max(edge/m.scale*2, 0.05))
	case spotted:
		u, v := x/m.scale, y/m.scale
		iu, iv := int(math.Floor(u)), int(math.Floor(v))
		best := math.Inf(-1)
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				cx, cy := iu+dx, iv+dy
				rad := 0.22 + float64(0.22*hash(m.seed+2, cx, cy))
				px := float64(cx) + 0.5 + float64(0.5*(hash(m.seed, cx, cy)-0.5))
				py := float64(cy) + 0.5 + float64(0.5*(hash(m.seed+1, cx, cy)-0.5))
				d := rad - math.Hypot(u-px, v-py)
				if m.hollow {
					d = min(d, float64(rad*0.55)-math.Abs(d-float64(rad*0.45)))
				}
				best = max(best, d)
			}
		}
		return soft(best, max(edge/m.scale, 0.03))
	case patched:
		u, v := x/(m.scale*1.9), y/(m.scale*1.9)
		n := float64(0.78*cloudy(m.seed, u, v)) + float64(0.22*cloudy(m.seed+1, u*2.7, v*2.7))
		n = 0.5 + float64((n-0.5)*1.3) // value noise seldom goes far from its mean
		return soft(n-(1-m.share), max(edge/m.scale*0.5, 0.015))
	}
	return 0
}
