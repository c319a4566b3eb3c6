package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
	"github.com/whippet-ml/whippet/internal/kernel/asm/neon"
)

// tile is what differs between the instruction sets: the size of the tile, and
// how its registers are used. Vectors 0 to 2*mr-1 are the accumulators, two for
// each row.
type tile struct {
	*isa.Set
	mr, mrT int              // rows for forms N and D, and for form T
	lowT    []int            // smaller heights of form T that have code of their own
	b0, b1  int              // registers of the current row of B, later free
	bc      [2]int           // registers of the broadcast elements of A
	masks   func(halves int) // prepares loading and storing cols columns of so many halves
	part    [2]*isa.Tail
	tiles   bool // the kernel being made goes through several, one below the other
}

// tile512: 28 accumulators, 2 registers of B, 2 of A. Tails by mask registers.
var tile512 = &tile{
	Set: isa.AVX512, mr: 14, mrT: 8, lowT: []int{4},
	b0: 28, b1: 29, bc: [2]int{30, 31},
	masks: func(int) {
		Comment("K1, K2 = the columns of the two halves: (1<<cols)-1, cut in two")
		MOVQ(cols, reg.RCX)
		MOVQ(I32(1), tmp)
		SHLQ(reg.CL, tmp)
		DECQ(tmp)
		KMOVW(reg.EAX, reg.K1)
		SHRQ(Imm(16), tmp)
		KMOVW(reg.EAX, reg.K2)
	},
	part: [2]*isa.Tail{isa.TailIn(reg.K1), isa.TailIn(reg.K2)},
}

// tile2: 12 accumulators, 2 registers of B (later the masks), 2 of A.
var tile2 = &tile{
	Set: isa.AVX2, mr: 6, mrT: 6, lowT: []int{4, 2},
	b0: 12, b1: 13, bc: [2]int{14, 15},
	masks: func(int) {
		ones := isa.OnesThenZeros(16)
		Comment("Y12, Y13 = lanes below cols: a window into 16 ones and 16 zeros")
		LEAQ(ones, tmp)
		NEGQ(cols)
		VMOVUPS(Mem{Base: tmp, Index: cols, Scale: 4, Disp: 64}, reg.Y12)
		VMOVUPS(Mem{Base: tmp, Index: cols, Scale: 4, Disp: 96}, reg.Y13)
	},
	part: [2]*isa.Tail{isa.TailIn(reg.Y12), isa.TailIn(reg.Y13)},
}

// tileNEON: as tile2, but for one pair of A, since two registers are needed for
// other things; the number of columns of the last half is where a mask would be.
var tileNEON = &tile{
	Set: isa.NEON, mr: 6, mrT: 6, lowT: []int{4, 2},
	b0: 12, b1: 13, bc: [2]int{14, 14},
	masks: func(halves int) {
		Comment("V24 = the columns of the last half")
		if halves == 2 {
			SUBQ(Imm(8), cols)
		}
		VMOVD(reg.R11L, reg.X12)
	},
	part: [2]*isa.Tail{nil, isa.TailIn(reg.X12)},
}

// lanes is the tail of half h of the columns, of which there are some.
func (v *tile) lanes(h, halves int) *isa.Tail {
	if v.Pairs && h == halves-1 {
		return v.part[1]
	}
	return v.part[h]
}

// acc is the accumulator of half a row of the tile.
func (v *tile) acc(r, half int) reg.VecPhysical { return v.Reg(2*r + half) }

// begin begins a kernel.
func (v *tile) begin(name, doc string, notes ...string) {
	isa.Kernel(name+v.Name, "func(p *Args)", doc, append(notes, v.roles())...)
	g = isa.Deref("p", args)
}

// roles says what the vectors hold.
func (v *tile) roles() string {
	return fmt.Sprintf("vectors 0 to %d: the tile, two for a row; %d, %d: a row of B; %d, %d: an element of A in all lanes",
		2*v.mr-1, v.b0, v.b1, v.bc[0], v.bc[1])
}

// load loads what forms N and T keep in registers.
func (v *tile) load() {
	v.loadNext()
	if v.tiles {
		Label("tile")
	}
	MOVQ(g.Field("K"), k)
	MOVQ(g.Field("A"), a)
	MOVQ(g.Field("B"), b)
	MOVQ(g.Field("C"), c)
	MOVQ(g.Field("LDC"), ldc)
	SHLQ(Imm(2), ldc)
	MOVQ(g.Field("MR"), rows)
	MOVQ(g.Field("NR"), cols)
	MOVQ(g.Field("Flags"), flag)
}

// loadNext loads what is to be prefetched, which goes on through all tiles: Next may lie
// past the end of memory then, and stays in its register.
func (v *tile) loadNext() {
	MOVQ(g.Field("Next"), next)
	MOVQ(g.Field("NextStep"), nextStep)
	Comment("Nothing wanted: touch the arguments instead.")
	TESTQ(next, next)
	CMOVQEQ(args, next)
}

// clear clears the accumulators of n rows.
func (v *tile) clear(n int) {
	Comment("Clear the tile's accumulators.")
	for r := range n {
		v.Clear(v.acc(r, 0))
		v.Clear(v.acc(r, 1))
	}
}

// fetchTile prefetches n rows of C at once.
func (v *tile) fetchTile(n int) {
	Comment("Prefetch the tile's rows of C.")
	MOVQ(c, tmp)
	for r := range n {
		v.fetchRow(tmp)
		if r < n-1 {
			ADDQ(ldc, tmp)
		}
	}
}

// walkRows prepares to prefetch rows little by little: a burst of misses
// at the start of a tile would hold up its first loads, and at its end what waits for them. p walks down the rows,
// by step bytes, and on into the tiles below: those of the residual, which mostly comes from further away, or else
// of C; when C is stored non-temporally p stays where it can do no harm.
func (v *tile) walkRows(p, step reg.GPPhysical, suffix string) {
	Comment("Rows of the residual to prefetch, or else of C unless it is stored non-temporally.")
	MOVQ(g.Field("Res"), p)
	MOVQ(g.Field("LDR"), step)
	TESTQ(p, p)
	JNZ(LabelRef("begin" + suffix))
	MOVQ(g.Field("C"), p)
	MOVQ(g.Field("LDC"), step)
	if !v.Pairs {
		TESTQ(U32(flagNonTemporal), g.Field("Flags"))
		JZ(LabelRef("begin" + suffix))
		MOVQ(args, p)
		XORQ(step, step)
	}
	Label("begin" + suffix)
	SHLQ(Imm(2), step)
}

// fetchRow prefetches the tile's part of one row of C.
func (v *tile) fetchRow(p reg.GPPhysical) {
	PREFETCHT0(Mem{Base: p})
	if row := 2 * v.Bytes; row > 64 {
		PREFETCHT0(Mem{Base: p, Disp: row - 64})
	}
}

// step adds one step of k to the left halves (or both) of the tile: row rowB of
// B times n elements of A at elem.
func (v *tile) step(n, halves int, rowB Mem, elem func(r int) Mem) {
	bRow := []reg.VecPhysical{v.Reg(v.b0), v.Reg(v.b1)}[:halves]
	for h, y := range bRow {
		VMOVUPS(rowB.Offset(h*v.Bytes), y)
	}
	for r := range n {
		x := v.Reg(v.bc[r%2])
		if v.Pairs {
			Instruction(neon.Scalar(elem(r), x))
			for h, y := range bRow {
				Instruction(neon.FusedByScalar(y, x, v.acc(r, h)))
			}
			continue
		}
		VBROADCASTSS(elem(r), x)
		for h, y := range bRow {
			VFMADD231PS(y, x, v.acc(r, h))
		}
	}
}

// choose emits body for each size of tile that is worth code of its own: heights
// of rows, the largest first, both halves of the columns or the left one. Each body
// ends by falling through to finish.
func (v *tile) choose(heights []int, body func(n, halves int, suffix string)) {
	CMPQ(cols, Imm(uint64(v.Bytes/4)))
	JLE(LabelRef("narrow"))
	v.chooseHeight(heights, 2, "", body)
	Label("narrow")
	v.chooseHeight(heights, 1, "Narrow", body)
}

// chooseHeight is choose for a number of halves.
func (v *tile) chooseHeight(heights []int, halves int, suffix string, body func(n, halves int, suffix string)) {
	names := []string{"", "Low", "Lowest"}
	start := func(i int) string {
		if suffix == "" {
			return strings.ToLower(names[i])
		}
		return strings.ToLower(suffix[:1]) + suffix[1:] + names[i]
	}
	for i, n := range heights {
		if i > 0 {
			Label(start(i))
		}
		if i < len(heights)-1 {
			CMPQ(rows, Imm(uint64(heights[i+1])))
			JLE(LabelRef(start(i + 1)))
		}
		body(n, halves, suffix+names[i])
		if i < len(heights)-1 {
			JMP(LabelRef("finish" + suffix))
		}
	}
	Label("finish" + suffix)
	v.finish(heights[0], halves, suffix)
}
