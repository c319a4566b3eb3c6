package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

// avx512: 28 accumulators, 2 registers of B, 2 of A. Tails by mask registers.
var avx512 = &isa{
	name: "AVX512", width: 64, mr: 14, mrT: 8, tileColBytes: 128,
	reg: func(i int) reg.VecPhysical { return zmm[i] },
	b0:  28, b1: 29, bc: [2]int{30, 31},
	zero: func(r reg.VecPhysical) { VPXORD(r, r, r) },
	masks: func() {
		Comment("K1, K2 = the columns of the two halves: (1<<cols)-1, cut in two")
		MOVQ(cols, reg.RCX)
		MOVQ(I32(1), tmp)
		SHLQ(reg.CL, tmp)
		DECQ(tmp)
		KMOVW(reg.EAX, reg.K1)
		SHRQ(Imm(16), tmp)
		KMOVW(reg.EAX, reg.K2)
	},
	loadMasked: func(half int, m Mem, dst reg.VecPhysical) {
		VMOVUPS_Z(m, kReg[half], dst)
	},
	storeMasked: func(half int, src reg.VecPhysical, m Mem) {
		VMOVUPS(src, kReg[half], m)
	},
}

var kReg = []reg.OpmaskPhysical{reg.K1, reg.K2}

// avx2: 12 accumulators, 2 registers of B (later the masks), 2 of A.
var avx2 = &isa{
	name: "AVX2", width: 32, mr: 6, mrT: 4, tileColBytes: 64,
	reg: func(i int) reg.VecPhysical { return ymm[i] },
	b0:  12, b1: 13, bc: [2]int{14, 15},
	zero: func(r reg.VecPhysical) { VXORPS(r, r, r) },
	masks: func() {
		m := maskTable()
		Comment("Y12, Y13 = lanes below cols: a window into 16 ones and 16 zeros")
		LEAQ(m, tmp)
		NEGQ(cols)
		VMOVUPS(Mem{Base: tmp, Index: cols, Scale: 4, Disp: 64}, reg.Y12)
		VMOVUPS(Mem{Base: tmp, Index: cols, Scale: 4, Disp: 96}, reg.Y13)
	},
	loadMasked: func(half int, m Mem, dst reg.VecPhysical) {
		VMASKMOVPS(m, ymm[12+half], dst)
	},
	storeMasked: func(half int, src reg.VecPhysical, m Mem) {
		VMASKMOVPS(src, ymm[12+half], m)
	},
}

var masksDone bool

// maskTable is 16 words of ones followed by 16 words of zeros.
func maskTable() Mem {
	if !masksDone {
		masksDone = true
		GLOBL("gemmMasks", RODATA|NOPTR)
		for i := range 32 {
			v := uint32(0)
			if i < 16 {
				v = 0xffffffff
			}
			DATA(i*4, U32(v))
		}
	}
	return NewDataAddr(Symbol{Name: "gemmMasks", Static: true}, 0)
}

// peak measures the machine: n times 48 independent fused multiply-adds, of
// which nothing depends on memory. BenchmarkFMAPeak turns it into a rate.
func peak() {
	for _, v := range []*isa{avx512, avx2} {
		TEXT("fmaPeak"+v.name, NOSPLIT, "func(n int)")
		Load(Param("n"), k)
		regs := 12
		for i := range regs {
			v.zero(v.reg(i))
		}
		v.zero(v.reg(14))
		v.zero(v.reg(15))
		Label("loop")
		for i := range 48 {
			VFMADD231PS(v.reg(14), v.reg(15), v.reg(i%regs))
		}
		DECQ(k)
		JNZ(LabelRef("loop"))
		VZEROUPPER()
		RET()
	}
}
