package depthwise

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Packed is a convolution prepared for inference: its weights are packed once, in the
// layout of the instruction set in use, and may be used by any number of goroutines at
// once.
type Packed struct {
	kh, kw, c int
	set       *isa.Set
	weights   []float32
}

// Pack packs w [kh,kw,c] and bias [c], which may be nil; both are copied. The memory
// comes from alloc, which returns n floats of any content on a 64-byte boundary, as
// mem.Floats does. It panics when a length does not fit.
func Pack(alloc func(n int) []float32, kh, kw, c int, w, bias []float32) *Packed {
	const op = "depthwise.Pack"
	ground.Need(op, "w", len(w), kh*kw*c)
	ground.NeedOptional(op, "bias", bias, c)
	p := &Packed{kh, kw, c, isa.Active(), alloc(packedLen(c, kh*kw))}
	packWeights(p.weights, w, bias, c, kh*kw)
	return p
}

// Forward computes y [N,OH,OW,C] = a(conv(x [N,H,W,C]) + bias). It panics when a length
// does not fit, when c has another window or other channels than were packed, or when
// another instruction set is in use than at Pack.
func (p *Packed) Forward(c Conv, x, y []float32, a elementwise.Activation) {
	const op = "depthwise.Packed.Forward"
	p.check(op, c)
	c.forward(op, x, p.weights, y, a)
}

// check panics when c is impossible, or not what was packed.
func (p *Packed) check(op string, c Conv) {
	c.mustCheck(op)
	if c.KH != p.kh || c.KW != p.kw || c.C != p.c {
		panic(fmt.Sprintf("%s: weights %dx%dx%d were packed, not %dx%dx%d", op, p.kh, p.kw, p.c, c.KH, c.KW, c.C))
	}
	if p.set != isa.Active() {
		panic(fmt.Sprintf("%s: weights were packed for %s, but %s is in use; pack them again", op, p.set, isa.Active()))
	}
}

// packedLen is how many floats packWeights writes.
func packedLen(c, taps int) int { return ground.RoundUp(c, block()) * (taps + 1) }

// packWeights writes the weights w [taps, c] and, behind them, the bias [c], which may
// be nil, in blocks of channels [taps+1, block].
func packWeights(dst, w, bias []float32, c, taps int) {
	b := block()
	for k := range ground.CeilDiv(c, b) {
		to := dst[k*b*(taps+1):]
		lo, hi := k*b, min(c, (k+1)*b)
		for t := range taps {
			clear(to[t*b+copy(to[t*b:], w[t*c+lo:t*c+hi]):][:b-(hi-lo)])
		}
		last := to[taps*b:][:b]
		clear(last)
		if bias != nil {
			copy(last, bias[lo:hi])
		}
	}
}
