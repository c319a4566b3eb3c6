package jpeg

// upsampled returns row y of component c at the picture's full resolution, w
// samples. It may be the plane itself, or c.wide, which the next call for c
// overwrites.
//
// Chroma at half the width, half the height or both is interpolated with a
// triangle filter, 3/4 of the nearer and 1/4 of the farther sample, and
// libjpeg's rounding, which alternates so that no direction is preferred
// (jdsample.c, "fancy upsampling"). Other ratios repeat samples.
func (d *decoder) upsampled(c *component, y int) []uint8 {
	rx, ry := d.hmax/c.h, d.vmax/c.v
	stride := 8 * c.bw
	line := func(i int) []uint8 {
		i = max(0, min(i, c.ht-1))
		return c.plane[i*stride:][:c.w]
	}
	near := line(y / ry)
	if rx == 1 && ry == 1 {
		return near[:d.w]
	}
	out := c.wide
	far := func() []uint8 { // the other row that half-height interpolation takes
		if y&1 == 0 {
			return line(y/2 - 1)
		}
		return line(y/2 + 1)
	}
	switch {
	case rx == 1 && ry == 2:
		round := int32(1 + y&1)
		f := far()
		for i, v := range near {
			out[i] = uint8((3*int32(v) + int32(f[i]) + round) >> 2)
		}
	case rx == 2 && ry == 1 && c.w > 2:
		widen(out, near)
	case rx == 2 && ry == 2 && c.w > 2:
		sums := d.sums[:len(near)]
		f := far()[:len(near)]
		for i, v := range near {
			sums[i] = 3*int32(v) + int32(f[i])
		}
		widenSums(out, sums)
	default:
		for i, v := range near {
			for j := range rx {
				out[rx*i+j] = v
			}
		}
	}
	return out[:d.w]
}

// widen doubles a row of at least two samples.
func widen(out, in []uint8) {
	n := len(in)
	out = out[:2*n]
	out[0] = in[0]
	out[1] = uint8((3*int32(in[0]) + int32(in[1]) + 2) >> 2)
	for i := 1; i < n-1; i++ {
		v := 3 * int32(in[i])
		out[2*i] = uint8((v + int32(in[i-1]) + 1) >> 2)
		out[2*i+1] = uint8((v + int32(in[i+1]) + 2) >> 2)
	}
	out[2*n-2] = uint8((3*int32(in[n-1]) + int32(in[n-2]) + 1) >> 2)
	out[2*n-1] = in[n-1]
}

// widenSums doubles a row of at least two sums of four samples' weight.
func widenSums(out []uint8, s []int32) {
	n := len(s)
	out = out[:2*n]
	out[0] = uint8((4*s[0] + 8) >> 4)
	out[1] = uint8((3*s[0] + s[1] + 7) >> 4)
	for i := 1; i < n-1; i++ {
		v := 3 * s[i]
		out[2*i] = uint8((v + s[i-1] + 8) >> 4)
		out[2*i+1] = uint8((v + s[i+1] + 7) >> 4)
	}
	out[2*n-2] = uint8((3*s[n-1] + s[n-2] + 8) >> 4)
	out[2*n-1] = uint8((4*s[n-1] + 7) >> 4)
}
