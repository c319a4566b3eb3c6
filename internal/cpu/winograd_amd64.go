//go:build amd64 && !noasm

package cpu

import "math"

// The transforms at the active level. Assembly does not check bounds: callers
// pass slices that hold every element the contract names.

// winoInput computes V = Bᵀ d B; see winoInputGo.
func winoInput(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	switch level {
	case AVX512:
		winoInputAVX512(n, src, srcStep, row, col, dst, dstStep, stride)
	case AVX2:
		winoInputAVX2(n, src, srcStep, row, col, dst, dstStep, stride)
	default:
		winoInputGo(n, src, srcStep, row, col, dst, dstStep, stride)
	}
}

// winoGrad computes dM = A dy Aᵀ; see winoGradGo.
func winoGrad(n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	switch level {
	case AVX512:
		winoGradAVX512(n, src, srcStep, row, col, dst, dstStep, stride)
	case AVX2:
		winoGradAVX2(n, src, srcStep, row, col, dst, dstStep, stride)
	default:
		winoGradGo(n, src, srcStep, row, col, dst, dstStep, stride)
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
func winoOutput(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu bool) {
	if level == Generic {
		winoOutputGo(n, src, srcStep, stride, y, row, col, bias, res, resRow, resCol, relu)
		return
	}
	var b, r *float32
	floor := float32(0)
	if bias != nil || res != nil || relu {
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
	}
	if level == AVX512 {
		winoOutputAVX512(n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, floor)
		return
	}
	winoOutputAVX2(n, src, srcStep, stride, y, row, col, b, r, resRow, resCol, floor)
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
