package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// place is one vector's place in a row: what a kernel's body works on.
type place struct {
	v           *isa.Set
	ptr         map[int]reg.GPVirtual
	idx         reg.GPVirtual // byte in the row
	disp        int
	tail        *isa.Tail
	vector      int // of those that the loop takes at once
	consts      []reg.VecVirtual
	zero        reg.VecVirtual
	floats      floats
	nonTemporal []int
}

// mask is the place of the vector's mask at pointer i.
func (p *place) mask(i int) Mem { return Mem{Base: p.ptr[i], Disp: p.vector * p.v.Bytes / 32} }

func (p *place) at(i int) Mem {
	return Mem{Base: p.ptr[i], Index: p.idx, Scale: 1, Disp: p.disp}
}

// ld loads the vector of pointer i, st stores to it.
func (p *place) ld(i int) reg.VecVirtual { return p.v.Load(p.at(i), p.tail) }

func (p *place) st(r reg.VecVirtual, i int) {
	if p.tail == nil && slices.Contains(p.nonTemporal, i) {
		p.v.StoreNonTemporal(r, p.at(i))
		return
	}
	p.v.Store(r, p.at(i), p.tail)
}

// mapSpec describes a kernel that goes through rows of c floats.
type mapSpec struct {
	name        string
	doc         string    // what it computes, by the names of the pointers
	streams     []int     // pointers that go on from row to row
	params      []int     // pointers to c floats, the same for every row
	masks       []int     // pointers to a bit per float, see ../../norm/mask.go
	strided     []int     // streams whose rows are stride floats apart, not c
	consts      int       // scalars, broadcast to p.consts
	floats      []float32 // numbers that the body takes from p.floats
	zero        bool      // whether the body needs p.zero
	long        bool      // whether the body is so long that taking several vectors at once gains nothing
	nonTemporal []int     // pointers whose whole vectors are stored non-temporally, to aligned addresses
	body        func(p *place)
}

// unroll is how many vectors the main loop takes at once.
const unroll = 4

// rowMap generates
//
//	for row in rows { for vectors at idx in row { body }; streams += c }
//
// and, when some stores may be non-temporal, the same again that way, under the
// name ending in NonTemporal.
func rowMap(v *isa.Set, s mapSpec) {
	nonTemporal := s.nonTemporal
	s.nonTemporal = nil
	rowMapOnce(v, s)
	if nonTemporal != nil && !v.Pairs {
		s.nonTemporal = nonTemporal
		s.name += "NonTemporal"
		rowMapOnce(v, s)
	}
}

// rowMapOnce generates one such kernel: what it keeps in registers, then the
// loops over rows and vectors.
func rowMapOnce(v *isa.Set, s mapSpec) {
	args := function(v, s.name, "rowArgs", s.doc,
		"for row in rows { for vectors at idx in row { the above }; on by c floats }, "+sources(s.streams, s.params, s.masks))
	p, r := mapPrologue(v, s, args)
	Label("row")
	mapRow(s, p, r)
	Label("next")
	for _, i := range s.masks {
		nextMaskRow(v, p.ptr[i])
	}
	for _, i := range s.streams {
		if slices.Contains(s.strided, i) {
			ADDQ(r.stride, p.ptr[i])
		} else {
			ADDQ(r.bytes, p.ptr[i])
		}
	}
	DECQ(r.left)
	JNZ(LabelRef("row"))
	if len(s.nonTemporal) > 0 {
		isa.Fence()
	}
	isa.End()
}

// row is what the loops over a row keep in registers.
type row struct {
	left   reg.GPVirtual // rows
	bytes  reg.GPVirtual // of a row
	stride reg.GPVirtual // bytes from a row of a strided stream to the next
	whole  reg.GPVirtual // of a row's whole vectors
	last   reg.GPVirtual // where the last unroll vectors begin
	tail   *isa.Tail
}

// mapPrologue loads pointers and scalars and measures the row.
func mapPrologue(v *isa.Set, s mapSpec, args isa.Args) (*place, row) {
	p := &place{v: v, nonTemporal: s.nonTemporal, ptr: map[int]reg.GPVirtual{}}
	for _, i := range slices.Concat(s.streams, s.params, s.masks) {
		p.ptr[i] = GP64()
		MOVQ(args.Elem("P", i), p.ptr[i])
	}
	r := row{left: GP64(), bytes: GP64(), whole: GP64()}
	MOVQ(args.Field("Rows"), r.left)
	MOVQ(args.Field("C"), r.bytes)
	if len(s.strided) > 0 {
		r.stride = GP64()
		MOVQ(args.Field("Stride"), r.stride)
		SHLQ(Imm(2), r.stride)
	}
	p.floats = newFloats(v, s.floats)
	for i := range s.consts {
		p.consts = append(p.consts, v.Splat(args.Elem("K", i)))
	}
	if s.zero {
		p.zero = v.Zero()
	}
	Comment("whole = bytes of a row's whole vectors, cb = bytes of a row")
	r.tail = wholeVectors(v, r.bytes, r.whole)
	p.idx = GP64()
	if !s.long {
		r.last = GP64()
		LEAQ(Mem{Base: r.whole, Disp: -unroll * v.Bytes}, r.last)
	}
	return p, r
}

// wholeVectors turns c, a row's floats, into bytes, sets whole to the bytes of
// its whole vectors and returns the mask of the rest.
func wholeVectors(v *isa.Set, c, whole reg.GPVirtual) *isa.Tail {
	MOVQ(c, whole)
	ANDQ(I8(-v.Lanes()), whole)
	n := GP64()
	MOVQ(c, n)
	SUBQ(whole, n)
	t := v.NewTail(n)
	SHLQ(Imm(2), whole)
	SHLQ(Imm(2), c)
	return t
}

// mapRow goes through a row: unroll vectors at a time, unless the body is long,
// then one, then the lanes left over.
func mapRow(s mapSpec, p *place, r row) {
	nextMask := func(n int) {
		for _, i := range s.masks {
			nextMask(p.v, p.ptr[i], n)
		}
	}
	XORQ(p.idx, p.idx)
	if !s.long {
		CMPQ(p.idx, r.last)
		JG(LabelRef("single"))
		Label("many")
		for i := range unroll {
			p.disp, p.vector = i*p.v.Bytes, i
			s.body(p)
		}
		p.disp, p.vector = 0, 0
		nextMask(unroll)
		ADDQ(I32(unroll*p.v.Bytes), p.idx)
		CMPQ(p.idx, r.last)
		JLE(LabelRef("many"))
	}
	Label("single")
	CMPQ(p.idx, r.whole)
	JGE(LabelRef("part"))
	s.body(p)
	nextMask(1)
	ADDQ(I8(p.v.Bytes), p.idx)
	JMP(LabelRef("single"))
	Label("part")
	CMPQ(p.idx, r.bytes)
	JGE(LabelRef("next"))
	Comment("the lanes left over")
	p.tail = r.tail
	s.body(p)
	nextMask(1)
	p.tail = nil
}
