package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// finish writes the tile: C = relu?(tile + C? + bias? + res?), its left half or
// both. The columns that exist are handled whole when all do, by mask
// otherwise; rows past the last are left out.
//
// With more tiles below, as forms N and D have them, each goes on to Label "more".
func (v *tile) finish(n, halves int, suffix string) {
	end := func() {
		if v.tiles {
			JMP(LabelRef("more"))
		} else {
			isa.End()
		}
	}
	half := func(p reg.GPPhysical, h int) Mem { return Mem{Base: p, Disp: h * v.Bytes} }
	t := [2]reg.VecPhysical{v.Reg(v.bc[0]), v.Reg(v.bc[1])}
	if v.Pairs {
		t[1] = v.Reg(v.b1)
	}
	down := func(p, ld reg.GPPhysical, r int, end string) {
		if r < n-1 {
			ADDQ(ld, p)
			CMPQ(rows, Imm(uint64(r+1)))
			JE(LabelRef(end))
		}
	}
	CMPQ(cols, Imm(uint64(halves*v.Bytes/4)))
	JNE(LabelRef("masked" + suffix))
	v.combine(n, halves, suffix, down, func(m reg.GPPhysical, h int, dst reg.VecPhysical) {
		VADDPS(half(m, h), dst, dst)
	}, t)
	if !v.Pairs {
		TESTQ(I32(flagNonTemporal), flag)
		JNZ(LabelRef("nontemporal" + suffix))
	}
	for r := range n {
		for h := range halves {
			VMOVUPS(v.acc(r, h), half(c, h))
		}
		down(c, ldc, r, "end"+suffix)
	}
	Label("end" + suffix)
	end()
	if !v.Pairs {
		Comment("Stores that leave the caches alone.")
		Label("nontemporal" + suffix)
		for r := range n {
			for h := range halves {
				v.StoreNonTemporal(v.acc(r, h), half(c, h))
			}
			down(c, ldc, r, "end"+suffix)
		}
		end()
	}
	Label("masked" + suffix)
	v.masks(halves)
	v.combine(n, halves, "Masked"+suffix, down, func(m reg.GPPhysical, h int, dst reg.VecPhysical) {
		v.LoadTo(half(m, h), t[h], v.lanes(h, halves))
		VADDPS(t[h], dst, dst)
	}, t)
	for r := range n {
		for h := range halves {
			v.Store(v.acc(r, h), half(c, h), v.lanes(h, halves))
		}
		down(c, ldc, r, "end"+suffix)
	}
	end()
}

// combine adds what the arguments ask for to the accumulators.
func (v *tile) combine(n, halves int, suffix string, down func(p, ld reg.GPPhysical, r int, end string),
	add func(m reg.GPPhysical, h int, dst reg.VecPhysical), t [2]reg.VecPhysical) {
	addMatrix := func(ld reg.GPPhysical, end string) {
		for r := range n {
			for h := range halves {
				add(tmp, h, v.acc(r, h))
			}
			down(tmp, ld, r, end)
		}
		Label(end)
	}
	TESTQ(I32(flagAccumulate), flag)
	JZ(LabelRef("noAcc" + suffix))
	Comment("tile += C")
	MOVQ(c, tmp)
	addMatrix(ldc, "noAcc"+suffix)
	MOVQ(g.Field("Bias"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("noBias" + suffix))
	Comment("tile += bias, the same for every row")
	for h := range halves {
		VMOVUPS(Mem{Base: tmp, Disp: h * v.Bytes}, t[h])
	}
	for r := range n {
		for h := range halves {
			VADDPS(t[h], v.acc(r, h), v.acc(r, h))
		}
	}
	Label("noBias" + suffix)
	MOVQ(g.Field("Res"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("noRes" + suffix))
	Comment("tile += residual")
	ldr := k
	MOVQ(g.Field("LDR"), ldr)
	SHLQ(Imm(2), ldr)
	addMatrix(ldr, "noRes"+suffix)
	TESTQ(I32(flagReLU), flag)
	JZ(LabelRef("noReLU" + suffix))
	Comment("tile = max(0, tile); a NaN stays")
	v.Clear(t[0])
	for r := range n {
		for h := range halves {
			VMAXPS(v.acc(r, h), t[0], v.acc(r, h))
		}
	}
	Label("noReLU" + suffix)
}

// more goes on to the tile below, if there are rows left: the arguments, which are the
// kernel's to change, then say where it is. C is at the last row written, and onA moves
// A on.
func (v *tile) more(onA func(field Mem)) {
	Label("more")
	Comment("The tile below, if there is one.")
	MOVQ(g.Field("MR"), rows)
	SUBQ(Imm(uint64(v.mr)), rows)
	JLE(LabelRef("done"))
	MOVQ(rows, g.Field("MR"))
	ADDQ(ldc, c)
	MOVQ(c, g.Field("C"))
	onA(g.Field("A"))
	MOVQ(g.Field("Res"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("tile"))
	MOVQ(g.Field("LDR"), k)
	IMUL3Q(Imm(uint64(4*v.mr)), k, k)
	ADDQ(k, tmp)
	MOVQ(tmp, g.Field("Res"))
	JMP(LabelRef("tile"))
	Label("done")
	isa.End()
}
