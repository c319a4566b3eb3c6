//go:build (amd64 || arm64) && !noasm

package pixel

import "github.com/whippet-ml/whippet/internal/kernel/isa"

// AVX-512 would gain nothing here: AVX2's kernels are its own. Of a name there are
// kernels for each architecture, whose assembly is generated: see asm.
func init() {
	k := kernels{
		WeighRows: weighRowsVec,
		Columns:   columnsVec,
		Row:       rowVec,
		IDCT:      idctVec,
		YCC:       yccVec,
		Pick:      pickVec,
		Curve:     curveVec,
		Sample:    sampleVec,
	}
	for _, set := range []*isa.Set{isa.AVX2, isa.AVX512, isa.NEON} {
		table.Add(set, k)
	}
}

func weighRowsVec(dst, ring []float32, stride, lo, size int, w []float32) {
	if len(dst) == 0 {
		return
	}
	var rows [maxTaps]*float32
	for j := range w {
		rows[j] = &ring[(lo+j)%size*stride]
	}
	weighRowsVectors(&dst[0], len(dst), &rows[0], &w[0], len(w))
}

func columnsVec(dst, ring []uint8, stride, lo, size int, k []int32) {
	if len(dst) == 0 {
		return
	}
	var rows [maxTaps]*uint8
	for j := range k {
		rows[j] = &ring[(lo+j)%size*stride]
	}
	columnsVectors(&dst[0], len(dst), &rows[0], &k[0], len(k))
}

func rowVec(dst, src []uint8, t *FixedTaps) {
	rowVectors(&dst[0], &src[0], &t.First[0], &t.Count[0], &t.K[0], t.Size, len(t.First))
}

func idctVec(b *[64]int32, dst []uint8, stride int) { idctVectors(&b[0], &dst[0], stride) }

func yccVec(dst, y, cb, cr []uint8, n int) { yccVectors(&dst[0], &y[0], &cb[0], &cr[0], n) }

func pickVec(dst, src []float32, n int, t *Taps) {
	pickVectors(&dst[0], &src[0], &t.First[0], &t.Count[0], &t.W[0], t.Size, n)
}

func curveVec(c *ToneCurve, v []float32, scale, shift [3]float32) {
	if len(v) == 0 {
		return
	}
	var k, s [24]float32
	for i := range k {
		k[i], s[i] = scale[i%3], shift[i%3]
	}
	curveVectors(&v[0], len(v), &c.Cell[0].Value, &k[0], &s[0])
}

func sampleVec(dst []float32, n int, src []uint8, rowBytes int, limX, limY uint32, w *Walk) int {
	return sampleVectors(&dst[0], n, &src[0], rowBytes, limX, limY, w)
}
