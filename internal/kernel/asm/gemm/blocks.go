package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// blocks: for r in rows { for i in blocks { dst[r*dstRow+i*dstBlock] = src ?
// src[r*srcRow+i*64] : 0, 64 bytes each } }
func (v *tile) blocks() {
	isa.Kernel("copyBlocks"+v.Name, "func(p *BlockCopy)", "copies or clears rows of blocks of 64 bytes; see blockCopy.",
		"for r in rows { for i in blocks { dst[r*dstRow+i*dstBlock] = src ? src[r*srcRow+i*64] : 0 } }",
		"SI, DX: row of src and dst; AX, BX: block in them; CX: rows left; R9: blocks left; R10, R11, R12: dstRow, dstBlock, srcRow")
	p := isa.Deref("p", args)
	var (
		src, dst, s, d      = reg.RSI, reg.RDX, reg.RAX, reg.RBX
		rows, n, left       = reg.RCX, reg.R8, reg.R9
		dstRow, step, srRow = reg.R10, reg.R11, reg.R12
	)
	MOVQ(p.Field("Dst"), dst)
	MOVQ(p.Field("Src"), src)
	MOVQ(p.Field("Rows"), rows)
	MOVQ(p.Field("Blocks"), n)
	MOVQ(p.Field("DstRow"), dstRow)
	MOVQ(p.Field("DstBlock"), step)
	MOVQ(p.Field("SrcRow"), srRow)
	words := 64 / v.Bytes
	move := func(i, at int, from, to reg.GPPhysical) {
		for w := range words {
			VMOVUPS(Mem{Base: from, Disp: at + w*v.Bytes}, v.Reg(2*i+w))
		}
		for w := range words {
			VMOVUPS(v.Reg(2*i+w), Mem{Base: to, Disp: w * v.Bytes})
		}
	}
	TESTQ(src, src)
	JZ(LabelRef("zero"))
	Label("row")
	MOVQ(src, s)
	MOVQ(dst, d)
	MOVQ(n, left)
	SUBQ(Imm(4), left)
	JLT(LabelRef("rest"))
	Label("four")
	for i := range 4 {
		move(i, i*64, s, d)
		ADDQ(step, d)
	}
	ADDQ(I32(256), s)
	SUBQ(Imm(4), left)
	JGE(LabelRef("four"))
	Label("rest")
	ADDQ(Imm(4), left)
	JZ(LabelRef("next"))
	Label("one")
	move(0, 0, s, d)
	ADDQ(Imm(64), s)
	ADDQ(step, d)
	DECQ(left)
	JNZ(LabelRef("one"))
	Label("next")
	ADDQ(srRow, src)
	ADDQ(dstRow, dst)
	DECQ(rows)
	JNZ(LabelRef("row"))
	isa.End()

	Label("zero")
	v.Clear(v.Reg(0))
	Label("zeroRow")
	MOVQ(dst, d)
	MOVQ(n, left)
	Label("zeroOne")
	for w := range words {
		VMOVUPS(v.Reg(0), Mem{Base: d, Disp: w * v.Bytes})
	}
	ADDQ(step, d)
	DECQ(left)
	JNZ(LabelRef("zeroOne"))
	ADDQ(dstRow, dst)
	DECQ(rows)
	JNZ(LabelRef("zeroRow"))
	isa.End()
}
