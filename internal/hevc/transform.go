package hevc

// scales are levelScale (8.6.3).
var scales = [6]int{40, 45, 51, 57, 64, 72}

// dequantize scales d.coeff (8.6.3).
func (d *Decoder) dequantize(b *block) {
	depth := d.depthOf(b.c)
	qp := d.componentQP(b.c)
	shift := uint(depth + b.log2 - 5)
	scale, round := int64(scales[qp%6]<<(qp/6)), int64(1)<<(shift-1)
	var factor []uint8
	if l := d.set.lists; l != nil && !(b.skip && b.log2 > 2) {
		factor = l.factor[b.log2-2][b.c]
	}
	for y := 0; y <= b.maxY; y++ {
		row := d.coeff[y<<b.log2:][:b.maxX+1]
		for x, v := range row {
			if v == 0 {
				continue
			}
			m := int64(16)
			if factor != nil {
				m = int64(factor[y<<b.log2+x])
			}
			row[x] = int32(max(-32768, min((int64(v)*m*scale+round)>>shift, 32767)))
		}
	}
}

func (d *Decoder) depthOf(c int) int {
	if c == 0 {
		return d.s.depthY
	}
	return d.s.depthC
}

// inverse transforms d.coeff into d.residual (8.6.4).
func (d *Decoder) inverse(b *block) {
	n := 1 << b.log2
	shift := uint(20 - d.depthOf(b.c))
	round := int32(1) << (shift - 1)
	switch {
	case b.skip:
		copy(d.residual[:n*n], d.coeff[:n*n])
		d.rotate(b)
		for i, v := range d.residual[:n*n] {
			d.residual[i] = (v<<(5+b.log2) + round) >> shift
		}
		d.accumulate(b)
	case b.c == 0 && b.log2 == 2:
		d.inverseDST(shift)
	case b.maxX == 0 && b.maxY == 0:
		v := ((64*d.coeff[0]+64)>>7*64 + round) >> shift
		for i := range d.residual[:n*n] {
			d.residual[i] = v
		}
	default:
		d.inverseDCT(b, shift)
	}
}

// rotate turns a 4×4 block of residuals by half a turn where the stream says that
// blocks without transform are (8.6.2).
func (d *Decoder) rotate(b *block) {
	if !d.s.rotateSkipped || b.log2 != 2 {
		return
	}
	for i := range 8 {
		d.residual[i], d.residual[15-i] = d.residual[15-i], d.residual[i]
	}
}

// accumulate sums residuals up along the direction of prediction (8.6.5, 8.6.6).
func (d *Decoder) accumulate(b *block) {
	if !b.rdpcm {
		return
	}
	n, r := 1<<b.log2, d.residual[:]
	for y := range n {
		for x := range n {
			if b.mode == 10 && x > 0 {
				r[y*n+x] += r[y*n+x-1]
			} else if b.mode == 26 && y > 0 {
				r[y*n+x] += r[(y-1)*n+x]
			}
		}
	}
}

// inverseDST is the inverse of the sine transform of 4×4 luma blocks (8.6.4.2).
func (d *Decoder) inverseDST(shift uint) {
	one := func(a, b, c, e int32) (int32, int32, int32, int32) {
		return 29*a + 74*b + 84*c + 55*e, 55*a + 74*b - 29*c - 84*e, 74*a - 74*c + 74*e, 84*a - 74*b + 55*c - 29*e
	}
	var t [16]int32
	for x := range 4 {
		p, q, r, s := one(d.coeff[x], d.coeff[4+x], d.coeff[8+x], d.coeff[12+x])
		t[x], t[4+x], t[8+x], t[12+x] = clip16((p+64)>>7), clip16((q+64)>>7), clip16((r+64)>>7), clip16((s+64)>>7)
	}
	round := int32(1) << (shift - 1)
	for y := 0; y < 16; y += 4 {
		p, q, r, s := one(t[y], t[y+1], t[y+2], t[y+3])
		d.residual[y], d.residual[y+1], d.residual[y+2], d.residual[y+3] = (p+round)>>shift, (q+round)>>shift, (r+round)>>shift, (s+round)>>shift
	}
}

func clip16(v int32) int32 { return max(-32768, min(v, 32767)) }

// cosines are transMatrix for 32 points (8.6.4.2); smaller transforms take every second, fourth or eighth row.
var cosines [32][32]int32

func init() {
	quarter := [33]int32{64, 90, 90, 90, 89, 88, 87, 85, 83, 82, 80, 78, 75, 73, 70, 67, 64, 61, 57, 54, 50, 46, 43, 38, 36, 31, 25, 22, 18, 13, 9, 4, 0}
	for k := range 32 {
		for n := range 32 {
			a := (2*n + 1) * k % 128
			if a > 64 {
				a = 128 - a
			}
			if a > 32 {
				cosines[k][n] = -quarter[64-a]
			} else {
				cosines[k][n] = quarter[a]
			}
		}
	}
}

// inverseDCT is the inverse of the cosine transform: columns, then rows. Beyond
// the largest positions all coefficients are zero. Even rows of the matrix are
// symmetric, odd ones antisymmetric, so that half of the products make both halves.
func (d *Decoder) inverseDCT(b *block, shift uint) {
	n, step := 1<<b.log2, 32>>b.log2
	half := n / 2
	for x := 0; x <= b.maxX; x++ {
		var even, odd [16]int32
		for k := 0; k <= b.maxY; k++ {
			v := d.coeff[k<<b.log2+x]
			if v == 0 {
				continue
			}
			sum := even[:half]
			if k&1 == 1 {
				sum = odd[:half]
			}
			for i, c := range cosines[k*step][:half] {
				sum[i] += c * v
			}
		}
		for i := range half {
			d.work[i<<b.log2+x] = clip16((even[i] + odd[i] + 64) >> 7)
			d.work[(n-1-i)<<b.log2+x] = clip16((even[i] - odd[i] + 64) >> 7)
		}
	}
	round := int32(1) << (shift - 1)
	for y := range n {
		var even, odd [16]int32
		for k, v := range d.work[y<<b.log2:][:b.maxX+1] {
			if v == 0 {
				continue
			}
			sum := even[:half]
			if k&1 == 1 {
				sum = odd[:half]
			}
			for i, c := range cosines[k*step][:half] {
				sum[i] += c * v
			}
		}
		row := d.residual[y<<b.log2:][:n]
		for i := range half {
			row[i] = (even[i] + odd[i] + round) >> shift
			row[n-1-i] = (even[i] - odd[i] + round) >> shift
		}
	}
}

// add adds the residual to the predicted block.
func (d *Decoder) add(c, x, y, log2 int) {
	pl := &d.p.planes[c]
	top := int32(1)<<pl.Depth - 1
	n := 1 << log2
	for v := range n {
		row := pl.Pix[(y+v)*pl.Stride+x:][:n]
		for i, r := range d.residual[v<<log2:][:n] {
			row[i] = uint16(max(0, min(int32(row[i])+r, top)))
		}
	}
}
