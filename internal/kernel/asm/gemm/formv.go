package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
	"github.com/whippet-ml/whippet/internal/kernel/asm/neon"
)

// formV: for p in panels { for i in k { C[p] += X[i] * B[p][i] } }, four panels at a time, then two, then one: as
// many sums that do not wait for each other, and as many streams from memory.
func (v *tile) formV() {
	isa.Kernel("gemmV"+v.Name, "func(p *VectorArgs)", "multiplies a row with panels of B; see VectorArgs.",
		"for panels { for i in k { C[panel] += X[i] * B[panel][i] } }",
		"SI: element of X; DX, BX: rows of the first and the third of four panels; R8: bytes from a panel to the next; CX: steps left; R9: C; R10: panels left; R11: B",
		fmt.Sprintf("vectors 0 to 7: sums, two for a panel; %d: an element of X in all lanes; %d: a part of a row of B", v.bc[0], v.b0))
	p := isa.Deref("p", args)
	var (
		x, left      = reg.RSI, reg.RCX
		low, high    = reg.RDX, reg.RBX
		step         = reg.R8
		sums, panels = reg.R9, reg.R10
		panel        = reg.R11
	)
	MOVQ(p.Field("B"), panel)
	MOVQ(p.Field("BStep"), step)
	SHLQ(Imm(2), step)
	MOVQ(p.Field("C"), sums)
	MOVQ(p.Field("Panels"), panels)
	for _, n := range []int{4, 2, 1} {
		name := []string{"", "One", "Two", "", "Four"}[n]
		Label("try" + name)
		CMPQ(panels, Imm(uint64(n)))
		JLT(LabelRef("end" + name))
		for i := range 2 * n {
			v.Clear(v.Reg(i))
		}
		MOVQ(p.Field("X"), x)
		MOVQ(p.Field("K"), left)
		MOVQ(panel, low)
		if n == 4 {
			LEAQ(Mem{Base: panel, Index: step, Scale: 2}, high)
		}
		Label("loop" + name)
		e := v.Reg(v.bc[0])
		if v.Pairs {
			Instruction(neon.Scalar(Mem{Base: x}, e))
		} else {
			VBROADCASTSS(Mem{Base: x}, e)
		}
		for i := range n {
			row := Mem{Base: low}
			if i >= 2 {
				row.Base = high
			}
			if i%2 == 1 {
				row.Index, row.Scale = step, 1
			}
			for h := range 2 {
				if v.Pairs {
					y := v.Reg(v.b0 + h)
					VMOVUPS(row.Offset(h*v.Bytes), y)
					Instruction(neon.FusedByScalar(y, e, v.Reg(2*i+h)))
				} else {
					VFMADD231PS(row.Offset(h*v.Bytes), e, v.Reg(2*i+h))
				}
			}
		}
		ADDQ(Imm(4), x)
		ADDQ(I32(2*v.Bytes), low)
		if n == 4 {
			ADDQ(I32(2*v.Bytes), high)
		}
		DECQ(left)
		JNZ(LabelRef("loop" + name))
		for i := range 2 * n {
			VMOVUPS(v.Reg(i), Mem{Base: sums, Disp: i * v.Bytes})
		}
		ADDQ(I32(2*n*v.Bytes), sums)
		for range n {
			ADDQ(step, panel)
		}
		SUBQ(Imm(uint64(n)), panels)
		if n == 4 {
			JMP(LabelRef("try" + name))
		}
		Label("end" + name)
	}
	isa.End()
}
