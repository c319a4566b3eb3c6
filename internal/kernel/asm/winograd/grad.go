package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// a computes A y into store.
func (v *transform) a(y []reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	store(0, y[0])
	if len(y) == 3 {
		s := v.Add(y[0], y[2])
		store(1, v.Add(s, y[1]))
		store(2, v.Sub(s, y[1]))
		c := isa.FMA(v.Copy(y[0]), y[1], k.two)
		store(3, isa.FMA(c, y[2], k.four))
		store(5, y[2])
		return
	}
	a, b := v.Add(y[0], y[2]), v.Add(y[1], y[3])
	store(1, v.Add(a, b))
	store(2, v.Sub(a, b))
	c, e := isa.FMA(v.Copy(y[0]), y[2], k.four), isa.FMA(v.Copy(y[1]), y[3], k.four)
	store(3, isa.FMA(v.Copy(c), e, k.two))
	store(4, isa.FNMA(c, e, k.two))
	store(5, y[3])
}

func (v *transform) grad(rows, cols int) {
	name := fmt.Sprintf("grad%d%d", rows, cols)
	v.function(fmt.Sprintf("winoGrad%d%d", rows, cols), "func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int)",
		fmt.Sprintf("computes dM = A dy Aᵀ for a tile of %dx%d results; see winoGradGo.", rows, cols),
		"for blocks of 16 channels { t = A dy, column by column; for i in 6 { row i of dM = t[i] Aᵀ } }")
	src, srcStep := slice("src"), ints("srcStep")
	row, col := times(ints("row"), 3), ints("col")
	dst, dstStep, xi := slice("dst"), ints("dstStep"), times(ints("stride"), 5)
	k := consts{two: v.constant(2), four: v.constant(4)}
	p := GP64()
	v.blocks(name, src, srcStep, dst, dstStep, func(disp int) {
		t := make([][]value, 6)
		for i := range t {
			t[i] = make([]value, cols)
		}
		MOVQ(src, p)
		for j := range cols {
			Commentf("Column %d", j)
			y := make([]reg.VecVirtual, rows)
			for i := range y {
				y[i] = v.load(row.of(p, i, disp))
			}
			v.a(y, k, func(i int, x reg.VecVirtual) { t[i][j] = v.keep(x) })
			ADDQ(col, p)
		}
		MOVQ(dst, p)
		for i := range 6 {
			if i != 4 || rows == 4 {
				Commentf("Row %d of dM", i)
				y := make([]reg.VecVirtual, cols)
				for j := range y {
					y[j] = v.take(t[i][j])
				}
				v.a(y, k, func(j int, x reg.VecVirtual) { VMOVUPS(x, xi.of(p, j, disp)) })
			}
			LEAQ(xi.of(p, 4, 0), p)
			LEAQ(xi.of(p, 2, 0), p)
		}
	})
}
