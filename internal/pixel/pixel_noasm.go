//go:build !amd64 || noasm

package pixel

// Without assembly the Go twins do all the work; these are never called.
const assembled = false

func weighRowsVec(dst, ring []float32, stride, lo, size int, w []float32)          {}
func columnsVec(dst, ring []uint8, stride, lo, size int, k []uint32)               {}
func rowVec(dst, src []uint8, first, count []int32, k []uint32, size int)          {}
func idctVec(b *[64]int32, dst []uint8, stride int)                                {}
func yccVec(dst, y, cb, cr []uint8, n int)                                         {}
func pickVec(dst, src []float32, first, count []int32, weight []float32, size int) {}
func curveVec(c *Curve, v []float32, scale, shift [3]float32)                      {}
func sampleVec(dst []float32, n int, src []uint8, rowBytes int, limX, limY uint32, k *Walk) int {
	return 0
}
