package vision

import (
	"bytes"
	"image"

	"golang.org/x/image/webp"

	"github.com/whippet-ml/whippet/data"
)

// decodeWebP decodes WebP. Lossy pictures are YCbCr with the range of video
// (16 to 235) and chroma at half the resolution; x/image/webp hands the planes
// out, and what libwebp, and so Pillow, makes of them is done here: chroma is
// interpolated from the four nearest samples ("fancy upsampling"), and colors
// are mixed in 14-bit fixed point.
func decodeWebP(b []byte) (*data.Image, error) {
	m, err := webp.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case *image.YCbCr:
		return videoToRGB(m), nil
	case *image.NYCbCrA:
		return videoToRGB(&m.YCbCr), nil
	}
	return toRGB(m), nil
}

// videoToRGB converts 4:2:0 planes. Luma rows come in pairs between two rows of
// chroma; the first row, and the last of an even number, have only one.
func videoToRGB(m *image.YCbCr) *data.Image {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := data.NewImage(w, h)
	cw := (w + 1) / 2
	ch := (h + 1) / 2
	for y := range h {
		// The chroma row that the luma row lies in, and the one beyond it.
		near := y / 2
		far := near + 1
		if y%2 == 0 {
			far = near - 1
		}
		far = max(0, min(far, ch-1))
		u, v := m.Cb[near*m.CStride:][:cw], m.Cr[near*m.CStride:][:cw]
		u2, v2 := m.Cb[far*m.CStride:][:cw], m.Cr[far*m.CStride:][:cw]
		luma := m.Y[y*m.YStride:][:w]
		dst := out.Pix[3*y*w : 3*(y+1)*w]
		for x, l := range luma {
			n := x / 2
			f := n + 1
			if x%2 == 0 {
				f = n - 1
			}
			f = max(0, min(f, cw-1))
			videoPixel(dst[3*x:3*x+3], l, fancy(u[n], u[f], u2[n], u2[f]), fancy(v[n], v[f], v2[n], v2[f]))
		}
	}
	return out
}

// fancy interpolates a chroma sample, 9/16 of the nearest of four, with
// libwebp's two-step rounding (dsp/upsampling.c): near, beside it, above or
// below it, and across.
func fancy(near, beside, other, across uint8) int32 {
	n, b, o, a := int32(near), int32(beside), int32(other), int32(across)
	return ((n+b+o+a+8+2*(b+o))>>3 + n) >> 1
}

// videoPixel mixes one color (dsp/yuv.h).
func videoPixel(dst []uint8, y uint8, u, v int32) {
	l := int32(y) * 19077 >> 8
	dst[0] = clip6(l + v*26149>>8 - 14234)
	dst[1] = clip6(l - u*6419>>8 - v*13320>>8 + 8708)
	dst[2] = clip6(l + u*33050>>8 - 17685)
}

func clip6(v int32) uint8 { return uint8(max(0, min(v>>6, 255))) }
