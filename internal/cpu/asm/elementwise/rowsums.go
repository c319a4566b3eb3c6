package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// block is one vector's place in a few rows at once: what the body of a
// reduction over rows works on.
type block struct {
	v       *isa
	n       int // rows
	ptr     map[int]reg.GPVirtual
	strided []int
	past    bool
	idx     reg.GPVirtual // byte in the row, for params
	cb, cb3 reg.GPVirtual // bytes of a row, of three
	sb, sb3 reg.GPVirtual // bytes of a row of signs, of three
	pb, pb3 reg.GPVirtual // bytes from a strided row to the next, of three
	tail    *tail
	zero    reg.VecVirtual
}

// at is the place of stream i's vector in row r of the block.
func (b *block) at(i, r int) Mem {
	if slices.Contains(b.strided, i) {
		return rowAt(b.ptr[i], b.pb, b.pb3, r)
	}
	return rowAt(b.ptr[i], b.cb, b.cb3, r)
}

// row loads stream i's vector in row r of the block, setRow stores it.
func (b *block) row(i, r int) reg.VecVirtual { return b.v.load(b.at(i, r), b.tail) }

func (b *block) setRow(x reg.VecVirtual, i, r int) {
	if b.past && b.tail == nil {
		VMOVNTPS(x, b.at(i, r))
		return
	}
	b.v.store(x, b.at(i, r), b.tail)
}

// signs is the place of stream i's signs in row r of the block.
func (b *block) signs(i, r int) Mem { return rowAt(b.ptr[i], b.sb, b.sb3, r) }

// rowAt is r rows on from base; a row is one, three rows are three bytes long.
func rowAt(base, one, three reg.GPVirtual, r int) Mem {
	m := Mem{Base: base}
	switch r {
	case 1:
		m.Index, m.Scale = one, 1
	case 2:
		m.Index, m.Scale = one, 2
	case 3:
		m.Index, m.Scale = three, 1
	}
	return m
}

func (b *block) param(i int) Mem { return Mem{Base: b.ptr[i], Index: b.idx, Scale: 1} }

// ld loads the vector of param i.
func (b *block) ld(i int) reg.VecVirtual { return b.v.load(b.param(i), b.tail) }

// sum adds up x, pairwise, into param i.
func (b *block) sum(x []reg.VecVirtual, i int) {
	for len(x) > 1 {
		for k := 0; k < len(x); k += 2 {
			VADDPS(x[k+1], x[k], x[k])
			x[k/2] = x[k]
		}
		x = x[:len(x)/2]
	}
	acc := b.ld(i)
	VADDPS(x[0], acc, acc)
	b.v.store(acc, b.param(i), b.tail)
}

// sumProducts adds the sum of x[k]*y[k] to param i.
func (b *block) sumProducts(x, y []reg.VecVirtual, i int) {
	s := b.v.vec()
	VMULPS(x[0], y[0], s)
	for k := 1; k < len(x); k++ {
		VFMADD231PS(x[k], y[k], s)
	}
	b.sum([]reg.VecVirtual{s}, i)
}

// sumSpec describes a reduction over rows: streams are read, outs written, params
// are [c], signs are a bit per float.
type sumSpec struct {
	name                         string
	streams, outs, params, signs []int
	strided                      []int // streams whose rows are stride floats apart, not c
	past                         bool  // whole vectors of outs are stored past the caches, to aligned addresses
	zero                         bool
	body                         func(b *block)
}

// rowSums generates
//
//	for four rows at a time, then one { for vectors at idx in row { body } }
//
// Four rows at a time, the sums in memory are loaded and stored once for four
// rows, and are not one long chain of additions. As hardware prefetchers follow
// four rows badly, each step asks for its share of the next four, line by line
// (reduceY at 25088x128: from 19 to 36 GB/s on one core).
func (v *isa) rowSums(s sumSpec) {
	v.function(s.name, "rowArgs")
	args := GP64()
	Load(Param("p"), args)
	b := &block{v: v, ptr: map[int]reg.GPVirtual{}, strided: s.strided, past: s.past, cb: GP64(), cb3: GP64(), idx: GP64()}
	rows := slices.Concat(s.streams, s.outs)
	for _, i := range slices.Concat(rows, s.params, s.signs) {
		b.ptr[i] = GP64()
		MOVQ(Mem{Base: args, Disp: 8 * i}, b.ptr[i])
	}
	left, whole := GP64(), GP64()
	MOVQ(Mem{Base: args, Disp: argRows}, left)
	MOVQ(Mem{Base: args, Disp: argC}, b.cb)
	if len(s.strided) > 0 {
		b.pb, b.pb3 = GP64(), GP64()
		MOVQ(Mem{Base: args, Disp: argStride}, b.pb)
		SHLQ(Imm(2), b.pb)
		LEAQ(Mem{Base: b.pb, Index: b.pb, Scale: 2}, b.pb3)
	}
	if s.zero {
		b.zero = v.zero()
	}
	Comment("whole = bytes of a row's whole vectors, cb = bytes of a row, cb3 of three")
	MOVQ(b.cb, whole)
	ANDQ(I8(-v.lanes()), whole)
	n := GP64()
	MOVQ(b.cb, n)
	SUBQ(whole, n)
	t := v.newTail(n)
	SHLQ(Imm(2), whole)
	SHLQ(Imm(2), b.cb)
	LEAQ(Mem{Base: b.cb, Index: b.cb, Scale: 2}, b.cb3)
	if len(s.signs) > 0 {
		Comment("2 bytes of signs for 16 floats")
		b.sb, b.sb3 = GP64(), GP64()
		LEAQ(Mem{Base: b.cb, Disp: 63}, b.sb)
		SHRQ(Imm(6), b.sb)
		SHLQ(Imm(1), b.sb)
		LEAQ(Mem{Base: b.sb, Index: b.sb, Scale: 2}, b.sb3)
	}

	ahead := map[int]reg.GPVirtual{}
	columns := func(name string) {
		Label(name)
		XORQ(b.idx, b.idx)
		for _, i := range s.streams {
			if b.n == 4 {
				ahead[i] = GP64()
				pitch := b.cb
				if slices.Contains(s.strided, i) {
					pitch = b.pb
				}
				LEAQ(Mem{Base: b.ptr[i], Index: pitch, Scale: 4}, ahead[i])
			}
		}
		Label(name + "Vector")
		CMPQ(b.idx, whole)
		JGE(LabelRef(name + "Part"))
		s.body(b)
		for _, i := range rows {
			ADDQ(I8(v.bytes), b.ptr[i])
			switch {
			case b.n != 4 || ahead[i] == nil:
			case slices.Contains(s.strided, i):
				for r := range 4 {
					PREFETCHT0(rowAt(ahead[i], b.pb, b.pb3, r))
				}
				ADDQ(I8(v.bytes), ahead[i])
			default:
				for line := 0; line < 4*v.bytes; line += 64 {
					PREFETCHT0(Mem{Base: ahead[i], Disp: line})
				}
				ADDQ(I32(4*v.bytes), ahead[i])
			}
		}
		for _, i := range s.signs {
			v.nextSigns(b.ptr[i], 1)
		}
		ADDQ(I8(v.bytes), b.idx)
		JMP(LabelRef(name + "Vector"))
		Label(name + "Part")
		CMPQ(b.idx, b.cb)
		JGE(LabelRef(name + "Next"))
		b.tail = &t
		s.body(b)
		b.tail = nil
		Comment("on to the end of the row")
		for _, i := range rows {
			SUBQ(b.idx, b.ptr[i])
			ADDQ(b.cb, b.ptr[i])
		}
		for _, i := range s.signs {
			v.nextSigns(b.ptr[i], 1)
		}
		Label(name + "Next")
		for _, i := range s.signs {
			v.nextSignRow(b.ptr[i])
		}
		for _, i := range s.strided {
			SUBQ(b.cb, b.ptr[i])
			ADDQ(b.pb, b.ptr[i])
		}
	}
	SUBQ(Imm(4), left)
	JLT(LabelRef("rest"))
	b.n = 4
	columns("four")
	for _, i := range rows {
		if slices.Contains(s.strided, i) {
			ADDQ(b.pb3, b.ptr[i])
		} else {
			ADDQ(b.cb3, b.ptr[i])
		}
	}
	for _, i := range s.signs {
		ADDQ(b.sb3, b.ptr[i])
	}
	SUBQ(Imm(4), left)
	JGE(LabelRef("four"))
	Label("rest")
	ADDQ(Imm(4), left)
	JZ(LabelRef("done"))
	b.n = 1
	columns("one")
	DECQ(left)
	JNZ(LabelRef("one"))
	Label("done")
	if s.past {
		SFENCE()
	}
	VZEROUPPER()
	RET()
}
