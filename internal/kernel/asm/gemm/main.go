// Command gemm generates the matrix-product micro-kernels of internal/kernel/gemm for
// AVX-512 and AVX2, and the block copies that feed them. Their contract is in
// kernel.go, their Go twins are gemmNGo, gemmTGo, gemmDGo and gemmVGo.
package main

import (
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// Registers that hold the same thing in all kernels.
var (
	args = reg.RDI
	a    = reg.RSI // next element of A
	b    = reg.RDX // next row of the B panel
	k    = reg.RCX // steps or blocks left
	c    = reg.R8  // current row of C
	ldc  = reg.R9  // bytes from a row of C to the next
	rows = reg.R10 // rows of C to write
	cols = reg.R11 // columns of C to write
	flag = reg.R12
	tmp  = reg.RAX
	as   = reg.R13 // bytes from a step of A to the next, form T
	bs   = reg.RBX // bytes from a step of B to the next, form T

	next     = reg.R14 // memory that will be wanted soon
	nextStep = reg.R15 // bytes to move on in it
)

// g is the argument, a Args, of the kernel that is being made.
var g isa.Args

// Bits of Args.flags.
var flagAccumulate, flagReLU, flagNonTemporal int

func main() {
	sets := isa.Begin()
	room := isa.Open("../gemm")
	room.Args("Args", "BlockCopy", "VectorArgs")
	flagAccumulate = room.Const("Accumulate")
	flagReLU = room.Const("ReLU")
	flagNonTemporal = room.Const("NonTemporal")
	for _, s := range sets {
		v := map[*isa.Set]*tile{isa.AVX512: tile512, isa.AVX2: tile2, isa.NEON: tileNEON}[s]
		v.formN()
		v.formT()
		v.formD()
		v.formV()
		v.blocks()
	}
	if sets[0] == isa.NEON {
		transpose8(isa.NEON)
	} else {
		transpose8(isa.AVX2)
		for _, v := range isa.All {
			peak(v)
		}
	}
	room.Generate()
}
