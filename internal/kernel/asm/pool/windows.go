package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// window is what the body of a pooling kernel works on: n vectors of channels
// of one pixel, their bytes, and the pixel's position.
type window struct {
	v             *isa.Set
	n             int
	args          isa.Args
	src, arg, pos reg.GPVirtual
	out           Mem
}

// more returns the address of the block's i-th vector in array k of
// windowArgs.more.
func (w *window) more(k int) func(i int) Mem {
	p := GP64()
	MOVQ(w.args.Elem("more", k), p)
	return func(i int) Mem {
		return Mem{Base: p, Index: w.out.Index, Scale: 4, Disp: i * w.v.Bytes}
	}
}

func (w *window) srcAt(i int) Mem { return Mem{Base: w.src, Disp: i * w.v.Bytes} }
func (w *window) argAt(i int) Mem { return Mem{Base: w.arg, Disp: i * w.v.Lanes()} }
func (w *window) outAt(i int) Mem { return w.out.Offset(i * w.v.Bytes) }

// store writes the block's result, non-temporally to aligned addresses if asked for.
func (w *window) store(x []reg.VecVirtual, nonTemporal bool) {
	for i := range x {
		if nonTemporal {
			w.v.StoreNonTemporal(x[i], w.outAt(i))
		} else {
			VMOVUPS(x[i], w.outAt(i))
		}
	}
}

// windowBody is a pooling kernel for one block of channels.
type windowBody struct{ start, step, end func() }

// windows generates the loops of a pooling kernel:
//
//	for blocks of channels { start; for rows { for cols { step } }; end }
//
// A block is many vectors while there are as many, so that one vector's
// comparisons need not wait for another's, then one. The last vector is moved
// back to end with the last channel, so c is at least one vector and the output
// must not overlap the input.
func windows(v *isa.Set, name, doc string, many int, arg bool, body func(w *window) windowBody) {
	args := function(v, name, "windowArgs", doc,
		"for blocks of channels { start; for rows { for cols { step; on by c floats }; on by rowSkip }; end }")
	field := func(name string) reg.GPVirtual {
		r := GP64()
		MOVQ(args.Field(name), r)
		return r
	}
	base, out, c := field("src"), field("out"), field("c")
	var argBase reg.GPVirtual
	if arg {
		argBase = field("arg")
	}
	ch, limit := GP64(), GP64()
	XORQ(ch, ch)
	for _, n := range []int{many, 1} {
		label := func(s string) string { return fmt.Sprintf("%s%d", s, n) }
		Comment(fmt.Sprintf("blocks of %d", n))
		LEAQ(Mem{Base: c, Disp: -n * v.Lanes()}, limit)
		Label(label("channels"))
		CMPQ(ch, limit)
		JG(LabelRef(label("end")))
		w := &window{v: v, n: n, args: args, src: GP64(), pos: field("first")}
		rows := field("rows")
		LEAQ(Mem{Base: base, Index: ch, Scale: 4}, w.src)
		if arg {
			w.arg = GP64()
			LEAQ(Mem{Base: argBase, Index: ch, Scale: 1}, w.arg)
		}
		w.out = Mem{Base: out, Index: ch, Scale: 4}
		b := body(w)
		b.start()
		Label(label("rows"))
		cols := field("cols")
		Label(label("cols"))
		b.step()
		Comment("next pixel: c floats and bytes on")
		LEAQ(Mem{Base: w.src, Index: c, Scale: 4}, w.src)
		if arg {
			ADDQ(c, w.arg)
		}
		ADDQ(args.Field("colStep"), w.pos)
		DECQ(cols)
		JNZ(LabelRef(label("cols")))
		Comment("next row of the window")
		skip := field("rowSkip")
		LEAQ(Mem{Base: w.src, Index: skip, Scale: 4}, w.src)
		if arg {
			ADDQ(skip, w.arg)
		}
		ADDQ(args.Field("rowStep"), w.pos)
		DECQ(rows)
		JNZ(LabelRef(label("rows")))
		b.end()
		ADDQ(I32(n*v.Lanes()), ch)
		JMP(LabelRef(label("channels")))
		Label(label("end"))
	}
	Comment("the last vector, unless all is done, ends with the last channel")
	CMPQ(ch, c)
	JGE(LabelRef("done"))
	MOVQ(limit, ch)
	JMP(LabelRef("channels1"))
	Label("done")
	isa.End()
}
