package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// at computes Aᵀm into store. m[1] to m[4] are overwritten; m0 and m5 may be
// memory. For a side of three there is no m[4].
func (v *isa) at(side int, m0 Op, m [6]reg.VecVirtual, m5 Op, k [3]reg.VecVirtual, store func(i int, x reg.VecVirtual)) {
	s1, d1 := v.add(m[1], m[2]), v.sub(m[1], m[2])
	if side == 3 {
		o := v.add(s1, m0)
		VADDPS(m[3], o, o)
		store(0, o)
		store(1, fma(d1, m[3], k[0]))
		VADDPS(m5, s1, s1)
		store(2, fma(s1, m[3], k[1]))
		return
	}
	s2, d2 := v.add(m[3], m[4]), v.sub(m[3], m[4])
	o := v.add(s1, m0)
	VADDPS(s2, o, o)
	store(0, o)
	store(1, fma(v.copy(d1), d2, k[0]))
	store(2, fma(s1, s2, k[1]))
	o = v.add(d1, m5)
	store(3, fma(o, d2, k[2]))
}

// output has two loops: one that only transforms, and one with the epilogue.
// The bias is added to M[1][1], whose column and row of A are all ones, so
// that it reaches every element of the tile at the cost of one.
func (v *isa) output(rows, cols int, past string) {
	label := func(s string) string { return fmt.Sprintf("output%d%d_%s", rows, cols, s) }
	store := func(x reg.VecVirtual, m Mem) { VMOVUPS(x, m) }
	if past != "" {
		store = func(x reg.VecVirtual, m Mem) { VMOVNTPS(x, m) }
	}
	v.function(fmt.Sprintf("winoOutput%d%d%s", rows, cols, past), "func(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res *float32, resRow, resCol int, floor float32)",
		fmt.Sprintf("computes y = Aᵀ M A for a tile of %dx%d; see winoOutputGo. With bias nil there is no epilogue; else bias, res (if not nil) and max(floor, .) are applied.", rows, cols))
	src, srcStep := slice("src"), ints("srcStep")
	y, row, col := slice("y"), ints("row"), times(ints("col"), 3)
	down := times(func() reg.GPVirtual { // from one row of M to the next: 6 xi
		s := ints("stride")
		r := GP64()
		LEAQ(Mem{Base: s, Index: s, Scale: 2}, r)
		ADDQ(r, r)
		return r
	}(), 5)
	bias := GP64()
	Load(Param("bias"), bias)
	n, p := GP64(), GP64()
	Load(Param("n"), n)
	TESTQ(n, n)
	JLE(LabelRef(label("done")))
	k := [3]reg.VecVirtual{v.constant(2), v.constant(4)}
	if rows == 4 || cols == 4 {
		k[2] = v.constant(8)
	}

	// columns is the first pass, at displacement disp.
	columns := func(disp int, epilogue bool) (t [4][6]value) {
		s := GP64()
		Load(Param("stride"), s)
		MOVQ(src, p)
		for j := range 6 {
			if j != 4 || cols == 4 {
				var m [6]reg.VecVirtual
				for i := 1; i <= rows; i++ {
					m[i] = v.load(down.of(p, i, disp))
				}
				if epilogue && j == 1 {
					VADDPS(Mem{Base: bias, Disp: disp}, m[1], m[1])
				}
				v.at(rows, down.of(p, 0, disp), m, down.of(p, 5, disp), k, func(i int, x reg.VecVirtual) { t[i][j] = v.keep(x) })
			}
			if j < 5 {
				LEAQ(Mem{Base: p, Index: s, Scale: 4}, p)
			}
		}
		return t
	}
	rowOf := func(t [6]value, store func(j int, x reg.VecVirtual)) {
		var m [6]reg.VecVirtual
		for _, j := range points(cols) {
			m[j] = v.take(t[j])
		}
		v.at(cols, m[0], m, m[5], k, store)
	}

	TESTQ(bias, bias)
	JNE(LabelRef(label("epilogue")))

	Label(label("plain"))
	for h := range v.halves() {
		disp := h * v.width
		t := columns(disp, false)
		MOVQ(y, p)
		for i := range rows {
			rowOf(t[i], func(j int, x reg.VecVirtual) { store(x, col.of(p, j, disp)) })
			ADDQ(row, p)
		}
		v.release()
	}
	ADDQ(srcStep, src)
	ADDQ(Imm(64), y)
	DECQ(n)
	JNZ(LabelRef(label("plain")))
	Label(label("done"))
	VZEROUPPER()
	RET()

	Label(label("epilogue"))
	for h := range v.halves() {
		disp := h * v.width
		t := columns(disp, true)
		q, rc := GP64(), GP64()
		Load(Param("res"), q)
		MOVQ(y, p)
		floor := v.vec()
		fp, err := Param("floor").Resolve()
		if err != nil {
			panic(err)
		}
		VBROADCASTSS(fp.Addr, floor)
		for i := range rows {
			var out [4]reg.VecVirtual
			rowOf(t[i], func(j int, x reg.VecVirtual) { out[j] = x })
			skip := label(fmt.Sprintf("row%d_%d", h, i))
			TESTQ(q, q)
			JEQ(LabelRef(skip))
			Load(Param("resCol"), rc)
			a := GP64()
			MOVQ(q, a)
			for j := range cols {
				VADDPS(Mem{Base: a, Disp: disp}, out[j], out[j])
				if j < cols-1 {
					LEAQ(Mem{Base: a, Index: rc, Scale: 4}, a)
				}
			}
			Load(Param("resRow"), rc)
			LEAQ(Mem{Base: q, Index: rc, Scale: 4}, q)
			Label(skip)
			for j := range cols {
				// The second source wins when there is a NaN: it is kept.
				VMAXPS(out[j], floor, out[j])
				store(out[j], col.of(p, j, disp))
			}
			ADDQ(row, p)
		}
		v.release()
	}
	Comment("Next block: the residual pointer lives in its parameter")
	ADDQ(srcStep, src)
	ADDQ(Imm(64), y)
	ADDQ(Imm(64), bias)
	r := GP64()
	Load(Param("res"), r)
	TESTQ(r, r)
	JEQ(LabelRef(label("nores")))
	ADDQ(Imm(64), r)
	Store(r, Param("res"))
	Label(label("nores"))
	DECQ(n)
	JNZ(LabelRef(label("epilogue")))
	VZEROUPPER()
	RET()
}
