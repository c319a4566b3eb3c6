package cpu

// winoAhead spreads the fetching of memory that will be needed soon over the
// products of a block: they leave the path to memory idle, and the transforms,
// which would otherwise wait for it, then find their data in the L2 cache.
type winoAhead struct {
	regions [4]winoRegion
	n       int // regions queued
	lines   int // to ask for at each step
}

// winoRegion is rows of floats that lie stride floats apart in s.
type winoRegion struct {
	s           []float32
	row, stride int
	col         int // floats of the first row that have been asked for
}

// winoLine is the floats of a cache line.
const winoLine = 16

// add queues rows of s.
func (a *winoAhead) add(s []float32, row, stride int) {
	if len(s) > 0 {
		a.regions[a.n] = winoRegion{s: s, row: min(row, len(s)), stride: stride}
		a.n++
	}
}

// addSpan queues all of s.
func (a *winoAhead) addSpan(s []float32) { a.add(s, len(s), len(s)) }

// spread sets the pace so that all is asked for within that many steps.
func (a *winoAhead) spread(steps int) {
	n := 0
	for _, r := range a.regions[:a.n] {
		n += (len(r.s) + r.stride - 1) / r.stride * ((r.row + winoLine - 1) / winoLine)
	}
	a.lines = (n + steps - 1) / max(1, steps)
}

// step asks for the next lines.
func (a *winoAhead) step() {
	for n := a.lines; n > 0 && a.n > 0; {
		r := &a.regions[a.n-1]
		k := min(n, (min(r.row, len(r.s))-r.col+winoLine-1)/winoLine)
		if k > 0 {
			winoPrefetch(&r.s[r.col], k)
			n -= k
			r.col += k * winoLine
		}
		if r.col >= min(r.row, len(r.s)) {
			r.s, r.col = r.s[min(len(r.s), r.stride):], 0
			if len(r.s) == 0 {
				a.n--
			}
		}
	}
}

// sourceSpan returns the part of the source x that tiles [t0,t1) read, if they
// are 4x4 tiles; it is empty otherwise.
func (g *winoGeom) sourceSpan(x []float32, t0, t1 int) []float32 {
	t0, t1 = max(t0, g.first[wino44]), min(t1, g.first[wino44+1])
	if t0 >= t1 {
		return nil
	}
	n0, y0, _ := g.tile(wino44, t0)
	n1, y1, _ := g.tile(wino44, t1-1)
	lo := n0*g.h + max(0, y0-g.pad)
	hi := n1*g.h + min(g.h, y1-g.pad+6)
	return x[lo*g.w*g.c : hi*g.w*g.c]
}

// destSpan is sourceSpan for the destination, of pixels stride floats apart.
func (g *winoGeom) destSpan(y []float32, stride, t0, t1 int) []float32 {
	t0, t1 = max(t0, g.first[wino44]), min(t1, g.first[wino44+1])
	if t0 >= t1 {
		return nil
	}
	n0, y0, _ := g.tile(wino44, t0)
	n1, y1, _ := g.tile(wino44, t1-1)
	return y[(n0*g.p+y0)*g.q*stride : min(len(y), (n1*g.p+min(g.p, y1+4))*g.q*stride)]
}
