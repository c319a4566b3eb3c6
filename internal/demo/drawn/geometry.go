package drawn

import (
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// pt is a point; x grows to the right, y downwards.
type pt struct{ x, y float64 }

// affine maps (x,y) to (a·x + b·y + c, d·x + e·y + f).
type affine struct{ a, b, c, d, e, f float64 }

var identity = affine{a: 1, e: 1}

func (m affine) apply(p pt) pt {
	return pt{float64(m.a*p.x) + float64(m.b*p.y) + m.c, float64(m.d*p.x) + float64(m.e*p.y) + m.f}
}

// then returns the map that applies n first and m afterwards: n is expressed
// in m's local coordinates.
func (m affine) then(n affine) affine {
	return affine{
		float64(m.a*n.a) + float64(m.b*n.d), float64(m.a*n.b) + float64(m.b*n.e), float64(m.a*n.c) + float64(m.b*n.f) + m.c,
		float64(m.d*n.a) + float64(m.e*n.d), float64(m.d*n.b) + float64(m.e*n.e), float64(m.d*n.c) + float64(m.e*n.f) + m.f,
	}
}

func (m affine) at(x, y float64) affine        { return m.then(affine{1, 0, x, 0, 1, y}) }
func (m affine) scaled(sx, sy float64) affine  { return m.then(affine{sx, 0, 0, 0, sy, 0}) }
func (m affine) rotated(radian float64) affine { return m.then(rotation(radian)) }

func rotation(radian float64) affine {
	s, c := math.Sincos(radian)
	return affine{c, -s, 0, s, c, 0}
}

// inverse returns the inverse map; a map that is not invertible gives identity.
func (m affine) inverse() affine {
	det := float64(m.a*m.e) - float64(m.b*m.d)
	if det == 0 {
		return identity
	}
	a, b, d, e := m.e/det, -m.b/det, -m.d/det, m.a/det
	return affine{a, b, -(float64(a*m.c) + float64(b*m.f)), d, e, -(float64(d*m.c) + float64(e*m.f))}
}

// unit returns how many pixels one local unit is long, on average.
func (m affine) unit() float64 { return math.Sqrt(math.Abs(float64(m.a*m.e) - float64(m.b*m.d))) }

// poly is a closed outline.
type poly []pt

// ellipse is centered on (x,y).
func ellipse(x, y, rx, ry float64) poly {
	const n = 44
	p := make(poly, n)
	for i := range p {
		s, c := math.Sincos(2 * math.Pi * float64(i) / n)
		p[i] = pt{x + float64(rx*c), y + float64(ry*s)}
	}
	return p
}

// box is a rectangle between two corners.
func box(x0, y0, x1, y1 float64) poly {
	return poly{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
}

// smooth is the closed Catmull-Rom curve through the points.
func smooth(points ...pt) poly {
	const steps = 8
	n := len(points)
	out := make(poly, 0, n*steps)
	for i := range points {
		p0, p1, p2, p3 := points[(i+n-1)%n], points[i], points[(i+1)%n], points[(i+2)%n]
		for k := range steps {
			out = append(out, catmull(p0, p1, p2, p3, float64(k)/steps))
		}
	}
	return out
}

// curve is the open Catmull-Rom curve through the points.
func curve(points ...pt) []pt {
	const steps = 8
	n := len(points)
	var out []pt
	for i := range n - 1 {
		p0, p3 := points[max(i-1, 0)], points[min(i+2, n-1)]
		for k := range steps {
			out = append(out, catmull(p0, points[i], points[i+1], p3, float64(k)/steps))
		}
	}
	return append(out, points[n-1])
}

func catmull(p0, p1, p2, p3 pt, t float64) pt {
	f := func(a, b, c, d float64) float64 {
		return 0.5 * (float64(2*b) + float64((c-a)*t) + float64((float64(2*a)-float64(5*b)+float64(4*c)-d)*t*t) + float64((float64(3*b)-a-float64(3*c)+d)*t*t*t))
	}
	return pt{f(p0.x, p1.x, p2.x, p3.x), f(p0.y, p1.y, p2.y, p3.y)}
}

// limb is the outline of a tapering stroke along points, w0 wide at its first
// point and w1 at its last, with round ends.
func limb(points []pt, w0, w1 float64) poly {
	n := len(points)
	var left, right []pt
	for i, p := range points {
		q, o := points[min(i+1, n-1)], points[max(i-1, 0)]
		dx, dy := q.x-o.x, q.y-o.y
		l := math.Hypot(dx, dy)
		if l == 0 {
			continue
		}
		w := (w0 + (w1-w0)*float64(i)/float64(max(n-1, 1))) / 2
		nx, ny := float64(-dy/l*w), float64(dx/l*w)
		left = append(left, pt{p.x + nx, p.y + ny})
		right = append(right, pt{p.x - nx, p.y - ny})
		if i == n-1 {
			const k = 6
			for j := 1; j < k; j++ { // the round tip, from left to right
				s, c := math.Sincos(math.Pi * float64(j) / k)
				left = append(left, pt{p.x + float64(nx*c) + float64(dx/l*w*s), p.y + float64(ny*c) + float64(dy/l*w*s)})
			}
		}
	}
	for i := len(right) - 1; i >= 0; i-- {
		left = append(left, right[i])
	}
	return left
}

// furry gives an outline tufts of about the given length, spaced step apart.
func furry(p poly, r *rng.Stream, length, step float64) poly {
	var out poly
	area := 0.0
	for i, a := range p {
		b := p[(i+1)%len(p)]
		area += float64(a.x*b.y) - float64(b.x*a.y)
	}
	side := 1.0 // tufts point out whichever way the outline runs
	if area < 0 {
		side = -1
	}
	walked, next := 0.0, 0.0
	outward := false
	for i, a := range p {
		b := p[(i+1)%len(p)]
		dx, dy := b.x-a.x, b.y-a.y
		l := math.Hypot(dx, dy)
		for l > 0 && next <= walked+l {
			t := (next - walked) / l
			reach := 0.0
			if outward {
				reach = length * r.Uniform(0.5, 1.1)
			}
			out = append(out, pt{
				a.x + float64(t*dx) + float64(side*(dy/l)*reach) + float64(dx/l*reach*0.5),
				a.y + float64(t*dy) - float64(side*(dx/l)*reach) + float64(dy/l*reach*0.5),
			})
			outward = !outward
			next += float64(step * r.Uniform(0.35, 0.65))
		}
		walked += l
	}
	if len(out) < 3 {
		return p
	}
	return out
}
