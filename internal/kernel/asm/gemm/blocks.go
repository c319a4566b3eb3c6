package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// blocks: for r in rows { for i in blocks { dst[r*dstRow+i*dstBlock] = src ?
// src[r*srcRow+i*64] : 0, 64 bytes each, times scale[i*64] if there are factors } }
func (v *tile) blocks() {
	isa.Kernel("copyBlocks"+v.Name, "func(p *BlockCopy)", "copies or clears rows of blocks of 64 bytes; see blockCopy.",
		"for r in rows { for i in blocks { dst[r*dstRow+i*dstBlock] = src ? src[r*srcRow+i*64] * (scale ? scale[i*64] : 1) : 0 } }",
		"SI, DX: row of src and dst; AX, BX: block in them; CX: rows left; R9: blocks left; R10, R11, R12: dstRow, dstBlock, srcRow; R13, R14: factors, and those of a block")
	p := isa.Deref("p", args)
	var (
		src, dst, s, d      = reg.RSI, reg.RDX, reg.RAX, reg.RBX
		rows, n, left       = reg.RCX, reg.R8, reg.R9
		dstRow, step, srRow = reg.R10, reg.R11, reg.R12
		scale, f            = reg.R13, reg.R14
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
	MOVQ(p.Field("Scale"), scale)
	TESTQ(scale, scale)
	JNZ(LabelRef("scaledRow"))
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

	Comment("with factors")
	Label("scaledRow")
	MOVQ(src, s)
	MOVQ(dst, d)
	MOVQ(scale, f)
	MOVQ(n, left)
	Label("scaledOne")
	for w := range words {
		VMOVUPS(Mem{Base: s, Disp: w * v.Bytes}, v.Reg(2*w))
		VMOVUPS(Mem{Base: f, Disp: w * v.Bytes}, v.Reg(2*w+1))
		VMULPS(v.Reg(2*w), v.Reg(2*w+1), v.Reg(2*w))
	}
	for w := range words {
		VMOVUPS(v.Reg(2*w), Mem{Base: d, Disp: w * v.Bytes})
	}
	ADDQ(Imm(64), s)
	ADDQ(Imm(64), f)
	ADDQ(step, d)
	DECQ(left)
	JNZ(LabelRef("scaledOne"))
	ADDQ(srRow, src)
	ADDQ(dstRow, dst)
	DECQ(rows)
	JNZ(LabelRef("scaledRow"))
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
