//go:build amd64 && !noasm

package cpu

import "unsafe"

// The assembly is generated: see asm/elementwise. Each function below packs
// its slices for a kernel and reports whether the active level has one; if
// not, the caller runs the Go twin.

// rowArgs is the argument of the kernels that go through rows of c floats:
// pointers, counts, and constants. A flat kernel has one row. The assembly is
// generated with the offsets of its fields: after a change, run go generate in
// asm; so for windowArgs.
type rowArgs struct {
	p       [9]*float32
	rows, c int
	stride  int // of the streams that the kernel lets be strided
	k       [8]float32
}

// ptr returns the address of s's first element, or of where it would be.
func ptr(s []float32) *float32 { return unsafe.SliceData(s) }

func reluVec(x, y []float32) bool {
	return len(x) == 0 || ewReLU(&rowArgs{p: [9]*float32{ptr(x), ptr(y)}, rows: 1, c: len(x)})
}

func reluGradVec(dy, y, dx []float32) bool {
	return len(dx) == 0 || ewReLUGrad(&rowArgs{p: [9]*float32{ptr(dy), ptr(y), ptr(dx)}, rows: 1, c: len(dx)})
}

func addVec(x, y, dst []float32) bool {
	return len(x) == 0 || ewAdd(&rowArgs{p: [9]*float32{ptr(x), ptr(y), ptr(dst)}, rows: 1, c: len(x)})
}

func mulVec(x, y, dst []float32) bool {
	return len(x) == 0 || ewMul(&rowArgs{p: [9]*float32{ptr(x), ptr(y), ptr(dst)}, rows: 1, c: len(x)})
}

func axpyVec(a float32, x, y []float32) bool {
	return len(x) == 0 || ewAXPY(&rowArgs{p: [9]*float32{ptr(x), ptr(y)}, rows: 1, c: len(x), k: [8]float32{a}})
}

func scaleVec(a float32, x []float32) bool {
	return len(x) == 0 || ewScale(&rowArgs{p: [9]*float32{ptr(x)}, rows: 1, c: len(x), k: [8]float32{a}})
}

func scaleAddVec(a float32, y []float32, b float32, x []float32) bool {
	return len(x) == 0 || ewScaleAdd(&rowArgs{p: [9]*float32{ptr(y), ptr(x)}, rows: 1, c: len(x), k: [8]float32{a, b}})
}

func sumSquaresVec(x []float32) (float64, bool) {
	n := len(x) &^ 31 // a multiple of what every level takes at once
	if n == 0 {
		return 0, false
	}
	var sums [8]float64
	if !ewSumSquares(&rowArgs{p: [9]*float32{ptr(x), (*float32)(unsafe.Pointer(&sums))}, c: n}) {
		return 0, false
	}
	s := ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
	return s + sumSquaresGo(x[n:]), true
}

func addBiasVec(x, bias, y []float32, rows, c int) bool {
	return ewAddBias(&rowArgs{p: [9]*float32{ptr(x), ptr(y), ptr(bias)}, rows: rows, c: c})
}

func splitSumVec(dx, x []float32, stride int, dz []float32, rows, c int, sums []float32, past bool) bool {
	a := rowArgs{p: [9]*float32{ptr(dx), ptr(x), ptr(dz), ptr(sums)}, rows: rows, c: c, stride: stride}
	switch {
	case x != nil && past:
		return ewSplitSumReLUPast(&a)
	case x != nil:
		return ewSplitSumReLU(&a)
	case past:
		return ewSplitSumPast(&a)
	}
	return ewSplitSum(&a)
}

func sumRowsVec(x []float32, rows, c int, sums []float32) bool {
	return ewSumRows(&rowArgs{p: [9]*float32{ptr(x), ptr(sums)}, rows: rows, c: c})
}

func statsVec(x, shift []float32, rows, c int, sum, sq []float32) bool {
	return ewStats(&rowArgs{p: [9]*float32{ptr(x), ptr(shift), ptr(sum), ptr(sq)}, rows: rows, c: c})
}

func scaleShiftVec(x, scale, shift, residual, y []float32, rows, c int, relu, past bool) bool {
	a := rowArgs{p: [9]*float32{ptr(x), ptr(y), ptr(scale), ptr(shift), ptr(residual)}, rows: rows, c: c}
	switch {
	case past && residual != nil && relu:
		return ewScaleShiftAddReLUPast(&a)
	case past && residual != nil:
		return ewScaleShiftAddPast(&a)
	case past && relu:
		return ewScaleShiftReLUPast(&a)
	case past:
		return ewScaleShiftPast(&a)
	case residual != nil && relu:
		return ewScaleShiftAddReLU(&a)
	case residual != nil:
		return ewScaleShiftAdd(&a)
	case relu:
		return ewScaleShiftReLU(&a)
	}
	return ewScaleShift(&a)
}

func scaleShiftSignsVec(x, scale, shift, residual, y []float32, signs []uint16, rows, c int, past bool) bool {
	a := rowArgs{p: [9]*float32{ptr(x), ptr(y), ptr(scale), ptr(shift), ptr(residual), wordPtr(signs)}, rows: rows, c: c}
	switch {
	case past && residual != nil:
		return ewScaleShiftAddReLUSignsPast(&a)
	case past:
		return ewScaleShiftReLUSignsPast(&a)
	case residual != nil:
		return ewScaleShiftAddReLUSigns(&a)
	}
	return ewScaleShiftReLUSigns(&a)
}

// wordPtr is ptr for words of signs, as rowArgs has it.
func wordPtr(s []uint16) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(s))) }

func signsGradVec(dy []float32, signs []uint16, dx []float32, rows, c int) bool {
	return ewSignsGrad(&rowArgs{p: [9]*float32{ptr(dy), wordPtr(signs), ptr(dx)}, rows: rows, c: c})
}

func bnReduceVec(dy, x, mean []float32, m mask, rows, c int, sumG, sumGX []float32) bool {
	a := rowArgs{p: [9]*float32{ptr(dy), ptr(x), ptr(m.y), ptr(mean), ptr(sumG), ptr(sumGX), nil, ptr(m.scale), ptr(m.shift)}, rows: rows, c: c}
	switch {
	case m.y != nil:
		return ewBNReduceY(&a)
	case m.signs != nil:
		a.p[2] = wordPtr(m.signs)
		return ewBNReduceSigns(&a)
	case m.scale != nil:
		return ewBNReduceX(&a)
	}
	return ewBNReduce(&a)
}

// bnGradVec has no kernel for masks by y.
func bnGradVec(dy, x []float32, m mask, k bnCoefficients, rows, c int, dx, dres []float32, past bool) bool {
	a := rowArgs{p: [9]*float32{ptr(dy), ptr(x), ptr(dx), ptr(k.mean), ptr(k.a), ptr(k.b), ptr(k.d), wordPtr(m.signs), ptr(dres)}, rows: rows, c: c}
	switch {
	case m.y != nil:
		return false
	case m.scale != nil:
		a.p[7], a.p[8] = ptr(m.scale), ptr(m.shift)
		return dres == nil && ewBNGradX(&a)
	case m.signs != nil && dres == nil:
		return ewBNGradSigns(&a)
	case m.signs != nil && past:
		return ewBNGradSignsResPast(&a)
	case m.signs != nil:
		return ewBNGradSignsRes(&a)
	case dres == nil:
		return ewBNGrad(&a)
	case past:
		return ewBNGradResPast(&a)
	}
	return ewBNGradRes(&a)
}

func adamVec(p, g, avg, sqr []float32, k *adamConstants) bool {
	return len(p) == 0 || ewAdam(&rowArgs{p: [9]*float32{ptr(p), ptr(g), ptr(avg), ptr(sqr)}, rows: 1, c: len(p),
		k: [8]float32{k.decay, k.mom, k.damp, k.sqrMom, k.sqrInv, k.debias, k.eps, k.step}})
}

// windowArgs is the argument of the pooling kernels. The skips and steps are
// what is added on from one pixel to the next and, besides, from the last of a
// row to the first of the next.
type windowArgs struct {
	src              *float32
	arg              *uint8
	out              *float32
	rows, cols       int
	rowSkip, c       int
	first            int
	colStep, rowStep int
	more             [5]*float32 // see normWindowVec and normGatherVec
}

// windowLanes is how many channels the pooling kernels need at least.
func windowLanes() int {
	switch level {
	case AVX512:
		return 16
	case AVX2:
		return 8
	}
	return 1 << 30
}

func maxWindowVec(w *maxWindow, out []float32, arg []uint8, relu bool) bool {
	if w.c < windowLanes() {
		return false
	}
	a := windowArgs{
		src: ptr(w.x), arg: unsafe.SliceData(arg), out: ptr(out),
		rows: w.rows, cols: w.cols, rowSkip: w.rowStride - w.cols*w.c, c: w.c,
		first: w.first, colStep: 1, rowStep: w.rowStep - w.cols,
	}
	switch {
	case arg != nil && relu:
		return ewMaxWindowArgReLU(&a)
	case arg != nil:
		return ewMaxWindowArg(&a)
	}
	return ewMaxWindow(&a)
}

func gatherWindowVec(g *gatherWindow, out []float32, past bool) bool {
	if g.c < windowLanes() {
		return false
	}
	a := windowArgs{
		src: ptr(g.dy), arg: unsafe.SliceData(g.arg), out: ptr(out),
		rows: g.rows, cols: g.cols, rowSkip: g.rowStride - g.cols*g.c, c: g.c,
		first: g.first, colStep: -g.colStep, rowStep: g.cols*g.colStep - g.rowStep,
	}
	if past {
		return ewGatherWindowPast(&a)
	}
	return ewGatherWindow(&a)
}

func normWindowVec(w *maxWindow, scale, shift, out, top []float32, arg []uint8) bool {
	if w.c < windowLanes() {
		return false
	}
	return ewNormWindow(&windowArgs{
		src: ptr(w.x), arg: unsafe.SliceData(arg), out: ptr(out),
		rows: w.rows, cols: w.cols, rowSkip: w.rowStride - w.cols*w.c, c: w.c,
		first: w.first, colStep: 1, rowStep: w.rowStep - w.cols,
		more: [5]*float32{ptr(scale), ptr(shift), ptr(top)},
	})
}

func normGatherVec(g *gatherWindow, x []float32, k *bnCoefficients, out []float32, past bool) bool {
	if g.c < windowLanes() {
		return false
	}
	a := windowArgs{
		src: ptr(g.dy), arg: unsafe.SliceData(g.arg), out: ptr(out),
		rows: g.rows, cols: g.cols, rowSkip: g.rowStride - g.cols*g.c, c: g.c,
		first: g.first, colStep: -g.colStep, rowStep: g.cols*g.colStep - g.rowStep,
		more: [5]*float32{ptr(x), ptr(k.mean), ptr(k.a), ptr(k.b), ptr(k.d)},
	}
	if past {
		return ewNormGatherPast(&a)
	}
	return ewNormGather(&a)
}

// fence is ewFence when past.
func fence(past bool) {
	if past {
		ewFence()
	}
}
