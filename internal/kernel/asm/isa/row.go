package isa

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/build"
)

// Row is what the loops over one row of floats keep in registers, for kernels
// that go through a row several times.
type Row struct {
	v     *Set
	Bytes reg.GPVirtual // of the row
	idx   reg.GPVirtual // byte in the row
	whole reg.GPVirtual // of its whole vectors
	last  reg.GPVirtual // where the last unroll of them begin
	tail  *Tail
}

// rowUnroll is how many vectors a loop takes at once.
const rowUnroll = 4

// NewRow measures a row of c floats; c becomes the row's bytes.
func (v *Set) NewRow(c reg.GPVirtual) *Row {
	r := &Row{v: v, Bytes: c, idx: GP64(), whole: GP64(), last: GP64()}
	Comment("whole = bytes of a row's whole vectors, last = where the last four begin")
	MOVQ(c, r.whole)
	ANDQ(operand.I8(-v.Lanes()), r.whole)
	n := GP64()
	MOVQ(c, n)
	SUBQ(r.whole, n)
	r.tail = v.NewTail(n)
	SHLQ(operand.Imm(2), r.whole)
	SHLQ(operand.Imm(2), c)
	LEAQ(operand.Mem{Base: r.whole, Disp: -rowUnroll * v.Bytes}, r.last)
	return r
}

// Vector is one vector's place in a row.
type Vector struct {
	*Row
	N    int // of those that a loop takes at once: 0 to 3
	Tail *Tail
}

// At is the vector's place in the row that begins at base.
func (p Vector) At(base reg.GPVirtual) operand.Mem {
	return operand.Mem{Base: base, Index: p.idx, Scale: 1, Disp: p.N * p.v.Bytes}
}

// Load loads the vector of the row at base, its lanes past the row's end 0.
func (p Vector) Load(base reg.GPVirtual) reg.VecVirtual { return p.v.Load(p.At(base), p.Tail) }

// Store stores it.
func (p Vector) Store(x reg.Register, base reg.GPVirtual) { p.v.Store(x, p.At(base), p.Tail) }

// Each makes the loops of one pass over the row, whose labels begin with name:
// four vectors at a time, then one, then the lanes left over.
func (r *Row) Each(name string, body func(p Vector)) {
	XORQ(r.idx, r.idx)
	CMPQ(r.idx, r.last)
	JG(operand.LabelRef(name + "Single"))
	Label(name + "Many")
	for n := range rowUnroll {
		body(Vector{r, n, nil})
	}
	ADDQ(operand.I32(rowUnroll*r.v.Bytes), r.idx)
	CMPQ(r.idx, r.last)
	JLE(operand.LabelRef(name + "Many"))
	r.rest(name, body)
}

// One is Each for a body so long that taking several vectors at once gains nothing.
func (r *Row) One(name string, body func(p Vector)) {
	XORQ(r.idx, r.idx)
	r.rest(name, body)
}

// rest is what follows the vectors that are taken four at a time.
func (r *Row) rest(name string, body func(p Vector)) {
	Label(name + "Single")
	CMPQ(r.idx, r.whole)
	JGE(operand.LabelRef(name + "Part"))
	body(Vector{r, 0, nil})
	ADDQ(operand.I8(r.v.Bytes), r.idx)
	JMP(operand.LabelRef(name + "Single"))
	Label(name + "Part")
	CMPQ(r.idx, r.Bytes)
	JGE(operand.LabelRef(name + "End"))
	body(Vector{r, 0, r.tail})
	Label(name + "End")
}

// Sums returns accumulators for the vectors of a pass, to be cleared before it.
func (r *Row) Sums() []reg.VecVirtual {
	return Each(rowUnroll, func(int) reg.VecVirtual { return r.v.Vec() })
}

// Total adds up the accumulators of Sums: all lanes of the result are the sum.
func (r *Row) Total(s []reg.VecVirtual) reg.VecVirtual {
	VADDPS(s[1], s[0], s[0])
	VADDPS(s[3], s[2], s[2])
	VADDPS(s[2], s[0], s[0])
	r.v.SumLanes(s[0])
	return s[0]
}
