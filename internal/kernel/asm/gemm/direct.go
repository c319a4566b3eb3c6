package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// formD: for s in segs { for i in k { for r in mr { tile[r] += A[s*segStep + r*as + i] * B[s*k+i] } } }
//
// Rows are addressed from two bases, one for each half of the tile, by
// multiples of the row stride: 1, 2 and 4 from one register, 3 and 6 from
// another, 5 from a third.
func (v *tile) formD() {
	v.tiles = true
	v.begin("gemmD", "adds segs segments of k steps to tiles, A where it lies; see Args.",
		"for tiles { for s in segs { for i in k { for r in mr { tile[r] += A[s*segStep + r*as + i] * B[s*k+i] } } }, then C = tile with its epilogue }",
		"SI, AX: A at the tile's first row and at the first of its lower half; R8, R9, R12: one, three and five rows of A in bytes",
		"DX: row of B; CX: steps left; BX, R15: segment of A and how many are left; R10, R11: row of the residual or of C to prefetch and its step; R13, R14: memory to prefetch and its step")
	var (
		lower, upper   = reg.RSI, reg.RAX
		seg            = reg.RBX
		left           = reg.RCX
		s1, s3, s5     = reg.R8, reg.R9, reg.R12
		next, nextStep = reg.R13, reg.R14
		segs           = reg.R15
	)
	v.loadNext()
	Label("tile")
	v.clear(v.mr)
	MOVQ(g.Field("A"), seg)
	MOVQ(g.Field("B"), b)
	MOVQ(g.Field("Segs"), segs)
	MOVQ(g.Field("AStride"), s1)
	SHLQ(Imm(2), s1)
	LEAQ(Mem{Base: s1, Index: s1, Scale: 2}, s3)
	LEAQ(Mem{Base: s1, Index: s1, Scale: 4}, s5)
	MOVQ(g.Field("MR"), rows)
	MOVQ(g.Field("NR"), cols)
	half := v.mr / 2
	row := func(r, disp int) Mem {
		base := lower
		if r >= half {
			base, r = upper, r-half
		}
		switch r {
		case 0:
			return Mem{Base: base, Disp: disp}
		case 3, 6:
			return Mem{Base: base, Index: s3, Scale: uint8(r / 3), Disp: disp}
		case 5:
			return Mem{Base: base, Index: s5, Scale: 1, Disp: disp}
		}
		return Mem{Base: base, Index: s1, Scale: uint8(r), Disp: disp}
	}
	advance := func(n int) {
		ADDQ(Imm(uint64(4*n)), lower)
		ADDQ(Imm(uint64(4*n)), upper)
		ADDQ(I32(2*n*v.Bytes), b)
	}
	v.choose([]int{v.mr, v.mr / 2}, func(n, halves int, suffix string) {
		cRow, cStep := rows, cols // until finish wants them
		v.walkRows(cRow, cStep, suffix)
		Label("segment" + suffix)
		MOVQ(seg, lower)
		Comment("upper = lower + half the rows")
		if half == 7 {
			LEAQ(Mem{Base: lower, Index: s3, Scale: 2}, upper)
			ADDQ(s1, upper)
		} else {
			LEAQ(Mem{Base: lower, Index: s3, Scale: 1}, upper)
		}
		MOVQ(g.Field("K"), left)
		SUBQ(Imm(3), left)
		JLT(LabelRef("rest" + suffix))
		Label("loop" + suffix)
		for i := range 3 {
			PREFETCHT1(Mem{Base: next, Disp: i * 64})
			v.step(n, halves, Mem{Base: b, Disp: i * 2 * v.Bytes}, func(r int) Mem { return row(r, 4*i) })
		}
		v.fetchRow(cRow)
		ADDQ(cStep, cRow)
		advance(3)
		ADDQ(nextStep, next)
		SUBQ(Imm(3), left)
		JGE(LabelRef("loop" + suffix))
		Label("rest" + suffix)
		ADDQ(Imm(3), left)
		JZ(LabelRef("next" + suffix))
		Label("single" + suffix)
		v.step(n, halves, Mem{Base: b}, func(r int) Mem { return row(r, 0) })
		advance(1)
		DECQ(left)
		JNZ(LabelRef("single" + suffix))
		Label("next" + suffix)
		MOVQ(g.Field("SegStep"), left)
		LEAQ(Mem{Base: seg, Index: left, Scale: 4}, seg)
		DECQ(segs)
		JNZ(LabelRef("segment" + suffix))
		MOVQ(g.Field("C"), c)
		MOVQ(g.Field("LDC"), ldc)
		SHLQ(Imm(2), ldc)
		MOVQ(g.Field("MR"), rows)
		MOVQ(g.Field("NR"), cols)
		MOVQ(g.Field("Flags"), flag)
	})
	v.more(func(field Mem) {
		MOVQ(g.Field("AStride"), k)
		IMUL3Q(Imm(uint64(4*v.mr)), k, k)
		MOVQ(field, tmp)
		ADDQ(k, tmp)
		MOVQ(tmp, field)
	})
}
