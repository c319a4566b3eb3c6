package jpeg

import (
	"encoding/binary"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
)

// put8 writes the bytes of v, the lowest first.
func put8(dst []uint8, v uint64) { binary.LittleEndian.PutUint64(dst, v) }

// space is what the components mean.
type space int

const (
	gray space = iota
	ycc
	rgb
	cmyk // complements of inks
	ycck
	inks
)

// space guesses as libjpeg does (jdapimin, default_decompress_parms).
func (d *decoder) space() space {
	switch len(d.comps) {
	case 1:
		return gray
	case 4:
		if d.inks {
			return inks
		}
		if d.adobe && d.transform == 2 {
			return ycck
		}
		return cmyk
	}
	switch {
	case d.jfif:
		return ycc
	case d.adobe:
		if d.transform == 0 {
			return rgb
		}
		return ycc
	case d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B':
		return rgb
	}
	return ycc
}

// output writes [h,w,3] RGB from the planes.
func (d *decoder) output(pix []uint8) {
	sp := d.space()
	full := 8 * d.mx * d.hmax
	for i := range d.comps {
		if c := &d.comps[i]; c.h != d.hmax || c.v != d.vmax {
			c.wide = grow(c.wide, full)
		}
	}
	d.sums = grow(d.sums, full)
	for y := range d.h {
		dst := pix[3*y*d.w : 3*(y+1)*d.w]
		var row [4][]uint8
		for i := range d.comps {
			row[i] = d.upsampled(&d.comps[i], y)
		}
		switch sp {
		case gray:
			for x, v := range row[0] {
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
			}
		case rgb:
			for x, v := range row[0] {
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, row[1][x], row[2][x]
			}
		case ycc:
			yccRow(dst, row[0], row[1], row[2])
		case inks:
			for x, v := range row[0] {
				MixInk(dst[3*x:3*x+3], v, row[1][x], row[2][x], row[3][x])
			}
		case ycck, cmyk:
			d.inkRow(dst, row, sp == ycck)
		}
	}
}

// yccRow converts a row of YCbCr (JFIF, full range) to RGB with libjpeg's
// 16-bit constants and rounding (jdcolor.c).
func yccRow(dst, ys, cbs, crs []uint8) {
	done := pixel.YCC(dst, ys, cbs, crs)
	dst, ys, cbs, crs = dst[3*done:], ys[done:], cbs[done:], crs[done:]
	n := len(ys)
	cbs, crs = cbs[:n], crs[:n]
	for i, yy := range ys {
		o := dst[3*i : 3*i+3 : 3*i+3]
		t := &chroma[cbs[i]]
		u := &chroma[crs[i]]
		y := int32(yy)
		r := y + u.redOfCr
		g := y + (t.greenOfCb+u.greenOfCr)>>16
		b := y + t.blueOfCb
		if uint32(r|g|b) > 255 {
			r, g, b = clamp32(r), clamp32(g), clamp32(b)
		}
		o[0], o[1], o[2] = uint8(r), uint8(g), uint8(b)
	}
}

// chroma[v] is what a chroma sample v adds to the colors; green is in 16-bit
// fixed point, with the rounding in Cb's share.
var chroma = func() (t [256]struct{ redOfCr, blueOfCb, greenOfCb, greenOfCr int32 }) {
	for i := range t {
		x := int32(i) - 128
		t[i].redOfCr = (91881*x + 1<<15) >> 16   // 1.40200
		t[i].blueOfCb = (116130*x + 1<<15) >> 16 // 1.77200
		t[i].greenOfCr = -46802 * x              // 0.71414
		t[i].greenOfCb = -22554*x + 1<<15        // 0.34414
	}
	return t
}()

// inkRow converts a row of CMYK or YCCK. Stored inks are inverted, after
// Adobe's convention, which Pillow takes for granted: 255 is no ink.
func (d *decoder) inkRow(dst []uint8, row [4][]uint8, luma bool) {
	n := len(row[0])
	if luma {
		yccRow(dst, row[0], row[1], row[2])
		for i := range dst {
			dst[i] = 255 - dst[i] // YCCK holds the colors' complements
		}
	} else {
		for x := range n {
			dst[3*x], dst[3*x+1], dst[3*x+2] = row[0][x], row[1][x], row[2][x]
		}
	}
	for x := range n {
		o := dst[3*x : 3*x+3]
		MixInk(o, 255-o[0], 255-o[1], 255-o[2], 255-row[3][x])
	}
}

// MixInk sets rgb to the color of inks c, m, y, k (0 none, 255 full), as
// Pillow's cmyk2rgb does: (255-k) less c(255-k)/255, rounded.
func MixInk(rgb []uint8, c, m, y, k uint8) {
	white := 255 - uint32(k)
	for i, ink := range [3]uint8{c, m, y} {
		v := uint32(ink)*white + 128
		rgb[i] = uint8(white - (v+v>>8)>>8)
	}
}

// grow returns s with length n, keeping its storage when it is large enough.
// The contents are not kept.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
