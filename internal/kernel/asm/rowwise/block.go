package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// block is one vector's place in a few rows at once: what the body of a
// reduction over rows works on.
type block struct {
	v           *isa.Set
	n           int // rows
	ptr         map[int]reg.GPVirtual
	strided     []int
	nonTemporal bool
	idx         reg.GPVirtual // byte in the row, for params
	cb, cb3     reg.GPVirtual // bytes of a row, of three
	sb, sb3     reg.GPVirtual // bytes of a row of a mask, of three
	pb, pb3     reg.GPVirtual // bytes from a strided row to the next, of three
	tail        *isa.Tail
	zero        reg.VecVirtual
}

// at is the place of stream i's vector in row r of the block.
func (b *block) at(i, r int) Mem {
	if slices.Contains(b.strided, i) {
		return rowAt(b.ptr[i], b.pb, b.pb3, r)
	}
	return rowAt(b.ptr[i], b.cb, b.cb3, r)
}

// row loads stream i's vector in row r of the block, setRow stores it.
func (b *block) row(i, r int) reg.VecVirtual { return b.v.Load(b.at(i, r), b.tail) }

func (b *block) setRow(x reg.VecVirtual, i, r int) {
	if b.nonTemporal && b.tail == nil {
		b.v.StoreNonTemporal(x, b.at(i, r))
		return
	}
	b.v.Store(x, b.at(i, r), b.tail)
}

// mask is the place of stream i's mask in row r of the block.
func (b *block) mask(i, r int) Mem { return rowAt(b.ptr[i], b.sb, b.sb3, r) }

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
func (b *block) ld(i int) reg.VecVirtual { return b.v.Load(b.param(i), b.tail) }

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
	b.v.Store(acc, b.param(i), b.tail)
}

// sumProducts adds the sum of x[k]*y[k] to param i.
func (b *block) sumProducts(x, y []reg.VecVirtual, i int) {
	s := b.v.Vec()
	VMULPS(x[0], y[0], s)
	for k := 1; k < len(x); k++ {
		VFMADD231PS(x[k], y[k], s)
	}
	b.sum([]reg.VecVirtual{s}, i)
}
