package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// product multiplies one panel of V by one panel of U, with a loop of its own
// for every number of rows: the tiles of a map rarely fill whole panels, and a
// loop of 11 rows takes 11/14 of the time of one of 14.
func (v *isa) product() {
	mr := 14
	if v.width == 32 {
		mr = 6
	}
	TEXT("winoProduct"+v.name, NOSPLIT, "func(k int, a, b, c *float32, rows int, accumulate bool)")
	Pragma("noescape")
	Doc("winoProduct" + v.name + " computes C = A*B, or += with accumulate; see winoProductGo.")
	k, a, b, c := GP64(), GP64(), GP64(), GP64()
	Load(Param("k"), k)
	Load(Param("a"), a)
	Load(Param("b"), b)
	Load(Param("c"), c)
	rows, q, acc := GP64(), GP64(), GP64()
	Load(Param("rows"), rows)
	for r := mr; r > 1; r-- {
		CMPQ(rows, Imm(uint64(r)))
		JEQ(LabelRef(fmt.Sprintf("product_rows%d", r)))
	}
	for r := 1; r <= mr; r++ {
		loop := fmt.Sprintf("product_loop%d", r)
		Label(fmt.Sprintf("product_rows%d", r))
		var t [14][2]reg.VecVirtual
		for i := range r {
			for h := range 2 {
				t[i][h] = v.vec()
				if v.width == 64 {
					VPXORD(t[i][h], t[i][h], t[i][h])
				} else {
					VXORPS(t[i][h], t[i][h], t[i][h])
				}
			}
			PREFETCHT0(Mem{Base: c, Disp: i * 2 * v.width})
			if v.width == 64 {
				PREFETCHT0(Mem{Base: c, Disp: i*2*v.width + 64})
			}
		}
		Label(loop)
		MOVQ(I32(4), q)
		Label(loop + "q")
		for kk := range 4 {
			b0, b1 := v.load(Mem{Base: b, Disp: 2 * kk * v.width}), v.load(Mem{Base: b, Disp: (2*kk + 1) * v.width})
			for i := range r {
				x := v.vec()
				VBROADCASTSS(Mem{Base: a, Disp: i*64 + kk*4}, x)
				fma(t[i][0], x, b0)
				fma(t[i][1], x, b1)
			}
		}
		ADDQ(Imm(16), a)
		ADDQ(I32(8*v.width), b)
		DECQ(q)
		JNZ(LabelRef(loop + "q"))
		ADDQ(I32(mr*64-64), a)
		DECQ(k)
		JNZ(LabelRef(loop))
		p, err := Param("accumulate").Resolve()
		if err != nil {
			panic(err)
		}
		MOVBQZX(p.Addr, acc)
		TESTQ(acc, acc)
		JEQ(LabelRef(loop + "store"))
		for i := range r {
			for h := range 2 {
				VADDPS(Mem{Base: c, Disp: (2*i + h) * v.width}, t[i][h], t[i][h])
			}
		}
		Label(loop + "store")
		for i := range r {
			for h := range 2 {
				VMOVUPS(t[i][h], Mem{Base: c, Disp: (2*i + h) * v.width})
			}
		}
		VZEROUPPER()
		RET()
	}
}
