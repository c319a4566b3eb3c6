package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose turns blocks of 16x16 floats. A square as wide as a vector is
// turned at a time: pairs of rows are interleaved, then pairs of pairs, which
// leaves in lane L of T[q][m] (a lane is 128 bits) the column 4*L+m of rows
// 4*q to 4*q+3; last the lanes are brought to their columns.
func (v *isa) transpose() {
	TEXT("winoTranspose"+v.name, NOSPLIT, "func(n int, src []float32, srcRow int, dst []float32, dstRow int)")
	Pragma("noescape")
	Doc("winoTranspose" + v.name + " turns n blocks of 16x16; see winoTransposeGo.")
	src, srcRow, dst, dstRow := slice("src"), ints("srcRow"), slice("dst"), ints("dstRow")
	n, p := GP64(), GP64()
	Load(Param("n"), n)
	TESTQ(n, n)
	JLE(LabelRef("transpose_done"))
	lanes := v.width / 16
	side := 4 * lanes
	Label("transpose_block")
	for i0 := 0; i0 < 16; i0 += side {
		for j0 := 0; j0 < 16; j0 += side {
			Comment(fmt.Sprintf("Rows %d.., columns %d..", i0, j0))
			MOVQ(src, p)
			for range i0 {
				ADDQ(srcRow, p)
			}
			t := make([][4]reg.VecVirtual, lanes)
			for q := range t {
				var r [4]reg.VecVirtual
				for i := range r {
					r[i] = v.load(Mem{Base: p, Disp: 4 * j0})
					ADDQ(srcRow, p)
				}
				lo01, hi01, lo23, hi23 := v.vec(), v.vec(), v.vec(), v.vec()
				VUNPCKLPS(r[1], r[0], lo01)
				VUNPCKHPS(r[1], r[0], hi01)
				VUNPCKLPS(r[3], r[2], lo23)
				VUNPCKHPS(r[3], r[2], hi23)
				for m := range 4 {
					t[q][m] = v.vec()
				}
				VUNPCKLPD(lo23, lo01, t[q][0])
				VUNPCKHPD(lo23, lo01, t[q][1])
				VUNPCKLPD(hi23, hi01, t[q][2])
				VUNPCKHPD(hi23, hi01, t[q][3])
			}
			MOVQ(dst, p)
			for range j0 {
				ADDQ(dstRow, p)
			}
			var out [16]reg.VecVirtual
			for m := range 4 {
				if lanes == 2 {
					for l, imm := range []uint8{0x20, 0x31} {
						out[4*l+m] = v.vec()
						VPERM2F128(Imm(uint64(imm)), t[1][m], t[0][m], out[4*l+m])
					}
					continue
				}
				for l, imm := range []uint8{0x88, 0xdd} {
					x, y := v.vec(), v.vec()
					VSHUFF32X4(Imm(uint64(imm)), t[1][m], t[0][m], x)
					VSHUFF32X4(Imm(uint64(imm)), t[3][m], t[2][m], y)
					for h, imm := range []uint8{0x88, 0xdd} {
						o := v.vec()
						VSHUFF32X4(Imm(uint64(imm)), y, x, o)
						out[4*(l+2*h)+m] = o
					}
				}
			}
			for j := range side {
				VMOVUPS(out[j], Mem{Base: p, Disp: 4 * i0})
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
	VZEROUPPER()
	RET()
}
