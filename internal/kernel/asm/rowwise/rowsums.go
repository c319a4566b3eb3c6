package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// sumSpec describes a reduction over rows: streams are read, outs written, params
// are [c], masks are a bit per float.
type sumSpec struct {
	name                         string
	doc                          string // what it computes, by the numbers of the pointers
	streams, outs, params, masks []int
	strided                      []int // streams whose rows are stride floats apart, not c
	nonTemporal                  bool  // whole vectors of outs are stored non-temporally, to aligned addresses
	zero                         bool
	body                         func(b *block)
}

// rows are the pointers that go on from row to row.
func (s sumSpec) rows() []int { return slices.Concat(s.streams, s.outs) }

// rowSums generates
//
//	for four rows at a time, then one { for vectors at idx in row { body } }
//
// Four rows at a time, the sums in memory are loaded and stored once for four
// rows, and are not one long chain of additions. As hardware prefetchers follow
// four rows badly, each step asks for its share of the next four, line by line
// (reduceY at 25088x128: from 19 to 36 GB/s on one core).
func rowSums(v *isa.Set, s sumSpec) {
	args := function(v, s.name, "rowArgs", s.doc,
		"for four rows at a time, then one { for vectors at idx in row { the above } }, "+sources(s.rows(), s.params, s.masks))
	b, left, whole, tail := sumPrologue(v, s, args)
	SUBQ(Imm(4), left)
	JLT(LabelRef("rest"))
	b.n = 4
	sumColumns("four", s, b, whole, tail)
	skipThree(s, b)
	SUBQ(Imm(4), left)
	JGE(LabelRef("four"))
	Label("rest")
	ADDQ(Imm(4), left)
	JZ(LabelRef("done"))
	b.n = 1
	sumColumns("one", s, b, whole, tail)
	DECQ(left)
	JNZ(LabelRef("one"))
	Label("done")
	if s.nonTemporal {
		isa.Fence()
	}
	isa.End()
}

// sumPrologue loads the pointers and measures the row: left is how many rows
// there are, whole the bytes of a row's whole vectors, tail the rest of it.
func sumPrologue(v *isa.Set, s sumSpec, args isa.Args) (b *block, left, whole reg.GPVirtual, tail *isa.Tail) {
	b = &block{v: v, ptr: map[int]reg.GPVirtual{}, strided: s.strided, nonTemporal: s.nonTemporal, cb: GP64(), cb3: GP64(), idx: GP64()}
	for _, i := range slices.Concat(s.rows(), s.params, s.masks) {
		b.ptr[i] = GP64()
		MOVQ(args.Elem("P", i), b.ptr[i])
	}
	left, whole = GP64(), GP64()
	MOVQ(args.Field("Rows"), left)
	MOVQ(args.Field("C"), b.cb)
	if len(s.strided) > 0 {
		b.pb, b.pb3 = GP64(), GP64()
		MOVQ(args.Field("Stride"), b.pb)
		SHLQ(Imm(2), b.pb)
		LEAQ(Mem{Base: b.pb, Index: b.pb, Scale: 2}, b.pb3)
	}
	if s.zero {
		b.zero = v.Zero()
	}
	Comment("whole = bytes of a row's whole vectors, cb = bytes of a row, cb3 of three")
	tail = wholeVectors(v, b.cb, whole)
	LEAQ(Mem{Base: b.cb, Index: b.cb, Scale: 2}, b.cb3)
	if len(s.masks) > 0 {
		Comment("2 bytes of mask for 16 floats")
		b.sb, b.sb3 = GP64(), GP64()
		LEAQ(Mem{Base: b.cb, Disp: 63}, b.sb)
		SHRQ(Imm(6), b.sb)
		SHLQ(Imm(1), b.sb)
		LEAQ(Mem{Base: b.sb, Index: b.sb, Scale: 2}, b.sb3)
	}
	return b, left, whole, tail
}

// sumColumns goes through b.n rows, a vector of each at a time, and leaves the
// pointers at the row below the first of them.
func sumColumns(name string, s sumSpec, b *block, whole reg.GPVirtual, tail *isa.Tail) {
	Label(name)
	XORQ(b.idx, b.idx)
	ahead := startAhead(s, b)
	Label(name + "Vector")
	CMPQ(b.idx, whole)
	JGE(LabelRef(name + "Part"))
	s.body(b)
	for _, i := range s.rows() {
		ADDQ(I8(b.v.Bytes), b.ptr[i])
		if p := ahead[i]; p != nil {
			fetchAhead(b, p, slices.Contains(s.strided, i))
		}
	}
	for _, i := range s.masks {
		nextMask(b.v, b.ptr[i], 1)
	}
	ADDQ(I8(b.v.Bytes), b.idx)
	JMP(LabelRef(name + "Vector"))
	Label(name + "Part")
	CMPQ(b.idx, b.cb)
	JGE(LabelRef(name + "Next"))
	b.tail = tail
	s.body(b)
	b.tail = nil
	Comment("on to the end of the row")
	for _, i := range s.rows() {
		SUBQ(b.idx, b.ptr[i])
		ADDQ(b.cb, b.ptr[i])
	}
	for _, i := range s.masks {
		nextMask(b.v, b.ptr[i], 1)
	}
	Label(name + "Next")
	for _, i := range s.masks {
		nextMaskRow(b.v, b.ptr[i])
	}
	for _, i := range s.strided {
		SUBQ(b.cb, b.ptr[i])
		ADDQ(b.pb, b.ptr[i])
	}
}

// startAhead returns pointers to the next four rows of each stream, from which
// memory is fetched ahead; none when rows go one at a time.
func startAhead(s sumSpec, b *block) map[int]reg.GPVirtual {
	ahead := map[int]reg.GPVirtual{}
	if b.n != 4 {
		return ahead
	}
	for _, i := range s.streams {
		ahead[i] = GP64()
		pitch := b.cb
		if slices.Contains(s.strided, i) {
			pitch = b.pb
		}
		LEAQ(Mem{Base: b.ptr[i], Index: pitch, Scale: 4}, ahead[i])
	}
	return ahead
}

// fetchAhead asks for one vector of each of the four rows at p, which lie
// together unless they are strided, and moves on.
func fetchAhead(b *block, p reg.GPVirtual, strided bool) {
	if strided {
		for r := range 4 {
			PREFETCHT0(rowAt(p, b.pb, b.pb3, r))
		}
		ADDQ(I8(b.v.Bytes), p)
		return
	}
	for line := 0; line < 4*b.v.Bytes; line += 64 {
		PREFETCHT0(Mem{Base: p, Disp: line})
	}
	ADDQ(I32(4*b.v.Bytes), p)
}

// skipThree moves the pointers on by three rows.
func skipThree(s sumSpec, b *block) {
	for _, i := range s.rows() {
		if slices.Contains(s.strided, i) {
			ADDQ(b.pb3, b.ptr[i])
		} else {
			ADDQ(b.cb3, b.ptr[i])
		}
	}
	for _, i := range s.masks {
		ADDQ(b.sb3, b.ptr[i])
	}
}
