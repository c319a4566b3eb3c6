package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// slides generates the sums over windows of k columns at a stride: the taps of a
// row are in registers, and each value of x, loaded once, goes into all windows
// that it is in. One vector of the block at a time, for the registers of AVX2.
func slides(v *isa.Set, k, stride, group int) {
	args := function(v, fmt.Sprintf("Windows%dStride%d", k, stride), "windowArgs",
		fmt.Sprintf("computes groups of outputs, of windows of %d columns; see windowArgs.windowsGo.", k),
		"for groups { for vectors of the block { y = bias; for rows { y += w*x; on by xSkip and the columns }; y = min(max(y, low), high) } }")
	block := pair * v.Bytes
	x, y, groups := field(args, "x"), field(args, "y"), field(args, "groups")
	Label("group")
	ch, acc, w, tap, rows := begin(v, args, group, x)
	Label("row")
	taps := isa.Each(k, func(i int) reg.VecVirtual { return v.Load(Mem{Base: w, Disp: i * block}, nil) })
	for j := range (group-1)*stride + k {
		value := v.Load(Mem{Base: tap, Disp: j * block}, nil)
		for i := range k {
			if t := (j - i) / stride; j >= i && (j-i)%stride == 0 && t < group {
				VFMADD231PS(value, taps[i], acc[t])
			}
		}
	}
	ADDQ(I32(k*block), tap)
	ADDQ(I32(k*block), w)
	forward(args, tap, "xSkip")
	DECQ(rows)
	JNZ(LabelRef("row"))

	step := finish(v, args, acc, y, ch)
	Comment("the windows of the next group, and its outputs")
	ADDQ(I32(group*stride*block), x)
	IMUL3Q(Imm(uint64(group)), step, step)
	ADDQ(step, y)
	DECQ(groups)
	JNZ(LabelRef("group"))
	isa.End()
}
