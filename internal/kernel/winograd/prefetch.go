package winograd

import "unsafe"

// winoAhead spreads the fetching of memory that will be needed soon over the
// products of a block: they leave the path to memory idle, and the transforms,
// which would otherwise wait for it, then find their data in the L2 cache. It
// reads and writes nothing; where there is no assembly it does nothing.
type winoAhead struct {
	regions [9]winoRegion
	n       int // regions queued
	lines   int // to ask for at each step
}

// winoRegion is rows of cache lines. The assembly is generated with the offsets
// of its fields: after a change, run go generate in asm.
type winoRegion struct {
	at   uintptr // next line: an address, for it may end past the memory
	left int     // lines left in this row
	row  int     // lines in a row
	skip int     // bytes from the end of a row to the next
	all  int     // lines left in all
}

// add queues rows of row floats that lie stride floats apart in s.
func (a *winoAhead) add(s []float32, row, stride int) {
	const line = 16 // floats
	if len(s) == 0 {
		return
	}
	rows, lines := (len(s)+stride-1)/stride, (min(row, len(s))+line-1)/line
	a.regions[a.n] = winoRegion{
		at:   uintptr(unsafe.Pointer(unsafe.SliceData(s))),
		left: lines,
		row:  lines,
		skip: (stride - lines*line) * 4,
		all:  rows * lines,
	}
	a.n++
}

// addSpan queues all of s.
func (a *winoAhead) addSpan(s []float32) { a.add(s, len(s), len(s)) }

// spread sets the pace so that all is asked for within that many steps.
func (a *winoAhead) spread(steps int) {
	n := 0
	for i := range a.n {
		n += a.regions[i].all
	}
	a.lines = (n + steps - 1) / max(1, steps)
}

// step asks for the next lines, of the region queued last.
func (a *winoAhead) step() {
	if a.n == 0 {
		return
	}
	r := &a.regions[a.n-1]
	n := min(a.lines, r.all)
	winoPrefetch(r, n)
	if r.all -= n; r.all == 0 {
		a.n--
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
