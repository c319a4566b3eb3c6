package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
	"github.com/whippet-ml/whippet/internal/kernel/asm/neon"
)

// product multiplies one panel of V by one panel of U, with a loop of its own
// for every number of rows: the tiles of a map rarely fill whole panels, and a
// loop of 11 rows takes 11/14 of the time of one of 14.
func (v *transform) product() {
	mr := 14
	if !v.Wide {
		mr = 6
	}
	isa.Kernel("winoProduct"+v.Name, "func(k int, a, b, c *float32, rows int, accumulate bool)",
		"computes C = A*B, or += with accumulate; see winoProductGo.",
		"for block in k { for q in 4 { for kk in 4 { for r in rows { tile[r] += A[r][4*q+kk] * B[4*q+kk] } } } }; C = tile, or tile + C")
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
		Label(fmt.Sprintf("product_rows%d", r))
		loop := fmt.Sprintf("product_loop%d", r)
		t := v.clearTile(r, c)
		Label(loop)
		MOVQ(I32(4), q)
		Label(loop + "q")
		for kk := range 4 {
			v.productStep(t, a, b, kk)
		}
		ADDQ(Imm(16), a)
		ADDQ(I32(8*v.Bytes), b)
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
		at := func(i, h int) Mem { return Mem{Base: c, Disp: (2*i + h) * v.Bytes} }
		for i := range t {
			for h, x := range t[i] {
				VADDPS(at(i, h), x, x)
			}
		}
		Label(loop + "store")
		for i := range t {
			for h, x := range t[i] {
				VMOVUPS(x, at(i, h))
			}
		}
		isa.End()
	}
}

// clearTile returns a tile of r rows of two vectors of zeros, and prefetches
// where it will be stored.
func (v *transform) clearTile(r int, c reg.GPVirtual) [][2]reg.VecVirtual {
	t := make([][2]reg.VecVirtual, r)
	for i := range t {
		t[i] = [2]reg.VecVirtual{v.Zero(), v.Zero()}
		for line := 0; line < 2*v.Bytes; line += 64 {
			PREFETCHT0(Mem{Base: c, Disp: i*2*v.Bytes + line})
		}
	}
	return t
}

// productStep adds the product of column kk of A and row kk of B to the tile.
func (v *transform) productStep(t [][2]reg.VecVirtual, a, b reg.GPVirtual, kk int) {
	b0, b1 := v.load(Mem{Base: b, Disp: 2 * kk * v.Bytes}), v.load(Mem{Base: b, Disp: (2*kk + 1) * v.Bytes})
	for i := range t {
		if v.Pairs {
			x := v.Vec()
			Instruction(neon.Scalar(Mem{Base: a, Disp: i*64 + kk*4}, x))
			Instruction(neon.FusedByScalar(b0, x, t[i][0]))
			Instruction(neon.FusedByScalar(b1, x, t[i][1]))
			continue
		}
		x := v.Splat(Mem{Base: a, Disp: i*64 + kk*4})
		isa.FMA(t[i][0], x, b0)
		isa.FMA(t[i][1], x, b1)
	}
}
