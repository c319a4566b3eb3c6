//go:build amd64 && !noasm

package cpu

import "math"

// The transforms at the active level. Assembly does not check bounds: callers
// pass slices that hold every element the contract names.

// The kernels of the tile shapes, by level.
var (
	winoInputs = [...][winoShapes]func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int){
		AVX2:   {winoInput43AVX2, winoInput44AVX2, winoInput34AVX2, winoInput33AVX2},
		AVX512: {winoInput43AVX512, winoInput44AVX512, winoInput34AVX512, winoInput33AVX512},
	}
	winoGrads = [...][winoShapes]func(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int){
		AVX2:   {winoGrad43AVX2, winoGrad44AVX2, winoGrad34AVX2, winoGrad33AVX2},
		AVX512: {winoGrad43AVX512, winoGrad44AVX512, winoGrad34AVX512, winoGrad33AVX512},
	}
	winoOutputs = [...][winoShapes]func(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res *float32, resRow, resCol int, floor float32){
		AVX2:   {winoOutput43AVX2, winoOutput44AVX2, winoOutput34AVX2, winoOutput33AVX2},
		AVX512: {winoOutput43AVX512, winoOutput44AVX512, winoOutput34AVX512, winoOutput33AVX512},
	}
)

// winoInput computes V = Bᵀ d B; see winoInputGo.
func winoInput(shape winoShape, n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	if level == Generic {
		winoInputGo(shape, n, src, srcStep, row, col, dst, dstStep, stride)
		return
	}
	winoInputs[level][shape](n, src, srcStep, row, col, dst, dstStep, stride)
}

// winoGrad computes dM = A dy Aᵀ; see winoGradGo.
func winoGrad(shape winoShape, n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	if level == Generic {
		winoGradGo(shape, n, src, srcStep, row, col, dst, dstStep, stride)
		return
	}
	winoGrads[level][shape](n, src, srcStep, row, col, dst, dstStep, stride)
}

// winoProduct computes C = A*B or C += A*B; see winoProductGo.
func winoProduct(k int, a, b, c *float32, rows int, accumulate bool) {
	switch level {
	case AVX512:
		winoProductAVX512(k, a, b, c, rows, accumulate)
	case AVX2:
		winoProductAVX2(k, a, b, c, rows, accumulate)
	default:
		winoProductGo(k, a, b, c, rows, accumulate)
	}
}

// winoFilter computes U = G g Gᵀ; see winoFilterGo.
func winoFilter(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int) {
	switch level {
	case AVX512:
		winoFilterAVX512(n, src, srcStep, tap, dst, dstStep, stride)
	case AVX2:
		winoFilterAVX2(n, src, srcStep, tap, dst, dstStep, stride)
	default:
		winoFilterGo(n, src, srcStep, tap, dst, dstStep, stride)
	}
}

// winoFilterGrad computes dg = Gᵀ dU G; see winoFilterGradGo.
func winoFilterGrad(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int) {
	switch level {
	case AVX512:
		winoFilterGradAVX512(n, src, srcStep, stride, dst, dstStep, tap)
	case AVX2:
		winoFilterGradAVX2(n, src, srcStep, stride, dst, dstStep, tap)
	default:
		winoFilterGradGo(n, src, srcStep, stride, dst, dstStep, tap)
	}
}

// winoNoBias is the bias of an epilogue that has none.
var winoNoBias [maxTileCols]float32

// winoOutput computes y = Aᵀ M A with its epilogue; see winoOutputGo.
func winoOutput(shape winoShape, n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu bool) {
	if level == Generic {
		winoOutputGo(shape, n, src, srcStep, stride, y, row, col, bias, res, resRow, resCol, relu)
		return
	}
	b, r, floor := winoEnds(bias, res, relu)
	winoOutputs[level][shape](n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, floor)
}

// winoEnds returns an epilogue as the assembly takes it; b is nil when there is
// none.
func winoEnds(bias, res []float32, relu bool) (b, r *float32, floor float32) {
	if bias == nil && res == nil && !relu {
		return nil, nil, 0
	}
	b = &winoNoBias[0]
	if bias != nil {
		b = &bias[0]
	}
	if res != nil {
		r = &res[0]
	}
	if !relu {
		floor = float32(math.Inf(-1))
	}
	return b, r, floor
}

// winoTranspose turns n blocks of 16x16; see winoTransposeGo.
func winoTranspose(n int, src []float32, srcRow int, dst []float32, dstRow int) {
	switch level {
	case AVX512:
		winoTransposeAVX512(n, src, srcRow, dst, dstRow)
	case AVX2:
		winoTransposeAVX2(n, src, srcRow, dst, dstRow)
	default:
		winoTransposeGo(n, src, srcRow, dst, dstRow)
	}
}

// winoPrefetch asks for the next n lines of r.
func winoPrefetch(r *winoRegion, n int) {
	if level != Generic {
		winoPrefetchLines(r, n)
	}
}

// winoOutputPast is winoOutput of whole 4x4 tiles, into lines of 64 bytes that
// are stored past the caches. fence(true) must follow.
func winoOutputPast(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu bool) {
	b, r, floor := winoEnds(bias, res, relu)
	if level == AVX512 {
		winoOutput44PastAVX512(n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, floor)
		return
	}
	winoOutput44PastAVX2(n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, floor)
}
