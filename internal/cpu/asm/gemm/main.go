// Command gemm generates ../../gemm_amd64.s, the matrix-product micro-kernels
// for AVX-512 and AVX2, and the block copies that feed them. Their contract is in gemm_kernel.go, their Go twins are
// gemmNGo, gemmTGo and gemmDGo.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of gemmArgs.
const (
	argK = 8 * iota
	argA
	argB
	argC
	argLDC
	argMR
	argNR
	argFlags
	argBias
	argRes
	argLDR
	argAS
	argBS
	argSegs
	argSegStep
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
)

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, v := range []*isa{avx512, avx2} {
		v.formN()
		v.formT()
		v.formD()
		v.blocks()
	}
	peak()
	Generate()
}

// isa is what differs between the instruction sets: the width of a vector, the
// size of the tile, and how part of a vector is loaded and stored.
type isa struct {
	name         string
	width        int // bytes of a vector
	mr, mrT      int
	reg          func(i int) reg.VecPhysical
	b0, b1       int    // registers of the current row of B, later free
	bc           [2]int // registers of the broadcast elements of A
	masks        func() // prepares loading and storing cols columns
	loadMasked   func(half int, m Mem, dst reg.VecPhysical)
	storeMasked  func(half int, src reg.VecPhysical, m Mem)
	zero         func(r reg.VecPhysical)
	tileColBytes int
}

func (v *isa) acc(r, half int) reg.VecPhysical { return v.reg(2*r + half) }

func (v *isa) load(name string) {
	TEXT(name, NOSPLIT, "func(p *byte)")
	Load(Param("p"), args)
	MOVQ(Mem{Base: args, Disp: argK}, k)
	MOVQ(Mem{Base: args, Disp: argA}, a)
	MOVQ(Mem{Base: args, Disp: argB}, b)
	MOVQ(Mem{Base: args, Disp: argC}, c)
	MOVQ(Mem{Base: args, Disp: argLDC}, ldc)
	SHLQ(Imm(2), ldc)
	MOVQ(Mem{Base: args, Disp: argMR}, rows)
	MOVQ(Mem{Base: args, Disp: argNR}, cols)
	MOVQ(Mem{Base: args, Disp: argFlags}, flag)
}

// start clears the accumulators of n rows and asks for the rows of C.
func (v *isa) start(n int) {
	Comment("Clear the tile's accumulators and prefetch its rows of C.")
	MOVQ(c, tmp)
	for r := range n {
		PREFETCHT0(Mem{Base: tmp})
		if v.tileColBytes > 64 {
			PREFETCHT0(Mem{Base: tmp, Disp: v.tileColBytes - 64})
		}
		if r < n-1 {
			ADDQ(ldc, tmp)
		}
		v.zero(v.acc(r, 0))
		v.zero(v.acc(r, 1))
	}
}

// step adds one step of k: row rowB of B times n elements of A at elem.
func (v *isa) step(n int, rowB Mem, elem func(r int) Mem) {
	b0, b1 := v.reg(v.b0), v.reg(v.b1)
	VMOVUPS(rowB, b0)
	VMOVUPS(rowB.Offset(v.width), b1)
	for r := range n {
		x := v.reg(v.bc[r%2])
		VBROADCASTSS(elem(r), x)
		VFMADD231PS(b0, x, v.acc(r, 0))
		VFMADD231PS(b1, x, v.acc(r, 1))
	}
}

// formN: for blk in k { for kk in 16 { for r in mr { tile[r] += A[r][kk] * B[kk] } } }
func (v *isa) formN() {
	name := "gemmN" + v.name
	v.load(name)
	v.start(v.mr)
	Comment("a points into the middle of a block, so that displacements fit one byte.")
	mid := v.mr * 64 / 2 / 4 * 4
	ADDQ(I32(mid), a)
	Label("loop")
	for kk := range 16 {
		v.step(v.mr, Mem{Base: b, Disp: kk * 2 * v.width}, func(r int) Mem {
			return Mem{Base: a, Disp: r*64 + kk*4 - mid}
		})
	}
	ADDQ(I32(v.mr*64), a)
	ADDQ(I32(16*2*v.width), b)
	DECQ(k)
	JNZ(LabelRef("loop"))
	v.finish(v.mr, true)
}

// formT: for p in k { for r in mrT { tile[r] += A[p][r] * B[p] } }
func (v *isa) formT() {
	name := "gemmT" + v.name
	v.load(name)
	MOVQ(Mem{Base: args, Disp: argAS}, as)
	SHLQ(Imm(2), as)
	MOVQ(Mem{Base: args, Disp: argBS}, bs)
	SHLQ(Imm(2), bs)
	v.start(v.mrT)
	step := func() {
		v.step(v.mrT, Mem{Base: b}, func(r int) Mem { return Mem{Base: a, Disp: r * 4} })
		ADDQ(as, a)
		ADDQ(bs, b)
	}
	Comment("Four steps at a time.")
	SUBQ(Imm(4), k)
	JLT(LabelRef("rest"))
	Label("loop")
	for range 4 {
		step()
	}
	SUBQ(Imm(4), k)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(Imm(4), k)
	JZ(LabelRef("done"))
	Label("single")
	step()
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("done")
	v.finish(v.mrT, false)
}

// finish writes the tile: C = relu?(tile + C? + bias? + res?). The columns that
// exist are handled whole when all do, by mask otherwise; rows past the last
// are left out.
func (v *isa) finish(n int, full bool) {
	half := func(p reg.GPPhysical, h int) Mem { return Mem{Base: p, Disp: h * v.width} }
	t := [2]reg.VecPhysical{v.reg(v.bc[0]), v.reg(v.bc[1])}
	var next func(p, ld reg.GPPhysical, r int, end string)
	next = func(p, ld reg.GPPhysical, r int, end string) {
		if r < n-1 {
			ADDQ(ld, p)
			CMPQ(rows, Imm(uint64(r+1)))
			JE(LabelRef(end))
		}
	}
	CMPQ(cols, Imm(uint64(2*v.width/4)))
	JNE(LabelRef("masked"))
	v.combine(n, full, "", next, func(m reg.GPPhysical, h int, dst reg.VecPhysical) {
		VADDPS(half(m, h), dst, dst)
	}, t)
	for r := range n {
		VMOVUPS(v.acc(r, 0), half(c, 0))
		VMOVUPS(v.acc(r, 1), half(c, 1))
		next(c, ldc, r, "end")
	}
	Label("end")
	VZEROUPPER()
	RET()
	Label("masked")
	v.masks()
	v.combine(n, full, "Masked", next, func(m reg.GPPhysical, h int, dst reg.VecPhysical) {
		v.loadMasked(h, half(m, h), t[h])
		VADDPS(t[h], dst, dst)
	}, t)
	for r := range n {
		v.storeMasked(0, v.acc(r, 0), half(c, 0))
		v.storeMasked(1, v.acc(r, 1), half(c, 1))
		next(c, ldc, r, "end")
	}
	VZEROUPPER()
	RET()
}

// combine adds what the arguments ask for to the accumulators.
func (v *isa) combine(n int, full bool, suffix string, next func(p, ld reg.GPPhysical, r int, end string),
	add func(m reg.GPPhysical, h int, dst reg.VecPhysical), t [2]reg.VecPhysical) {
	TESTQ(I32(1), flag)
	JZ(LabelRef("noAcc" + suffix))
	Comment("tile += C")
	MOVQ(c, tmp)
	for r := range n {
		add(tmp, 0, v.acc(r, 0))
		add(tmp, 1, v.acc(r, 1))
		next(tmp, ldc, r, "noAcc"+suffix)
	}
	Label("noAcc" + suffix)
	if !full {
		return
	}
	MOVQ(Mem{Base: args, Disp: argBias}, tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("noBias" + suffix))
	Comment("tile += bias, the same for every row")
	VMOVUPS(Mem{Base: tmp}, t[0])
	VMOVUPS(Mem{Base: tmp, Disp: v.width}, t[1])
	for r := range n {
		VADDPS(t[0], v.acc(r, 0), v.acc(r, 0))
		VADDPS(t[1], v.acc(r, 1), v.acc(r, 1))
	}
	Label("noBias" + suffix)
	MOVQ(Mem{Base: args, Disp: argRes}, tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("noRes" + suffix))
	Comment("tile += residual")
	ldr := k
	MOVQ(Mem{Base: args, Disp: argLDR}, ldr)
	SHLQ(Imm(2), ldr)
	for r := range n {
		add(tmp, 0, v.acc(r, 0))
		add(tmp, 1, v.acc(r, 1))
		next(tmp, ldr, r, "noRes"+suffix)
	}
	Label("noRes" + suffix)
	TESTQ(I32(2), flag)
	JZ(LabelRef("noReLU" + suffix))
	Comment("tile = max(0, tile); a NaN stays")
	v.zero(t[0])
	for r := range n {
		VMAXPS(v.acc(r, 0), t[0], v.acc(r, 0))
		VMAXPS(v.acc(r, 1), t[0], v.acc(r, 1))
	}
	Label("noReLU" + suffix)
}
