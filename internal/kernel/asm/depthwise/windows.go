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

	// The vectors of a block at once, or, where one register more is needed for
	// what comes from memory, one after the other.
	vectors := pair
	if v.Pairs {
		vectors = 1
	}
	Label("group")
	ch, to := GP64(), y
	if vectors < pair {
		to = GP64()
		XORQ(ch, ch)
		Label("vector")
	}
	acc := make([][]reg.VecVirtual, group)
	for t := range acc {
		acc[t] = v.Vecs(vectors)
	}
	bias := field(args, "bias")
	if vectors < pair {
		ADDQ(ch, bias)
	}
	for i := range vectors {
		VMOVUPS(Mem{Base: bias, Disp: i * v.Bytes}, acc[0][i])
		for t := 1; t < group; t++ {
			VMOVAPS(acc[0][i], acc[t][i])
		}
	}
	w, tap, rows := field(args, "w"), GP64(), field(args, "rows")
	MOVQ(x, tap)
	if vectors < pair {
		ADDQ(ch, w)
		ADDQ(ch, tap)
	}
	Label("row")
	cols := field(args, "cols")
	Label("tap")
	k := isa.Each(vectors, func(i int) reg.VecVirtual { return v.Load(Mem{Base: w, Disp: i * v.Bytes}, nil) })
	for t := range acc {
		for i := range vectors {
			VFMADD231PS(window(tap, t).Offset(i*v.Bytes), k[i], acc[t][i])
		}
	}
	ADDQ(I32(pair*v.Bytes), tap)
	ADDQ(I32(pair*v.Bytes), w)
	DECQ(cols)
	JNZ(LabelRef("tap"))
	forward(args, tap, "xSkip")
	DECQ(rows)
	JNZ(LabelRef("row"))

	low, high := v.Splat(args.Field("low")), v.Splat(args.Field("high"))
	Comment("a NaN stays")
	for t := range acc {
		for i := range vectors {
			VMAXPS(acc[t][i], low, acc[t][i])
			VMINPS(acc[t][i], high, acc[t][i])
		}
	}
	step := bytes(args, "yStep")
	if vectors < pair {
		LEAQ(Mem{Base: y, Index: ch, Scale: 1}, to)
	}
	for t := range acc {
		for i := range vectors {
			VMOVUPS(acc[t][i], Mem{Base: to, Disp: i * v.Bytes})
		}
		ADDQ(step, to)
	}
	if vectors < pair {
		ADDQ(I32(v.Bytes), ch)
		CMPQ(ch, I32(pair*v.Bytes))
		JL(LabelRef("vector"))
		IMUL3Q(Imm(uint64(group)), step, step)
		ADDQ(step, y)
	}
	Comment("the windows of the next group")
	LEAQ(Mem{Base: x, Index: five, Scale: 1}, x)
	LEAQ(Mem{Base: x, Index: one, Scale: 2}, x)
	DECQ(groups)
	JNZ(LabelRef("group"))
	isa.End()
}
