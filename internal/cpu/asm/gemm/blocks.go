package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of blockCopy.
const (
	copyDst = 8 * iota
	copySrc
	copyRows
	copyBlocks
	copyDstRow
	copyDstBlock
	copySrcRow
)

// blocks: for r in rows { for i in blocks { dst[r*dstRow+i*dstBlock] = src ?
// src[r*srcRow+i*64] : 0, 64 bytes each } }
func (v *isa) blocks() {
	TEXT("copyBlocks"+v.name, NOSPLIT, "func(p *byte)")
	Load(Param("p"), args)
	var (
		src, dst, s, d      = reg.RSI, reg.RDX, reg.RAX, reg.RBX
		rows, n, left       = reg.RCX, reg.R8, reg.R9
		dstRow, step, srRow = reg.R10, reg.R11, reg.R12
	)
	MOVQ(Mem{Base: args, Disp: copyDst}, dst)
	MOVQ(Mem{Base: args, Disp: copySrc}, src)
	MOVQ(Mem{Base: args, Disp: copyRows}, rows)
	MOVQ(Mem{Base: args, Disp: copyBlocks}, n)
	MOVQ(Mem{Base: args, Disp: copyDstRow}, dstRow)
	MOVQ(Mem{Base: args, Disp: copyDstBlock}, step)
	MOVQ(Mem{Base: args, Disp: copySrcRow}, srRow)
	words := 64 / v.width
	move := func(i, at int, from, to reg.GPPhysical) {
		for w := range words {
			VMOVUPS(Mem{Base: from, Disp: at + w*v.width}, v.reg(2*i+w))
		}
		for w := range words {
			VMOVUPS(v.reg(2*i+w), Mem{Base: to, Disp: w * v.width})
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
	VZEROUPPER()
	RET()

	Label("zero")
	v.zero(v.reg(0))
	Label("zeroRow")
	MOVQ(dst, d)
	MOVQ(n, left)
	Label("zeroOne")
	for w := range words {
		VMOVUPS(v.reg(0), Mem{Base: d, Disp: w * v.width})
	}
	ADDQ(step, d)
	DECQ(left)
	JNZ(LabelRef("zeroOne"))
	ADDQ(dstRow, dst)
	DECQ(rows)
	JNZ(LabelRef("zeroRow"))
	VZEROUPPER()
	RET()
}

// fence orders streamed stores before what follows.
func fence() {
	TEXT("storeFence", NOSPLIT, "func()")
	SFENCE()
	RET()
}
