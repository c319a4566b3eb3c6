// Command layernorm generates the kernels of layer normalization, forward and
// backward, each for AVX-512 and AVX2. Their Go twins are named in their comments.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

func main() {
	sets := isa.Begin()
	room := isa.Open("../layernorm")
	room.Args("args")
	for _, v := range sets {
		forward(v)
		backward(v, false)
		backward(v, true)
	}
	room.Generate()
}

// pointers loads the fields of the argument that are pointers.
func pointers(p isa.Args, names ...string) map[string]reg.GPVirtual {
	at := map[string]reg.GPVirtual{}
	for _, n := range names {
		at[n] = GP64()
		MOVQ(p.Field(n), at[n])
	}
	return at
}

// next moves pointers on by a row and the statistics by one, and goes back to the
// label row while there are rows left.
func next(row *isa.Row, left reg.GPVirtual, at map[string]reg.GPVirtual, rows ...string) {
	for _, n := range rows {
		ADDQ(row.Bytes, at[n])
	}
	ADDQ(Imm(4), at["Mean"])
	ADDQ(Imm(4), at["Rstd"])
	DECQ(left)
	JNZ(LabelRef("row"))
	isa.End()
}

// forward normalizes rows. A row is in the nearest cache after the first of three
// passes over it: the mean, the variance about it, the result.
func forward(v *isa.Set) {
	isa.Kernel("forward"+v.Name, "func(p *args)", "normalizes rows; see forwardGo.",
		"for row in rows { mean = sum(x)/c; rstd = 1/sqrt(sum((x-mean)^2)/c + eps); y = (x-mean)*rstd*weight + bias }")
	p := isa.Deref("p", GP64())
	at := pointers(p, "X", "Y", "Weight", "Bias", "Mean", "Rstd")
	left, c := GP64(), GP64()
	MOVQ(p.Field("Rows"), left)
	MOVQ(p.Field("C"), c)
	invC, eps, one := v.Splat(p.Field("InvC")), v.Splat(p.Field("Eps")), v.Splat(isa.Repeated(v.Lanes(), 1))
	row := v.NewRow(c)
	s := row.Sums()
	Label("row")
	clearAll(v, s)
	row.Each("sum", func(i isa.Vector) { VADDPS(i.Load(at["X"]), s[i.N], s[i.N]) })
	mean := v.Mul(row.Total(s), invC)
	clearAll(v, s)
	row.Each("square", func(i isa.Vector) {
		d := v.Sub(i.Load(at["X"]), mean)
		v.Keep(d, i.Tail)
		VFMADD231PS(d, d, s[i.N])
	})
	rstd := v.Vec()
	VFMADD213PS(eps, invC, row.Total(s))
	VSQRTPS(s[0], s[0])
	VDIVPS(s[0], one, rstd)
	row.Each("result", func(i isa.Vector) {
		x := v.Sub(i.Load(at["X"]), mean)
		VMULPS(rstd, x, x)
		VFMADD213PS(i.Load(at["Bias"]), i.Load(at["Weight"]), x)
		i.Store(x, at["Y"])
	})
	VMOVSS(mean.AsX(), Mem{Base: at["Mean"]})
	VMOVSS(rstd.AsX(), Mem{Base: at["Rstd"]})
	next(row, left, at, "X", "Y")
}

func clearAll(v *isa.Set, s []reg.VecVirtual) {
	for _, r := range s {
		v.Clear(r)
	}
}

// backward computes the gradients of rows in two passes over each.
func backward(v *isa.Set, add bool) {
	isa.Kernel("backward"+isa.When(add, "Add")+v.Name, "func(p *args)", isa.When(add, "adds the gradient of rows to dx")+isa.When(!add, "sets dx to the gradient of rows")+" and adds those of the parameters to theirs; see backwardGo.",
		"for row in rows { g = dy*weight; h = (x-mean)*rstd; a = sum(g)/c; b = sum(g*h)/c; dweight += dy*h; dbias += dy;",
		"  dx = "+isa.When(add, "dx + ")+"rstd*(g - a - h*b) }")
	p := isa.Deref("p", GP64())
	at := pointers(p, "X", "Y", "DX", "Weight", "DWeight", "DBias", "Mean", "Rstd")
	left, c := GP64(), GP64()
	MOVQ(p.Field("Rows"), left)
	MOVQ(p.Field("C"), c)
	row := v.NewRow(c)
	Label("row")
	mean, rstd := v.Splat(Mem{Base: at["Mean"]}), v.Splat(Mem{Base: at["Rstd"]})
	// Two accumulators of each sum: registers of AVX2 are few.
	a, b := v.Vecs(2), v.Vecs(2)
	clearAll(v, a)
	clearAll(v, b)
	row.Each("sum", func(i isa.Vector) {
		h := v.Sub(i.Load(at["X"]), mean)
		VMULPS(rstd, h, h)
		dy := i.Load(at["Y"])
		dw := i.Load(at["DWeight"])
		VFMADD231PS(dy, h, dw)
		i.Store(dw, at["DWeight"])
		i.Store(v.Add(dy, i.Load(at["DBias"])), at["DBias"])
		VMULPS(i.Load(at["Weight"]), dy, dy)
		VADDPS(dy, a[i.N%2], a[i.N%2])
		VFMADD231PS(dy, h, b[i.N%2])
	})
	invC := v.Splat(p.Field("InvC"))
	for _, s := range [][]reg.VecVirtual{a, b} {
		VADDPS(s[1], s[0], s[0])
		v.SumLanes(s[0])
		VMULPS(invC, s[0], s[0])
	}
	row.Each("grad", func(i isa.Vector) {
		h := v.Sub(i.Load(at["X"]), mean)
		VMULPS(rstd, h, h)
		g := v.Mul(i.Load(at["Y"]), i.Load(at["Weight"]))
		VSUBPS(a[0], g, g)
		VFNMADD231PS(b[0], h, g)
		if add {
			dx := i.Load(at["DX"])
			VFMADD231PS(rstd, g, dx)
			g = dx
		} else {
			VMULPS(rstd, g, g)
		}
		i.Store(g, at["DX"])
	})
	next(row, left, at, "X", "Y", "DX")
}
