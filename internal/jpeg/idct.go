package jpeg

import "github.com/whippet-ml/whippet/internal/kernel/pixel"

// The inverse DCT of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT
// algorithms with 11 multiplications", ICASSP 1989) in the fixed point that
// libjpeg's jidctint uses: 13-bit constants, two extra bits kept between the
// passes, columns first. The rounding is part of the result, so the order of
// operations and these constants are not free.

const (
	constBits = 13
	passBits  = 2

	c0298 = 2446  // 0.298631336
	c0390 = 3196  // 0.390180644
	c0541 = 4433  // 0.541196100
	c0765 = 6270  // 0.765366865
	c0899 = 7373  // 0.899976223
	c1175 = 9633  // 1.175875602
	c1501 = 12299 // 1.501321110
	c1847 = 15137 // 1.847759065
	c1961 = 16069 // 1.961570560
	c2053 = 16819 // 2.053119869
	c2562 = 20995 // 2.562915447
	c3072 = 25172 // 3.072711026
)

// dequantize multiplies a coefficient by its step. The product of a sound
// picture has 16 bits; what corrupt data brings beyond is cut off, as in
// libjpeg, which also keeps the transform from overflowing.
func dequantize(v, step int32) int32 { return int32(int16(v * step)) }

// idct writes the 8×8 samples of block b, rows stride apart. Bit i of mask is
// clear only where b[i] is zero; columns and blocks without AC coefficients
// are done in short, with the same result. b is overwritten.
func idct(b *[64]int32, mask uint64, dst []uint8, stride int) {
	if mask == 1 {
		v := clamp((b[0]<<passBits+1<<(passBits+2))>>(passBits+3) + 128)
		flat := uint64(v) * 0x0101010101010101
		for y := range 8 {
			put8(dst[y*stride:], flat)
		}
		return
	}
	if pixel.IDCT(b, dst, stride) {
		return
	}
	for x := range 8 {
		if mask&(0x0101010101010101<<x) == 0 {
			continue // the column is zero and stays so
		}
		if mask&(0x0101010101010100<<x) == 0 {
			v := b[x] << passBits
			b[x], b[8+x], b[16+x], b[24+x] = v, v, v, v
			b[32+x], b[40+x], b[48+x], b[56+x] = v, v, v, v
			continue
		}
		z2, z3 := b[16+x], b[48+x]
		z1 := (z2 + z3) * c0541
		t2 := z1 - z3*c1847
		t3 := z1 + z2*c0765
		t0 := (b[x] + b[32+x]) << constBits
		t1 := (b[x] - b[32+x]) << constBits
		const half = 1 << (constBits - passBits - 1)
		a0, a3 := t0+t3+half, t0-t3+half
		a1, a2 := t1+t2+half, t1-t2+half

		t0, t1, t2, t3 = b[56+x], b[40+x], b[24+x], b[8+x]
		z1, z2, z3 = t0+t3, t1+t2, t0+t2
		z4 := t1 + t3
		z5 := (z3 + z4) * c1175
		t0, t1, t2, t3 = t0*c0298, t1*c2053, t2*c3072, t3*c1501
		z1, z2 = -z1*c0899, -z2*c2562
		z3, z4 = z5-z3*c1961, z5-z4*c0390
		t0 += z1 + z3
		t1 += z2 + z4
		t2 += z2 + z3
		t3 += z1 + z4

		const s = constBits - passBits
		b[x], b[56+x] = (a0+t3)>>s, (a0-t3)>>s
		b[8+x], b[48+x] = (a1+t2)>>s, (a1-t2)>>s
		b[16+x], b[40+x] = (a2+t1)>>s, (a2-t1)>>s
		b[24+x], b[32+x] = (a3+t0)>>s, (a3-t0)>>s
	}
	for y := range 8 {
		r := b[8*y : 8*y+8 : 8*y+8]
		out := dst[y*stride:][:8:8]
		z2, z3 := r[2], r[6]
		z1 := (z2 + z3) * c0541
		t2 := z1 - z3*c1847
		t3 := z1 + z2*c0765
		t0 := (r[0] + r[4]) << constBits
		t1 := (r[0] - r[4]) << constBits
		// Rounding, and the level shift of 128.
		const half = 1<<(constBits+passBits+2) + 128<<(constBits+passBits+3)
		a0, a3 := t0+t3+half, t0-t3+half
		a1, a2 := t1+t2+half, t1-t2+half

		t0, t1, t2, t3 = r[7], r[5], r[3], r[1]
		z1, z2, z3 = t0+t3, t1+t2, t0+t2
		z4 := t1 + t3
		z5 := (z3 + z4) * c1175
		t0, t1, t2, t3 = t0*c0298, t1*c2053, t2*c3072, t3*c1501
		z1, z2 = -z1*c0899, -z2*c2562
		z3, z4 = z5-z3*c1961, z5-z4*c0390
		t0 += z1 + z3
		t1 += z2 + z4
		t2 += z2 + z3
		t3 += z1 + z4

		const s = constBits + passBits + 3
		v0, v7 := (a0+t3)>>s, (a0-t3)>>s
		v1, v6 := (a1+t2)>>s, (a1-t2)>>s
		v2, v5 := (a2+t1)>>s, (a2-t1)>>s
		v3, v4 := (a3+t0)>>s, (a3-t0)>>s
		if uint32(v0|v1|v2|v3|v4|v5|v6|v7) > 255 {
			v0, v1, v2, v3 = clamp32(v0), clamp32(v1), clamp32(v2), clamp32(v3)
			v4, v5, v6, v7 = clamp32(v4), clamp32(v5), clamp32(v6), clamp32(v7)
		}
		put8(out, uint64(v0)|uint64(v1)<<8|uint64(v2)<<16|uint64(v3)<<24|
			uint64(v4)<<32|uint64(v5)<<40|uint64(v6)<<48|uint64(v7)<<56)
	}
}

func clamp32(v int32) int32 { return max(0, min(v, 255)) }

func clamp(v int32) uint8 { return uint8(max(0, min(v, 255))) }
