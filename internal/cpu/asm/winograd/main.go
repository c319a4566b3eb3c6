// Command winograd generates ../../winograd_amd64.s and its Go declarations:
// the transforms of Winograd's F(4x4,3x3) for AVX-512 and AVX2. Their contract
// and their Go twins are in winograd_transform.go.
package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, v := range []*isa{avx512, avx2} {
		for _, rows := range []int{4, 3} {
			for _, cols := range []int{4, 3} {
				v.input(rows, cols)
				v.grad(rows, cols)
				v.output(rows, cols, "")
			}
		}
		v.output(4, 4, "Past")
		v.filter()
		v.filterGrad()
		v.transpose()
		v.product()
	}
	prefetch()
	Generate()
}

func constName(x float32) string {
	return "wino_" + strings.NewReplacer(".", "_", "-", "m", "+", "").Replace(fmt.Sprintf("%g", x))
}

// blocks loops over n blocks: body handles one half of one block at byte
// displacement disp, then src and dst move on.
func (v *isa) blocks(name string, src, srcStep, dst, dstStep reg.GPVirtual, body func(disp int)) {
	n := GP64()
	Load(Param("n"), n)
	TESTQ(n, n)
	JLE(LabelRef(name + "_done"))
	Label(name + "_block")
	for h := range v.halves() {
		body(h * v.width)
		v.release()
	}
	ADDQ(srcStep, src)
	ADDQ(dstStep, dst)
	DECQ(n)
	JNZ(LabelRef(name + "_block"))
	Label(name + "_done")
	VZEROUPPER()
	RET()
}

// points lists the points of a tile side: one of four results uses all six,
// one of three leaves out -2.
func points(side int) []int {
	if side == 4 {
		return []int{0, 1, 2, 3, 4, 5}
	}
	return []int{0, 1, 2, 3, 5}
}

// bt computes Bᵀd into store. d is overwritten.
func (v *isa) bt(d []reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	if len(d) == 5 {
		v.bt3(d, k, store)
		return
	}
	c, e := v.sub(d[4], d[2]), v.sub(d[3], d[1])
	VSUBPS(d[2], d[0], d[0]) // d0-d2
	VSUBPS(d[3], d[5], d[5]) // d5-d3
	fnma(d[4], d[2], k.four) // a = d4-4*d2
	fnma(d[3], d[1], k.four) // b = d3-4*d1
	VFMADD213PS(c, k.four, d[0])
	store(0, d[0])
	store(1, v.add(d[4], d[3]))
	store(2, v.sub(d[4], d[3]))
	store(3, fma(v.copy(c), e, k.two))
	store(4, fnma(c, e, k.two))
	store(5, fnma(d[5], e, k.four))
}

// bt3 is bt for a side of three.
func (v *isa) bt3(d []reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	e := v.sub(d[3], d[1])
	VSUBPS(d[2], d[0], d[0])
	r := v.mul(e, k.two)
	store(0, fma(v.copy(r), d[0], k.four))
	VSUBPS(d[2], d[4], d[4])
	store(5, v.sub(d[4], r))
	v.bt3middle(d[1], d[2], e, k, store)
}

// bt3middle computes elements 1, 2 and 3 of bt3 from d1, d2 and e = d3-d1:
// 3*(e-d1-d2), e+3*(d1-d2) and 4*e.
func (v *isa) bt3middle(d1, d2, e reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	s := v.sub(e, d1)
	VSUBPS(d2, s, s)
	VMULPS(k.three, s, s)
	store(1, s)
	VSUBPS(d2, d1, d1)
	store(2, fma(v.copy(e), d1, k.three))
	store(3, v.mul(e, k.four))
}

// consts are the constants of the transforms.
type consts struct{ two, three, four reg.VecVirtual }

func (v *isa) input(rows, cols int) {
	name := fmt.Sprintf("input%d%d", rows, cols)
	v.function(fmt.Sprintf("winoInput%d%d", rows, cols), "func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int)",
		fmt.Sprintf("computes V = Bᵀ d B for a tile of %dx%d results; see winoInputGo.", rows, cols))
	src, srcStep, col := slice("src"), ints("srcStep"), ints("col")
	row := times(ints("row"), 5)
	dst, dstStep, xi := slice("dst"), ints("dstStep"), times(ints("stride"), 5)
	k := consts{two: v.constant(2), four: v.constant(4)}
	if rows == 3 || cols == 3 {
		k.three = v.constant(3)
	}
	p := GP64()
	v.blocks(name, src, srcStep, dst, dstStep, func(disp int) {
		// finish transforms one row of Bᵀd along the row and stores it as
		// a row of V; p walks down V.
		finish := func(d []value) {
			r := make([]reg.VecVirtual, len(d))
			for j := range r {
				r[j] = v.take(d[j])
			}
			v.bt(r, k, func(j int, x reg.VecVirtual) { VMOVUPS(x, xi.of(p, j, disp)) })
		}
		down := func(rows int) {
			for range rows {
				LEAQ(xi.of(p, 4, 0), p)
				LEAQ(xi.of(p, 2, 0), p)
			}
		}
		t := make([][]value, 6)
		for i := range t {
			t[i] = make([]value, cols+2)
		}
		last := cols + 1
		middle := rows // the last point of the middle group

		Commentf("Rows 1 to %d of B'd, column by column", middle)
		MOVQ(src, p)
		for j := range cols + 2 {
			keep := func(i int, x reg.VecVirtual) { t[i][j] = v.keep(x) }
			d1, d2, d3 := v.load(row.of(p, 1, disp)), v.load(row.of(p, 2, disp)), v.load(row.of(p, 3, disp))
			if rows == 3 {
				VSUBPS(d1, d3, d3)
				v.bt3middle(d1, d2, d3, k, keep)
			} else {
				d4 := v.load(row.of(p, 4, disp))
				c, e := v.sub(d4, d2), v.sub(d3, d1)
				fnma(d4, d2, k.four)
				fnma(d3, d1, k.four)
				keep(1, v.add(d4, d3))
				keep(2, v.sub(d4, d3))
				keep(3, fma(v.copy(c), e, k.two))
				keep(4, fnma(c, e, k.two))
			}
			if j < last {
				ADDQ(col, p)
			}
		}
		Commentf("Rows 1 to %d of V", middle)
		MOVQ(dst, p)
		for i := 1; i <= middle; i++ {
			down(1)
			finish(t[i])
		}
		v.release()

		if rows == 3 {
			Comment("Rows 0 and 5: 4*(d0-d2) + 2*(d3-d1) and d4-d2 - 2*(d3-d1)")
			MOVQ(src, p)
			for j := range cols + 2 {
				e := v.load(row.of(p, 3, disp))
				VSUBPS(row.of(p, 1, disp), e, e)
				VMULPS(k.two, e, e)
				d2, d0 := v.load(row.of(p, 2, disp)), v.load(row.of(p, 0, disp))
				VSUBPS(d2, d0, d0)
				d4 := v.load(row.of(p, 4, disp))
				VSUBPS(d2, d4, d4)
				VSUBPS(e, d4, d4)
				t[5][j] = v.keep(d4)
				t[0][j] = v.keep(fma(e, d0, k.four))
				if j < last {
					ADDQ(col, p)
				}
			}
			MOVQ(dst, p)
			finish(t[0])
			down(5)
			finish(t[5])
			return
		}

		Comment("Row 0: d4-d2 + 4*(d0-d2)")
		MOVQ(src, p)
		for j := range cols + 2 {
			d2 := v.load(row.of(p, 2, disp))
			c, d0 := v.load(row.of(p, 4, disp)), v.load(row.of(p, 0, disp))
			VSUBPS(d2, c, c)
			VSUBPS(d2, d0, d0)
			t[0][j] = v.keep(fma(c, d0, k.four))
			ADDQ(col, p)
		}
		MOVQ(dst, p)
		finish(t[0])
		v.release()

		Comment("Row 5: d5-d3 - 4*(d3-d1)")
		MOVQ(src, p)
		for j := range cols + 2 {
			d3 := v.load(row.of(p, 3, disp))
			d5 := v.load(row.of(p, 5, disp))
			VSUBPS(d3, d5, d5)
			VSUBPS(row.of(p, 1, disp), d3, d3)
			t[5][j] = v.keep(fnma(d5, d3, k.four))
			ADDQ(col, p)
		}
		MOVQ(dst, p)
		down(5)
		finish(t[5])
	})
}

// a computes A y into store.
func (v *isa) a(y []reg.VecVirtual, k consts, store func(i int, x reg.VecVirtual)) {
	store(0, y[0])
	if len(y) == 3 {
		s := v.add(y[0], y[2])
		store(1, v.add(s, y[1]))
		store(2, v.sub(s, y[1]))
		c := fma(v.copy(y[0]), y[1], k.two)
		store(3, fma(c, y[2], k.four))
		store(5, y[2])
		return
	}
	a, b := v.add(y[0], y[2]), v.add(y[1], y[3])
	store(1, v.add(a, b))
	store(2, v.sub(a, b))
	c, e := fma(v.copy(y[0]), y[2], k.four), fma(v.copy(y[1]), y[3], k.four)
	store(3, fma(v.copy(c), e, k.two))
	store(4, fnma(c, e, k.two))
	store(5, y[3])
}

func (v *isa) grad(rows, cols int) {
	name := fmt.Sprintf("grad%d%d", rows, cols)
	v.function(fmt.Sprintf("winoGrad%d%d", rows, cols), "func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int)",
		fmt.Sprintf("computes dM = A dy Aᵀ for a tile of %dx%d results; see winoGradGo.", rows, cols))
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

func (v *isa) filter() {
	v.function("winoFilter", "func(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int)",
		"computes U = G g Gᵀ; see winoFilterGo.")
	src, srcStep, tap := slice("src"), ints("srcStep"), times(ints("tap"), 3)
	dst, dstStep, xi := slice("dst"), ints("dstStep"), times(ints("stride"), 5)
	quarter, twelfth := v.constant(1.0/4), v.constant(1.0/12)
	sixth, m24 := v.constant(1.0/6), v.constant(1.0/24)
	p := GP64()
	tap6 := GP64()
	LEAQ(Mem{Base: tap.s3, Index: tap.s3, Scale: 1}, tap6)
	// g computes the six elements of G x.
	g := func(x [3]reg.VecVirtual, store func(i int, x reg.VecVirtual)) {
		store(0, v.mul(x[0], quarter))
		a, b := v.mul(v.add(x[0], x[2]), sixth), v.mul(x[1], sixth)
		// -(g0+g2)/6 - g1/6 and -(g0+g2)/6 + g1/6
		s, z := v.add(a, b), v.vec()
		VXORPS(z, z, z)
		store(1, v.sub(z, s))
		store(2, v.sub(b, a))
		c, d := fma(v.mul(x[0], m24), x[2], sixth), v.mul(x[1], twelfth)
		store(3, v.add(c, d))
		store(4, v.sub(c, d))
		store(5, x[2])
	}
	v.blocks("filter", src, srcStep, dst, dstStep, func(disp int) {
		var t [6][3]value
		MOVQ(src, p)
		for j := range 3 {
			x := [3]reg.VecVirtual{v.load(tap.of(p, 0, disp)), v.load(tap.of(p, 3, disp)),
				v.load(Mem{Base: p, Index: tap6, Scale: 1, Disp: disp})}
			g(x, func(i int, x reg.VecVirtual) { t[i][j] = v.keep(x) })
			ADDQ(tap.s, p)
		}
		MOVQ(dst, p)
		for i := range 6 {
			Commentf("Row %d of U", i)
			g([3]reg.VecVirtual{v.take(t[i][0]), v.take(t[i][1]), v.take(t[i][2])},
				func(j int, x reg.VecVirtual) { VMOVUPS(x, xi.of(p, j, disp)) })
			LEAQ(xi.of(p, 4, 0), p)
			LEAQ(xi.of(p, 2, 0), p)
		}
	})
}

func (v *isa) filterGrad() {
	v.function("winoFilterGrad", "func(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int)",
		"computes dg = Gᵀ dU G; see winoFilterGradGo.")
	src, srcStep, xi := slice("src"), ints("srcStep"), times(ints("stride"), 5)
	dst, dstStep, tap := slice("dst"), ints("dstStep"), times(ints("tap"), 3)
	quarter, twelfth := v.constant(1.0/4), v.constant(1.0/12)
	sixth, m24 := v.constant(1.0/6), v.constant(1.0/24)
	p := GP64()
	// gt computes the three elements of Gᵀu.
	gt := func(u [6]reg.VecVirtual, store func(i int, x reg.VecVirtual)) {
		s1, d1 := v.add(u[1], u[2]), v.sub(u[2], u[1])
		s2, d2 := v.add(u[3], u[4]), v.sub(u[3], u[4])
		o := v.mul(u[0], quarter)
		fnma(o, s1, sixth)
		store(0, fma(o, s2, m24))
		o = v.mul(d1, sixth)
		store(1, fma(o, d2, twelfth))
		VSUBPS(s1, s2, s2)
		store(2, fma(u[5], s2, sixth))
	}
	v.blocks("filterGrad", src, srcStep, dst, dstStep, func(disp int) {
		Comment("Rows of dU: dU G")
		var t [3][6]value
		MOVQ(src, p)
		for i := range 6 {
			var u [6]reg.VecVirtual
			for j := range u {
				u[j] = v.load(xi.of(p, j, disp))
			}
			gt(u, func(j int, x reg.VecVirtual) { t[j][i] = v.keep(x) })
			LEAQ(xi.of(p, 4, 0), p)
			LEAQ(xi.of(p, 2, 0), p)
		}
		MOVQ(dst, p)
		for j := range 3 {
			Commentf("Column %d of dg", j)
			var u [6]reg.VecVirtual
			for i := range u {
				u[i] = v.take(t[j][i])
			}
			q := GP64()
			MOVQ(p, q)
			gt(u, func(i int, x reg.VecVirtual) {
				VMOVUPS(x, Mem{Base: q, Disp: disp})
				if i < 2 {
					ADDQ(tap.s3, q)
				}
			})
			ADDQ(tap.s, p)
		}
	})
}
