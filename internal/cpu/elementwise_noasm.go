//go:build !amd64 || noasm

package cpu

// Without assembly no vector kernel takes the work, and the Go twins do it.

func reluVec(x, y []float32) bool                                     { return false }
func reluGradVec(dy, y, dx []float32) bool                            { return false }
func addVec(x, y, dst []float32) bool                                 { return false }
func mulVec(x, y, dst []float32) bool                                 { return false }
func axpyVec(a float32, x, y []float32) bool                          { return false }
func scaleVec(a float32, x []float32) bool                            { return false }
func scaleAddVec(a float32, y []float32, b float32, x []float32) bool { return false }
func sumSquaresVec(x []float32) (float64, bool)                       { return 0, false }
func addBiasVec(x, bias, y []float32, rows, c int) bool               { return false }
func splitSumVec(dx, x []float32, stride int, dz []float32, rows, c int, sums []float32, past bool) bool {
	return false
}
func sumRowsVec(x []float32, rows, c int, sums []float32) bool         { return false }
func statsVec(x, shift []float32, rows, c int, sum, sq []float32) bool { return false }
func scaleShiftVec(x, scale, shift, residual, y []float32, rows, c int, relu, past bool) bool {
	return false
}
func scaleShiftSignsVec(x, scale, shift, residual, y []float32, signs []uint16, rows, c int, past bool) bool {
	return false
}
func signsGradVec(dy []float32, signs []uint16, dx []float32, rows, c int) bool { return false }
func bnReduceVec(dy, x, mean []float32, m mask, rows, c int, sumG, sumGX []float32) bool {
	return false
}
func bnGradVec(dy, x []float32, m mask, k bnCoefficients, rows, c int, dx, dres []float32, past bool) bool {
	return false
}
func maxWindowVec(w *maxWindow, out []float32, arg []uint8, relu bool) bool          { return false }
func gatherWindowVec(g *gatherWindow, out []float32, past bool) bool                 { return false }
func adamVec(p, g, avg, sqr []float32, k *adamConstants) bool                        { return false }
func normWindowVec(w *maxWindow, scale, shift, out, top []float32, arg []uint8) bool { return false }
func normGatherVec(g *gatherWindow, x []float32, k *bnCoefficients, out []float32, past bool) bool {
	return false
}

func fence(past bool) {}
