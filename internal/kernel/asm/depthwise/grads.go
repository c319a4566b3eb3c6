package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// grads generates the gradient of the weights of rows x k taps, from groups of
// outputs at a stride: the gradients of a group are in registers, and each value of x,
// loaded once, goes into all taps that met it.
func grads(v *isa.Set, rows, k, stride, group int) {
	args := function(v, fmt.Sprintf("Grad%dx%dStride%d", rows, k, stride), "gradArgs",
		fmt.Sprintf("adds to the gradients of %d x %d taps; see gradArgs.gradGo.", rows, k),
		fmt.Sprintf("for vectors of the block { dw loaded; for rows { for groups of %d outputs { dw += dy*x; on }; on by xSkip }; dw stored }", group))
	block := pair * v.Bytes
	gradLoops(v, args, rows*k, func(x, dy, row reg.GPVirtual, dw []reg.VecVirtual) {
		g := isa.Each(group, func(t int) reg.VecVirtual { return v.Load(Mem{Base: dy, Disp: t * block}, nil) })
		for r := range rows {
			for j := range (group-1)*stride + k {
				from := Mem{Base: x, Disp: j * block}
				if r > 0 {
					from.Index, from.Scale = row, uint8(r)
				}
				value := v.Load(from, nil)
				for i := range k {
					if t := (j - i) / stride; j >= i && (j-i)%stride == 0 && t < group {
						VFMADD231PS(value, g[t], dw[r*k+i])
					}
				}
			}
		}
		ADDQ(I32(group*stride*block), x)
		ADDQ(I32(group*block), dy)
	})
}

// gradOne generates the gradient of one tap, at any stride.
func gradOne(v *isa.Set) {
	args := function(v, "GradOne", "gradArgs", "adds to the gradient of one tap; see gradArgs.gradGo.",
		"for vectors of the block { dw loaded; for rows { for outputs { dw += dy*x; on }; on by xSkip }; dw stored }")
	gradLoops(v, args, 1, func(x, dy, _ reg.GPVirtual, dw []reg.VecVirtual) {
		VFMADD231PS(Mem{Base: x}, v.Load(Mem{Base: dy}, nil), dw[0])
		forward(args, x, "xStep")
		ADDQ(I32(pair*v.Bytes), dy)
	})
}

// gradLoops generates the loops around body, which adds a group of outputs to the
// gradients dw and moves x and dy on; row is the distance between rows of x.
func gradLoops(v *isa.Set, args isa.Args, taps int, body func(x, dy, row reg.GPVirtual, dw []reg.VecVirtual)) {
	block := pair * v.Bytes
	ch := GP64()
	XORQ(ch, ch)
	Label("vector")
	x, dy, dw := field(args, "x"), field(args, "dy"), field(args, "dw")
	for _, p := range []reg.GPVirtual{x, dy, dw} {
		ADDQ(ch, p)
	}
	acc := isa.Each(taps, func(t int) reg.VecVirtual { return v.Load(Mem{Base: dw, Disp: t * block}, nil) })
	row, left := bytes(args, "xRow"), field(args, "rows")
	Label("row")
	groups := field(args, "groups")
	Label("group")
	body(x, dy, row, acc)
	DECQ(groups)
	JNZ(LabelRef("group"))
	forward(args, x, "xSkip")
	DECQ(left)
	JNZ(LabelRef("row"))
	for t := range acc {
		VMOVUPS(acc[t], Mem{Base: dw, Disp: t * block})
	}
	ADDQ(I32(v.Bytes), ch)
	CMPQ(ch, I32(block))
	JL(LabelRef("vector"))
	isa.End()
}
