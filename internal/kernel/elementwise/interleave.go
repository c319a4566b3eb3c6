package elementwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
)

// Interleave takes the channels of a and b, both [rows, c], in turn:
// y[r][2i] = a[r][i], y[r][2i+1] = b[r][i]. It panics when a length does not fit.
func Interleave(rows, c int, a, b, y []float32) {
	const op = "elementwise.Interleave"
	ground.Need(op, "a", len(a), rows*c)
	ground.Need(op, "b", len(b), rows*c)
	ground.Need(op, "y", len(y), 2*rows*c)
	rowwise.For(rows, 2*c, interleaved{c, a, b, y}, func(t *interleaved, lo, hi int) {
		a, b := t.a[lo*t.c:hi*t.c], t.b[lo*t.c:hi*t.c]
		y := t.y[2*lo*t.c:][:2*len(a)]
		for i, v := range a {
			p := (*[2]float32)(y[2*i:])
			p[0], p[1] = v, b[i]
		}
	})
}

// Deinterleave is the reverse of Interleave: every second channel of y [rows, 2c]
// from the one with number at, 0 or 1, to a [rows, c]. It panics when a length does not
// fit.
func Deinterleave(rows, c, at int, y, a []float32) {
	const op = "elementwise.Deinterleave"
	ground.Need(op, "y", len(y), 2*rows*c)
	ground.Need(op, "a", len(a), rows*c)
	rowwise.For(rows, 2*c, interleaved{c: c, a: a, y: y[min(at, len(y)):]}, func(t *interleaved, lo, hi int) {
		y := t.y[2*lo*t.c:]
		for i := range t.a[lo*t.c : hi*t.c] {
			t.a[lo*t.c+i] = y[2*i]
		}
	})
}

// interleaved is the arguments of both.
type interleaved struct {
	c       int
	a, b, y []float32
}
