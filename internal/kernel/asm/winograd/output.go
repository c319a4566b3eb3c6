package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// at computes Aᵀm into store. m[1] to m[4] are overwritten; m0 and m5 may be
// memory. For a side of three there is no m[4].
func (v *transform) at(side int, m0 Op, m [6]reg.VecVirtual, m5 Op, k [3]reg.VecVirtual, store func(i int, x reg.VecVirtual)) {
	s1, d1 := v.Add(m[1], m[2]), v.Sub(m[1], m[2])
	if side == 3 {
		o := v.Add(s1, m0)
		VADDPS(m[3], o, o)
		store(0, o)
		store(1, isa.FMA(d1, m[3], k[0]))
		VADDPS(m5, s1, s1)
		store(2, isa.FMA(s1, m[3], k[1]))
		return
	}
	s2, d2 := v.Add(m[3], m[4]), v.Sub(m[3], m[4])
	o := v.Add(s1, m0)
	VADDPS(s2, o, o)
	store(0, o)
	store(1, isa.FMA(v.Copy(d1), d2, k[0]))
	store(2, isa.FMA(s1, s2, k[1]))
	o = v.Add(d1, m5)
	store(3, isa.FMA(o, d2, k[2]))
}

// outputKernel is the kernel that transforms a tile back, y = Aᵀ M A: first
// columns, then rows.
type outputKernel struct {
	*transform
	rows, cols int                           // of the tile
	store      func(x reg.VecVirtual, m Mem) // to y
	src, y, p  reg.GPVirtual                 // block of M and of y; column of M or row of y
	srcStep, n reg.GPVirtual                 // from a block of M to the next; blocks left
	bias       reg.GPVirtual                 // of the block, nil without an epilogue
	down       multiples                     // from one row of M to the next: 6 xi
	row        reg.GPVirtual                 // from a row of y to the next
	col        multiples                     // from a column of y to the next
	k          [3]reg.VecVirtual             // 2, 4, 8
	label      func(s string) string         // of the kernel
}

// output has two loops: one that only transforms, and one with the epilogue.
// The bias is added to M[1][1], whose column and row of A are all ones, so
// that it reaches every element of the tile at the cost of one.
func (v *transform) output(rows, cols int, nonTemporal string) {
	a := &outputKernel{transform: v, rows: rows, cols: cols}
	a.label = func(s string) string { return fmt.Sprintf("output%d%d_%s", rows, cols, s) }
	a.store = func(x reg.VecVirtual, m Mem) { VMOVUPS(x, m) }
	if nonTemporal != "" {
		a.store = func(x reg.VecVirtual, m Mem) { v.StoreNonTemporal(x, m) }
	}
	v.function(fmt.Sprintf("winoOutput%d%d%s", rows, cols, nonTemporal), "func(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res *float32, resRow, resCol int, floor float32)",
		fmt.Sprintf("computes y = Aᵀ M A for a tile of %dx%d; see winoOutputGo. With bias nil there is no epilogue; else bias, res (if not nil) and max(floor, .) are applied.", rows, cols),
		"for blocks of 16 channels { t = Aᵀ M, column by column; for i in rows { y[i] = max(floor, t[i] A + bias + res[i]), or t[i] A } }")
	a.begin()
	TESTQ(a.bias, a.bias)
	JNE(LabelRef(a.label("epilogue")))

	Label(a.label("plain"))
	for h := range v.halves() {
		a.plain(h * v.Bytes)
	}
	ADDQ(a.srcStep, a.src)
	ADDQ(Imm(64), a.y)
	DECQ(a.n)
	JNZ(LabelRef(a.label("plain")))
	Label(a.label("done"))
	isa.End()

	Label(a.label("epilogue"))
	for h := range v.halves() {
		a.epilogue(h)
	}
	a.nextBlock()
	DECQ(a.n)
	JNZ(LabelRef(a.label("epilogue")))
	isa.End()
}

// begin loads parameters and constants, and goes to the end if there is nothing
// to do.
func (a *outputKernel) begin() {
	a.src, a.srcStep = slice("src"), ints("srcStep")
	a.y, a.row, a.col = slice("y"), ints("row"), times(ints("col"), 3)
	s, down := ints("stride"), GP64()
	LEAQ(Mem{Base: s, Index: s, Scale: 2}, down)
	ADDQ(down, down)
	a.down = times(down, 5)
	a.bias = GP64()
	Load(Param("bias"), a.bias)
	a.n, a.p = GP64(), GP64()
	Load(Param("n"), a.n)
	TESTQ(a.n, a.n)
	JLE(LabelRef(a.label("done")))
	a.k = [3]reg.VecVirtual{a.constant(2), a.constant(4)}
	if a.rows == 4 || a.cols == 4 {
		a.k[2] = a.constant(8)
	}
}

// columns is the first pass, Aᵀ M at displacement disp, with the bias if there
// is an epilogue.
func (a *outputKernel) columns(disp int, epilogue bool) (t [4][6]value) {
	s := GP64()
	Load(Param("stride"), s)
	MOVQ(a.src, a.p)
	for j := range 6 {
		if j != 4 || a.cols == 4 {
			var m [6]reg.VecVirtual
			for i := 1; i <= a.rows; i++ {
				m[i] = a.load(a.down.of(a.p, i, disp))
			}
			if epilogue && j == 1 {
				VADDPS(Mem{Base: a.bias, Disp: disp}, m[1], m[1])
			}
			a.at(a.rows, a.down.of(a.p, 0, disp), m, a.down.of(a.p, 5, disp), a.k, func(i int, x reg.VecVirtual) { t[i][j] = a.keep(x) })
		}
		if j < 5 {
			LEAQ(Mem{Base: a.p, Index: s, Scale: 4}, a.p)
		}
	}
	return t
}

// rowOf is the second pass for one row.
func (a *outputKernel) rowOf(t [6]value, store func(j int, x reg.VecVirtual)) {
	var m [6]reg.VecVirtual
	for _, j := range points(a.cols) {
		m[j] = a.take(t[j])
	}
	a.at(a.cols, m[0], m, m[5], a.k, store)
}

// plain makes one vector of a block without an epilogue.
func (a *outputKernel) plain(disp int) {
	t := a.columns(disp, false)
	MOVQ(a.y, a.p)
	for i := range a.rows {
		a.rowOf(t[i], func(j int, x reg.VecVirtual) { a.store(x, a.col.of(a.p, j, disp)) })
		ADDQ(a.row, a.p)
	}
	a.release()
}

// epilogue makes vector h of a block, with bias, residual and floor.
func (a *outputKernel) epilogue(h int) {
	disp := h * a.Bytes
	t := a.columns(disp, true)
	res, step := GP64(), GP64()
	Load(Param("res"), res)
	MOVQ(a.y, a.p)
	floor := a.Vec()
	fp, err := Param("floor").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(fp.Addr, floor)
	for i := range a.rows {
		var out [4]reg.VecVirtual
		a.rowOf(t[i], func(j int, x reg.VecVirtual) { out[j] = x })
		skip := a.label(fmt.Sprintf("row%d_%d", h, i))
		TESTQ(res, res)
		JEQ(LabelRef(skip))
		a.addResidual(out[:a.cols], res, step, disp)
		Label(skip)
		for j := range a.cols {
			// The second source wins when there is a NaN: it is kept.
			VMAXPS(out[j], floor, out[j])
			a.store(out[j], a.col.of(a.p, j, disp))
		}
		ADDQ(a.row, a.p)
	}
	a.release()
}

// addResidual adds a row of the residual, at res, and moves res on to the next;
// step is free for strides.
func (a *outputKernel) addResidual(out []reg.VecVirtual, res, step reg.GPVirtual, disp int) {
	Load(Param("resCol"), step)
	p := GP64()
	MOVQ(res, p)
	for j := range out {
		VADDPS(Mem{Base: p, Disp: disp}, out[j], out[j])
		if j < len(out)-1 {
			LEAQ(Mem{Base: p, Index: step, Scale: 4}, p)
		}
	}
	Load(Param("resRow"), step)
	LEAQ(Mem{Base: res, Index: step, Scale: 4}, res)
}

// nextBlock moves on to the next block of channels.
func (a *outputKernel) nextBlock() {
	Comment("Next block: the residual pointer lives in its parameter")
	ADDQ(a.srcStep, a.src)
	ADDQ(Imm(64), a.y)
	ADDQ(Imm(64), a.bias)
	r := GP64()
	Load(Param("res"), r)
	TESTQ(r, r)
	JEQ(LabelRef(a.label("nores")))
	ADDQ(Imm(64), r)
	Store(r, Param("res"))
	Label(a.label("nores"))
}
