package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// transpose turns blocks of 16x16 floats, a square as wide as a vector at a
// time: pairs of rows are interleaved, then pairs of pairs, which leaves in lane
// L of T[q][m] (a lane is 128 bits) the column 4*L+m of rows 4*q to 4*q+3; last
// the lanes are brought to their columns.
func (v *transform) transpose() {
	isa.Kernel("winoTranspose"+v.Name, "func(n int, src []float32, srcRow int, dst []float32, dstRow int)",
		"turns n blocks of 16x16; see winoTransposeGo.",
		"for b in n { for i, j in 16 { dst[16*b+j][i] = src[i][16*b+j] } }")
	src, srcRow, dst, dstRow := slice("src"), ints("srcRow"), slice("dst"), ints("dstRow")
	n, p := GP64(), GP64()
	Load(Param("n"), n)
	TESTQ(n, n)
	JLE(LabelRef("transpose_done"))
	side := v.Lanes()
	Label("transpose_block")
	for i0 := 0; i0 < 16; i0 += side {
		for j0 := 0; j0 < 16; j0 += side {
			Comment(fmt.Sprintf("Rows %d.., columns %d..", i0, j0))
			MOVQ(src, p)
			for range i0 {
				ADDQ(srcRow, p)
			}
			t := make([][4]reg.VecVirtual, side/4)
			for q := range t {
				t[q] = v.fourRows(p, srcRow, 4*j0)
			}
			MOVQ(dst, p)
			for range j0 {
				ADDQ(dstRow, p)
			}
			for _, column := range v.gatherLanes(t) {
				VMOVUPS(column, Mem{Base: p, Disp: 4 * i0})
				ADDQ(dstRow, p)
			}
		}
	}
	ADDQ(Imm(64), src)
	for range 16 {
		ADDQ(dstRow, dst)
	}
	DECQ(n)
	JNZ(LabelRef("transpose_block"))
	Label("transpose_done")
	isa.End()
}

// fourRows loads four rows from p on, at displacement disp, and turns them
// within lanes: lane L of vector m holds column 4*L+m.
func (v *transform) fourRows(p, rowBytes reg.GPVirtual, disp int) (t [4]reg.VecVirtual) {
	var r [4]reg.VecVirtual
	for i := range r {
		r[i] = v.load(Mem{Base: p, Disp: disp})
		ADDQ(rowBytes, p)
	}
	lo01, hi01, lo23, hi23 := v.Vec(), v.Vec(), v.Vec(), v.Vec()
	VUNPCKLPS(r[1], r[0], lo01)
	VUNPCKHPS(r[1], r[0], hi01)
	VUNPCKLPS(r[3], r[2], lo23)
	VUNPCKHPS(r[3], r[2], hi23)
	copy(t[:], v.Vecs(4))
	VUNPCKLPD(lo23, lo01, t[0])
	VUNPCKHPD(lo23, lo01, t[1])
	VUNPCKLPD(hi23, hi01, t[2])
	VUNPCKHPD(hi23, hi01, t[3])
	return t
}

// gatherLanes returns the columns whose lanes t holds: t[q][m] those of rows
// 4*q to 4*q+3 of the columns 4*L+m.
func (v *transform) gatherLanes(t [][4]reg.VecVirtual) []reg.VecVirtual {
	out := make([]reg.VecVirtual, v.Lanes())
	for m := range 4 {
		if !v.Wide {
			for l, imm := range []uint8{0x20, 0x31} {
				out[4*l+m] = v.Vec()
				VPERM2F128(Imm(uint64(imm)), t[1][m], t[0][m], out[4*l+m])
			}
			continue
		}
		for l, imm := range []uint8{0x88, 0xdd} {
			x, y := v.Vec(), v.Vec()
			VSHUFF32X4(Imm(uint64(imm)), t[1][m], t[0][m], x)
			VSHUFF32X4(Imm(uint64(imm)), t[3][m], t[2][m], y)
			for h, imm := range []uint8{0x88, 0xdd} {
				o := v.Vec()
				VSHUFF32X4(Imm(uint64(imm)), y, x, o)
				out[4*(l+2*h)+m] = o
			}
		}
	}
	return out
}
