package vision

import (
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/preprocess"
)

// pad returns the rectangle of cw×ch pixels whose top left corner is at (x,y)
// of the picture. x and y may be negative and the rectangle may reach beyond
// the picture: what lies outside is filled by mode. In a direction where the
// rectangle is one pixel short of the picture (a float rounding of the size),
// the picture is cut.
func pad(img *data.Image, x, y, cw, ch int, mode preprocess.PadMode) window {
	out := window{w: cw, h: ch, stride: 3 * cw, pix: make([]uint8, 3*cw*ch)}
	for oy := range ch {
		sy := outside(y+oy, img.Height, mode)
		if sy < 0 {
			continue
		}
		row := img.Pix[3*sy*img.Width : 3*(sy+1)*img.Width]
		dst := out.pix[oy*out.stride : (oy+1)*out.stride]
		for ox := range cw {
			if sx := outside(x+ox, img.Width, mode); sx >= 0 {
				copy(dst[3*ox:3*ox+3], row[3*sx:3*sx+3])
			}
		}
	}
	return out
}

// outside maps a coordinate of any value to one within [0,n), or to -1 where
// Zeros leaves black.
func outside(i, n int, mode preprocess.PadMode) int {
	if i >= 0 && i < n {
		return i
	}
	switch mode {
	case preprocess.Border:
		return max(0, min(i, n-1))
	case preprocess.Zeros:
		return -1
	}
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i %= period
	if i < 0 {
		i += period
	}
	if i >= n {
		i = period - i
	}
	return i
}
