package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// softmax makes the kernels of attention, whose rows have whole vectors only.
func softmax(v *isa.Set) {
	k := newNumbers(isa.Open("../elementwise"))
	args := function(v, "Softmax", "rowArgs", "turns rows of scores into probabilities in place, p[0], the scores times k[0]; see softmaxGo.",
		"for row in rows { m = max(x); x = exp((x-m)*k[0]); x *= 1/sum(x) }")
	p := &place{v: v, floats: newFloats(v, k.logistic())}
	x, left, row := rowsOf(v, args, 0)
	scale := v.Splat(args.Elem("K", 0))
	s := row.Sums()
	Label("row")
	for _, r := range s {
		v.LoadTo(Mem{Base: x[0]}, r, nil)
	}
	row.Each("max", func(i isa.Vector) { VMAXPS(i.At(x[0]), s[i.N], s[i.N]) })
	VMAXPS(s[1], s[0], s[0])
	VMAXPS(s[3], s[2], s[2])
	VMAXPS(s[2], s[0], s[0])
	v.MaxLanes(s[0])
	m := v.Copy(s[0])
	sum := v.Zero()
	row.One("exp", func(i isa.Vector) {
		e := k.expNegative(p, v.Mul(v.Sub(i.Load(x[0]), m), scale))
		VADDPS(e, sum, sum)
		i.Store(e, x[0])
	})
	v.SumLanes(sum)
	share := reciprocal(p, sum)
	row.Each("share", func(i isa.Vector) { i.Store(v.Mul(share, i.At(x[0])), x[0]) })
	nextRow(row, left, x)

	args = function(v, "SoftmaxGrad", "rowArgs", "sets p[1], the gradient of probabilities p[0], to that of the scores; see softmaxGradGo.",
		"for row in rows { d = sum(p*g); g = p*(g-d)*k[0] }")
	x, left, row = rowsOf(v, args, 0, 1)
	scale = v.Splat(args.Elem("K", 0))
	s = row.Sums()
	Label("row")
	for _, r := range s {
		v.Clear(r)
	}
	row.Each("dot", func(i isa.Vector) { VFMADD231PS(i.At(x[1]), i.Load(x[0]), s[i.N]) })
	d := row.Total(s)
	row.Each("grad", func(i isa.Vector) {
		g := v.Mul(v.Sub(i.Load(x[1]), d), scale)
		i.Store(v.Mul(g, i.At(x[0])), x[1])
	})
	nextRow(row, left, x)
}

// rowsOf loads pointers to rows, how many there are, and measures them.
func rowsOf(v *isa.Set, args isa.Args, pointers ...int) (p []reg.GPVirtual, left reg.GPVirtual, row *isa.Row) {
	for _, i := range pointers {
		r := GP64()
		MOVQ(args.Elem("P", i), r)
		p = append(p, r)
	}
	left = GP64()
	c := GP64()
	MOVQ(args.Field("Rows"), left)
	MOVQ(args.Field("C"), c)
	return p, left, v.NewRow(c)
}

// nextRow moves the pointers on by a row and goes back to the label row while there
// are rows left.
func nextRow(row *isa.Row, left reg.GPVirtual, p []reg.GPVirtual) {
	for _, r := range p {
		ADDQ(row.Bytes, r)
	}
	DECQ(left)
	JNZ(LabelRef("row"))
	isa.End()
}
