package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// inputKernel is the kernel that transforms the input of a tile, V = Bᵀ d B:
// first columns, rows of Bᵀd that share their terms together, then rows.
type inputKernel struct {
	*transform
	rows, cols int           // of the tile's results; the input has two more
	src, dst   reg.GPVirtual // block
	p          reg.GPVirtual // column of it, or row of V
	row        multiples     // from a row of the input to the next
	col        reg.GPVirtual // from a column to the next
	xi         multiples     // from an element of V to the next
	k          consts
	t          [6][]value // rows of Bᵀd
}

func (v *transform) input(rows, cols int) {
	name := fmt.Sprintf("input%d%d", rows, cols)
	v.function(fmt.Sprintf("winoInput%d%d", rows, cols), "func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int)",
		fmt.Sprintf("computes V = Bᵀ d B for a tile of %dx%d results; see winoInputGo.", rows, cols),
		"for blocks of 16 channels { for groups of rows i { t[i] = row i of Bᵀd, column by column; row i of V = t[i] B } }")
	a := &inputKernel{transform: v, rows: rows, cols: cols}
	src, srcStep, col := slice("src"), ints("srcStep"), ints("col")
	a.row = times(ints("row"), 5)
	dst, dstStep := slice("dst"), ints("dstStep")
	a.xi = times(ints("stride"), 5)
	a.src, a.dst, a.col = src, dst, col
	a.k = consts{two: v.constant(2), four: v.constant(4)}
	if rows == 3 || cols == 3 {
		a.k.three = v.constant(3)
	}
	a.p = GP64()
	v.blocks(name, src, srcStep, dst, dstStep, func(disp int) {
		for i := range a.t {
			a.t[i] = make([]value, cols+2)
		}
		a.middle(disp)
		if rows == 3 {
			a.ends(disp)
			return
		}
		a.first(disp)
		a.last(disp)
	})
}

// columns goes along the columns of the input, p at each in turn, and with
// pastLast on from the last.
func (a *inputKernel) columns(pastLast bool, column func(j int)) {
	MOVQ(a.src, a.p)
	for j := range a.cols + 2 {
		column(j)
		if pastLast || j < a.cols+1 {
			ADDQ(a.col, a.p)
		}
	}
}

// d loads element d[i] of the column at p.
func (a *inputKernel) d(i, disp int) reg.VecVirtual { return a.load(a.row.of(a.p, i, disp)) }

// down moves p on by rows of V.
func (a *inputKernel) down(rows int) {
	for range rows {
		LEAQ(a.xi.of(a.p, 4, 0), a.p)
		LEAQ(a.xi.of(a.p, 2, 0), a.p)
	}
}

// finish transforms row i of Bᵀd along the row and stores it as a row of V, at p.
func (a *inputKernel) finish(i, disp int) {
	r := make([]reg.VecVirtual, len(a.t[i]))
	for j := range r {
		r[j] = a.take(a.t[i][j])
	}
	a.bt(r, a.k, func(j int, x reg.VecVirtual) { VMOVUPS(x, a.xi.of(a.p, j, disp)) })
}

// middle makes rows 1 to 4 of V, or to 3 for three rows.
func (a *inputKernel) middle(disp int) {
	Commentf("Rows 1 to %d of B'd, column by column", a.rows)
	a.columns(false, func(j int) {
		keep := func(i int, x reg.VecVirtual) { a.t[i][j] = a.keep(x) }
		d1, d2, d3 := a.d(1, disp), a.d(2, disp), a.d(3, disp)
		if a.rows == 3 {
			VSUBPS(d1, d3, d3)
			a.bt3middle(d1, d2, d3, a.k, keep)
			return
		}
		d4 := a.d(4, disp)
		c, e := a.Sub(d4, d2), a.Sub(d3, d1)
		isa.FNMA(d4, d2, a.k.four)
		isa.FNMA(d3, d1, a.k.four)
		keep(1, a.Add(d4, d3))
		keep(2, a.Sub(d4, d3))
		keep(3, isa.FMA(a.Copy(c), e, a.k.two))
		keep(4, isa.FNMA(c, e, a.k.two))
	})
	Commentf("Rows 1 to %d of V", a.rows)
	MOVQ(a.dst, a.p)
	for i := 1; i <= a.rows; i++ {
		a.down(1)
		a.finish(i, disp)
	}
	a.release()
}

// ends makes rows 0 and 5 of V for three rows, which share 2*(d3-d1).
func (a *inputKernel) ends(disp int) {
	Comment("Rows 0 and 5: 4*(d0-d2) + 2*(d3-d1) and d4-d2 - 2*(d3-d1)")
	a.columns(false, func(j int) {
		e := a.d(3, disp)
		VSUBPS(a.row.of(a.p, 1, disp), e, e)
		VMULPS(a.k.two, e, e)
		d2, d0 := a.d(2, disp), a.d(0, disp)
		VSUBPS(d2, d0, d0)
		d4 := a.d(4, disp)
		VSUBPS(d2, d4, d4)
		VSUBPS(e, d4, d4)
		a.t[5][j] = a.keep(d4)
		a.t[0][j] = a.keep(isa.FMA(e, d0, a.k.four))
	})
	MOVQ(a.dst, a.p)
	a.finish(0, disp)
	a.down(5)
	a.finish(5, disp)
}

// first makes row 0 of V for four rows.
func (a *inputKernel) first(disp int) {
	Comment("Row 0: d4-d2 + 4*(d0-d2)")
	a.columns(true, func(j int) {
		d2 := a.d(2, disp)
		c, d0 := a.d(4, disp), a.d(0, disp)
		VSUBPS(d2, c, c)
		VSUBPS(d2, d0, d0)
		a.t[0][j] = a.keep(isa.FMA(c, d0, a.k.four))
	})
	MOVQ(a.dst, a.p)
	a.finish(0, disp)
	a.release()
}

// last makes row 5 of V for four rows.
func (a *inputKernel) last(disp int) {
	Comment("Row 5: d5-d3 - 4*(d3-d1)")
	a.columns(true, func(j int) {
		d3 := a.d(3, disp)
		d5 := a.d(5, disp)
		VSUBPS(d3, d5, d5)
		VSUBPS(a.row.of(a.p, 1, disp), d3, d3)
		a.t[5][j] = a.keep(isa.FNMA(d5, d3, a.k.four))
	})
	MOVQ(a.dst, a.p)
	a.down(5)
	a.finish(5, disp)
}
