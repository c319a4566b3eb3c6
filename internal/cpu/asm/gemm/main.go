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
	argNext
	argNextStep
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

// Bits of argFlags.
const (
	flagAccumulate = 1 << iota
	flagReLU
	flagStream
)

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, v := range []*isa{avx512, avx2} {
		v.formN()
		v.formT()
		v.formD()
		v.blocks()
	}
	transpose8()
	fence()
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
	MOVQ(Mem{Base: args, Disp: argNext}, next)
	MOVQ(Mem{Base: args, Disp: argNextStep}, nextStep)
	Comment("Nothing wanted: touch the arguments instead.")
	TESTQ(next, next)
	CMOVQEQ(args, next)
}

// clear clears the accumulators of n rows.
func (v *isa) clear(n int) {
	Comment("Clear the tile's accumulators.")
	for r := range n {
		v.zero(v.acc(r, 0))
		v.zero(v.acc(r, 1))
	}
}

// fetchTile prefetches n rows of C at once.
func (v *isa) fetchTile(n int) {
	Comment("Prefetch the tile's rows of C.")
	MOVQ(c, tmp)
	for r := range n {
		v.fetchRow(tmp)
		if r < n-1 {
			ADDQ(ldc, tmp)
		}
	}
}

// walkRows prepares to prefetch rows of C little by little: a burst of misses
// at the start of a tile would hold up its first loads. p walks down the rows,
// by step bytes, and on into the tiles below; when C is to be streamed it stays
// where it can do no harm.
func (v *isa) walkRows(p, step reg.GPPhysical, suffix string) {
	Comment("Rows of C to prefetch, none if they are to be streamed.")
	MOVQ(Mem{Base: args, Disp: argC}, p)
	MOVQ(Mem{Base: args, Disp: argLDC}, step)
	SHLQ(Imm(2), step)
	TESTQ(U32(flagStream), Mem{Base: args, Disp: argFlags})
	JZ(LabelRef("begin" + suffix))
	MOVQ(args, p)
	XORQ(step, step)
	Label("begin" + suffix)
}

// fetchRow prefetches the tile's part of one row of C.
func (v *isa) fetchRow(p reg.GPPhysical) {
	PREFETCHT0(Mem{Base: p})
	if v.tileColBytes > 64 {
		PREFETCHT0(Mem{Base: p, Disp: v.tileColBytes - 64})
	}
}

// step adds one step of k to the left halves (or both) of the tile: row rowB of
// B times n elements of A at elem.
func (v *isa) step(n, halves int, rowB Mem, elem func(r int) Mem) {
	bRow := []reg.VecPhysical{v.reg(v.b0), v.reg(v.b1)}[:halves]
	for h, y := range bRow {
		VMOVUPS(rowB.Offset(h*v.width), y)
	}
	for r := range n {
		x := v.reg(v.bc[r%2])
		VBROADCASTSS(elem(r), x)
		for h, y := range bRow {
			VFMADD231PS(y, x, v.acc(r, h))
		}
	}
}

// choose emits body for each size of tile that is worth code of its own: all
// rows or half of them, both halves of the columns or the left one. Each body
// ends by falling through to finish.
func (v *isa) choose(mr int, body func(n, halves int, suffix string)) {
	CMPQ(cols, Imm(uint64(v.width/4)))
	JLE(LabelRef("narrow"))
	CMPQ(rows, Imm(uint64(mr/2)))
	JLE(LabelRef("low"))
	body(mr, 2, "")
	JMP(LabelRef("finish"))
	Label("low")
	body(mr/2, 2, "Low")
	Label("finish")
	v.finish(mr, 2, "")
	Label("narrow")
	CMPQ(rows, Imm(uint64(mr/2)))
	JLE(LabelRef("narrowLow"))
	body(mr, 1, "Narrow")
	JMP(LabelRef("finishNarrow"))
	Label("narrowLow")
	body(mr/2, 1, "NarrowLow")
	Label("finishNarrow")
	v.finish(mr, 1, "Narrow")
}

// formN: for blk in k { for kk in 16 { for r in mr { tile[r] += A[r][kk] * B[kk] } } }
func (v *isa) formN() {
	v.load("gemmN" + v.name)
	v.clear(v.mr)
	row, down := tmp, bs
	v.walkRows(row, down, "")
	Comment("a points into the middle of a block, so that displacements fit one byte.")
	mid := v.mr * 64 / 2 / 4 * 4
	ADDQ(I32(mid), a)
	v.choose(v.mr, func(n, halves int, suffix string) {
		Label("loop" + suffix)
		for kk := range 16 {
			if kk%2 == 0 {
				PREFETCHT1(Mem{Base: next, Disp: kk / 2 * 64})
			}
			if kk%4 == 1 {
				v.fetchRow(row)
				ADDQ(down, row)
			}
			v.step(n, halves, Mem{Base: b, Disp: kk * 2 * v.width}, func(r int) Mem {
				return Mem{Base: a, Disp: r*64 + kk*4 - mid}
			})
		}
		ADDQ(nextStep, next)
		ADDQ(I32(v.mr*64), a)
		ADDQ(I32(16*2*v.width), b)
		DECQ(k)
		JNZ(LabelRef("loop" + suffix))
	})
}

// formT: for p in k { for r in mrT { tile[r] += A[p][r] * B[p] } }
func (v *isa) formT() {
	v.load("gemmT" + v.name)
	MOVQ(Mem{Base: args, Disp: argAS}, as)
	SHLQ(Imm(2), as)
	MOVQ(Mem{Base: args, Disp: argBS}, bs)
	SHLQ(Imm(2), bs)
	v.clear(v.mrT)
	v.fetchTile(v.mrT)
	v.choose(v.mrT, func(n, halves int, suffix string) {
		step := func() {
			v.step(n, halves, Mem{Base: b}, func(r int) Mem { return Mem{Base: a, Disp: r * 4} })
			PREFETCHT1(Mem{Base: next})
			ADDQ(as, a)
			ADDQ(bs, b)
			ADDQ(nextStep, next)
		}
		Comment("Four steps at a time.")
		SUBQ(Imm(4), k)
		JLT(LabelRef("rest" + suffix))
		Label("loop" + suffix)
		for range 4 {
			step()
		}
		SUBQ(Imm(4), k)
		JGE(LabelRef("loop" + suffix))
		Label("rest" + suffix)
		ADDQ(Imm(4), k)
		JZ(LabelRef("done" + suffix))
		Label("single" + suffix)
		step()
		DECQ(k)
		JNZ(LabelRef("single" + suffix))
		Label("done" + suffix)
	})
}

// finish writes the tile: C = relu?(tile + C? + bias? + res?), its left half or
// both. The columns that exist are handled whole when all do, by mask
// otherwise; rows past the last are left out.
func (v *isa) finish(n, halves int, suffix string) {
	half := func(p reg.GPPhysical, h int) Mem { return Mem{Base: p, Disp: h * v.width} }
	t := [2]reg.VecPhysical{v.reg(v.bc[0]), v.reg(v.bc[1])}
	down := func(p, ld reg.GPPhysical, r int, end string) {
		if r < n-1 {
			ADDQ(ld, p)
			CMPQ(rows, Imm(uint64(r+1)))
			JE(LabelRef(end))
		}
	}
	CMPQ(cols, Imm(uint64(halves*v.width/4)))
	JNE(LabelRef("masked" + suffix))
	v.combine(n, halves, suffix, down, func(m reg.GPPhysical, h int, dst reg.VecPhysical) {
		VADDPS(half(m, h), dst, dst)
	}, t)
	TESTQ(I32(flagStream), flag)
	JNZ(LabelRef("stream" + suffix))
	for r := range n {
		for h := range halves {
			VMOVUPS(v.acc(r, h), half(c, h))
		}
		down(c, ldc, r, "end"+suffix)
	}
	Label("end" + suffix)
	VZEROUPPER()
	RET()
	Comment("Stores that leave the caches alone.")
	Label("stream" + suffix)
	for r := range n {
		for h := range halves {
			VMOVNTPS(v.acc(r, h), half(c, h))
		}
		down(c, ldc, r, "end"+suffix)
	}
	VZEROUPPER()
	RET()
	Label("masked" + suffix)
	v.masks()
	v.combine(n, halves, "Masked"+suffix, down, func(m reg.GPPhysical, h int, dst reg.VecPhysical) {
		v.loadMasked(h, half(m, h), t[h])
		VADDPS(t[h], dst, dst)
	}, t)
	for r := range n {
		for h := range halves {
			v.storeMasked(h, v.acc(r, h), half(c, h))
		}
		down(c, ldc, r, "end"+suffix)
	}
	VZEROUPPER()
	RET()
}

// combine adds what the arguments ask for to the accumulators.
func (v *isa) combine(n, halves int, suffix string, down func(p, ld reg.GPPhysical, r int, end string),
	add func(m reg.GPPhysical, h int, dst reg.VecPhysical), t [2]reg.VecPhysical) {
	addMatrix := func(ld reg.GPPhysical, end string) {
		for r := range n {
			for h := range halves {
				add(tmp, h, v.acc(r, h))
			}
			down(tmp, ld, r, end)
		}
		Label(end)
	}
	TESTQ(I32(flagAccumulate), flag)
	JZ(LabelRef("noAcc" + suffix))
	Comment("tile += C")
	MOVQ(c, tmp)
	addMatrix(ldc, "noAcc"+suffix)
	MOVQ(Mem{Base: args, Disp: argBias}, tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("noBias" + suffix))
	Comment("tile += bias, the same for every row")
	for h := range halves {
		VMOVUPS(Mem{Base: tmp, Disp: h * v.width}, t[h])
	}
	for r := range n {
		for h := range halves {
			VADDPS(t[h], v.acc(r, h), v.acc(r, h))
		}
	}
	Label("noBias" + suffix)
	MOVQ(Mem{Base: args, Disp: argRes}, tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef("noRes" + suffix))
	Comment("tile += residual")
	ldr := k
	MOVQ(Mem{Base: args, Disp: argLDR}, ldr)
	SHLQ(Imm(2), ldr)
	addMatrix(ldr, "noRes"+suffix)
	TESTQ(I32(flagReLU), flag)
	JZ(LabelRef("noReLU" + suffix))
	Comment("tile = max(0, tile); a NaN stays")
	v.zero(t[0])
	for r := range n {
		for h := range halves {
			VMAXPS(v.acc(r, h), t[0], v.acc(r, h))
		}
	}
	Label("noReLU" + suffix)
}
