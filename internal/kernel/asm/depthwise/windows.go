package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// windows generates the sums over the windows of groups of outputs, of any size
// and stride.
func windows(v *isa.Set, group int) {
	args := function(v, "Windows", "windowArgs", "computes groups of outputs; see windowArgs.windowsGo.",
		"for groups { y = bias; for rows { for cols { y += w*x; on by a block }; on by xSkip }; y = min(max(y, low), high) }")
	x, y, groups := field(args, "x"), field(args, "y"), field(args, "groups")
	one, three, five := bytes(args, "xStep"), GP64(), GP64()
	LEAQ(Mem{Base: one, Index: one, Scale: 2}, three)
	LEAQ(Mem{Base: one, Index: one, Scale: 4}, five)
	// window is the address of window t of the group whose first is at x.
	window := func(x reg.GPVirtual, t int) Mem {
		switch t {
		case 0:
			return Mem{Base: x}
		case 3, 6:
			return Mem{Base: x, Index: three, Scale: uint8(t / 3)}
		case 5:
			return Mem{Base: x, Index: five, Scale: 1}
		}
		return Mem{Base: x, Index: one, Scale: uint8(t)} // 1, 2 and 4
	}

	Label("group")
	ch, acc, w, tap, rows := begin(v, args, group, x)
	Label("row")
	cols := field(args, "cols")
	Label("tap")
	k := v.Load(Mem{Base: w}, nil)
	for t := range acc {
		VFMADD231PS(window(tap, t), k, acc[t])
	}
	ADDQ(I32(pair*v.Bytes), tap)
	ADDQ(I32(pair*v.Bytes), w)
	DECQ(cols)
	JNZ(LabelRef("tap"))
	forward(args, tap, "xSkip")
	DECQ(rows)
	JNZ(LabelRef("row"))

	step := finish(v, args, acc, y, ch)
	IMUL3Q(Imm(uint64(group)), step, step)
	ADDQ(step, y)
	Comment("the windows of the next group")
	LEAQ(Mem{Base: x, Index: five, Scale: 1}, x)
	LEAQ(Mem{Base: x, Index: one, Scale: 2}, x)
	DECQ(groups)
	JNZ(LabelRef("group"))
	isa.End()
}

// begin begins a group at Label "vector", for the vector of the block at byte ch: its sums are the bias, and w and tap are
// at the first of so many rows of the weights and of the window at x.
func begin(v *isa.Set, args isa.Args, group int, x reg.GPVirtual) (ch reg.GPVirtual, acc []reg.VecVirtual, w, tap, rows reg.GPVirtual) {
	ch = GP64()
	XORQ(ch, ch)
	Label("vector")
	acc = v.Vecs(group)
	bias := field(args, "bias")
	w, tap, rows = field(args, "w"), GP64(), field(args, "rows")
	VMOVUPS(Mem{Base: bias, Index: ch, Scale: 1}, acc[0])
	for t := 1; t < group; t++ {
		VMOVAPS(acc[0], acc[t])
	}
	ADDQ(ch, w)
	LEAQ(Mem{Base: x, Index: ch, Scale: 1}, tap)
	return ch, acc, w, tap, rows
}

// finish stores a vector of the outputs, bounded, and goes on to Label "vector" while there are more channels. It
// returns the step from an output to the next, in bytes.
func finish(v *isa.Set, args isa.Args, acc []reg.VecVirtual, y, ch reg.GPVirtual) reg.GPVirtual {
	low, high := v.Splat(args.Field("low")), v.Splat(args.Field("high"))
	Comment("a NaN stays")
	for t := range acc {
		VMAXPS(acc[t], low, acc[t])
		VMINPS(acc[t], high, acc[t])
	}
	step, to := bytes(args, "yStep"), GP64()
	LEAQ(Mem{Base: y, Index: ch, Scale: 1}, to)
	for t := range acc {
		VMOVUPS(acc[t], Mem{Base: to})
		if t+1 < len(acc) {
			ADDQ(step, to)
		}
	}
	ADDQ(I32(v.Bytes), ch)
	CMPQ(ch, bytes(args, "channels"))
	JL(LabelRef("vector"))
	return step
}
