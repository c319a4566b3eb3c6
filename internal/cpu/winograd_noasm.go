//go:build !amd64 || noasm

package cpu

// The transforms where there is no assembly: the portable ones.

func winoInput(shape winoShape, n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	winoInputGo(shape, n, src, srcStep, row, col, dst, dstStep, stride)
}

func winoGrad(shape winoShape, n int, src []float32, srcStep, row, col int, dst []float32, dstStep, stride int) {
	winoGradGo(shape, n, src, srcStep, row, col, dst, dstStep, stride)
}

func winoFilter(n int, src []float32, srcStep, tap int, dst []float32, dstStep, stride int) {
	winoFilterGo(n, src, srcStep, tap, dst, dstStep, stride)
}

func winoFilterGrad(n int, src []float32, srcStep, stride int, dst []float32, dstStep, tap int) {
	winoFilterGradGo(n, src, srcStep, stride, dst, dstStep, tap)
}

func winoOutput(shape winoShape, n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu bool) {
	winoOutputGo(shape, n, src, srcStep, stride, y, row, col, bias, res, resRow, resCol, relu)
}

func winoTranspose(n int, src []float32, srcRow int, dst []float32, dstRow int) {
	winoTransposeGo(n, src, srcRow, dst, dstRow)
}

func winoProduct(k int, a, b, c *float32, rows int, accumulate bool) {
	winoProductGo(k, a, b, c, rows, accumulate)
}

func winoPrefetch(*winoRegion, int) {}

func winoOutputPast(n int, src []float32, srcStep, stride int, y []float32, row, col int, bias, res []float32, resRow, resCol int, relu bool) {
	winoOutputGo(wino44, n, src, srcStep, stride, y, row, col, bias, res, resRow, resCol, relu)
}
