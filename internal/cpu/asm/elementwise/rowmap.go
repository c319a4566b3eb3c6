package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of rowArgs.
const (
	argRows   = 9 * 8
	argC      = argRows + 8
	argStride = argC + 8
	argConsts = argStride + 8
)

// place is one vector's place in a row: what a kernel's body works on.
type place struct {
	v      *isa
	ptr    map[int]reg.GPVirtual
	idx    reg.GPVirtual // byte in the row
	disp   int
	tail   *tail
	vector int // of those that the loop takes at once
	consts []reg.VecVirtual
	zero   reg.VecVirtual
	past   []int
}

// signs is the place of the vector's signs at pointer i.
func (p *place) signs(i int) Mem { return Mem{Base: p.ptr[i], Disp: p.vector * p.v.bytes / 32} }

func (p *place) at(i int) Mem {
	return Mem{Base: p.ptr[i], Index: p.idx, Scale: 1, Disp: p.disp}
}

// ld loads the vector of pointer i, st stores to it.
func (p *place) ld(i int) reg.VecVirtual { return p.v.load(p.at(i), p.tail) }

func (p *place) st(r reg.VecVirtual, i int) {
	if p.tail == nil && slices.Contains(p.past, i) {
		VMOVNTPS(r, p.at(i))
		return
	}
	p.v.store(r, p.at(i), p.tail)
}

// mapSpec describes a kernel that goes through rows of c floats.
type mapSpec struct {
	name    string
	streams []int // pointers that go on from row to row
	params  []int // pointers to c floats, the same for every row
	signs   []int // pointers to a bit per float, see ../../signs.go
	consts  int   // scalars, broadcast to p.consts
	zero    bool  // whether the body needs p.zero
	past    []int // pointers whose whole vectors are stored past the caches, to aligned addresses
	body    func(p *place)
}

// unroll is how many vectors the main loop takes at once.
const unroll = 4

// rowMap generates
//
//	for row in rows { for vectors at idx in row { body }; streams += c }
//
// and, when some stores may go past the caches, the same again that way, under
// the name ending in Past.
func (v *isa) rowMap(s mapSpec) {
	past := s.past
	s.past = nil
	v.rowMapOnce(s)
	if past != nil {
		s.past = past
		s.name += "Past"
		v.rowMapOnce(s)
	}
}

func (v *isa) rowMapOnce(s mapSpec) {
	v.function(s.name, "rowArgs")
	args := GP64()
	Load(Param("p"), args)
	p := &place{v: v, past: s.past, ptr: map[int]reg.GPVirtual{}}
	for _, i := range slices.Concat(s.streams, s.params, s.signs) {
		p.ptr[i] = GP64()
		MOVQ(Mem{Base: args, Disp: 8 * i}, p.ptr[i])
	}
	nextSigns := func(n int) {
		for _, i := range s.signs {
			v.nextSigns(p.ptr[i], n)
		}
	}
	left, cb, whole := GP64(), GP64(), GP64()
	MOVQ(Mem{Base: args, Disp: argRows}, left)
	MOVQ(Mem{Base: args, Disp: argC}, cb)
	for i := range s.consts {
		p.consts = append(p.consts, v.vec())
		VBROADCASTSS(Mem{Base: args, Disp: argConsts + 4*i}, p.consts[i])
	}
	if s.zero {
		p.zero = v.zero()
	}
	Comment("whole = bytes of a row's whole vectors, cb = bytes of a row")
	MOVQ(cb, whole)
	ANDQ(I8(-v.lanes()), whole)
	n := GP64()
	MOVQ(cb, n)
	SUBQ(whole, n)
	t := v.newTail(n)
	SHLQ(Imm(2), whole)
	SHLQ(Imm(2), cb)
	p.idx = GP64()
	last := GP64()
	LEAQ(Mem{Base: whole, Disp: -unroll * v.bytes}, last)

	Label("row")
	XORQ(p.idx, p.idx)
	CMPQ(p.idx, last)
	JG(LabelRef("single"))
	Label("many")
	for i := range unroll {
		p.disp, p.vector = i*v.bytes, i
		s.body(p)
	}
	p.disp, p.vector = 0, 0
	nextSigns(unroll)
	ADDQ(I32(unroll*v.bytes), p.idx)
	CMPQ(p.idx, last)
	JLE(LabelRef("many"))
	Label("single")
	CMPQ(p.idx, whole)
	JGE(LabelRef("part"))
	s.body(p)
	nextSigns(1)
	ADDQ(I8(v.bytes), p.idx)
	JMP(LabelRef("single"))
	Label("part")
	CMPQ(p.idx, cb)
	JGE(LabelRef("next"))
	Comment("the lanes left over")
	p.tail = &t
	s.body(p)
	nextSigns(1)
	p.tail = nil
	Label("next")
	for _, i := range s.signs {
		v.nextSignRow(p.ptr[i])
	}
	for _, i := range s.streams {
		ADDQ(cb, p.ptr[i])
	}
	DECQ(left)
	JNZ(LabelRef("row"))
	if len(s.past) > 0 {
		SFENCE()
	}
	VZEROUPPER()
	RET()
}
