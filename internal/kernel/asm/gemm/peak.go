package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// peak measures the machine; BenchmarkFMAPeak turns it into a rate.
func peak(v *isa.Set) {
	isa.Kernel("fmaPeak"+v.Name, "func(n int)",
		"runs n*48 independent fused multiply-adds of whole vectors, none of which depends on memory: what the processor can do at best.",
		"CX: rounds left; vectors 0 to 11: sums, 14 and 15: factors")
	n := reg.RCX
	Load(Param("n"), n)
	regs := 12
	for i := range regs {
		v.Clear(v.Reg(i))
	}
	v.Clear(v.Reg(14))
	v.Clear(v.Reg(15))
	Label("loop")
	for i := range 48 {
		VFMADD231PS(v.Reg(14), v.Reg(15), v.Reg(i%regs))
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	isa.End()
}
