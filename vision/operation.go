package vision

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
)

// Operation is one of the changes that automatic augmentation draws from, as
// torchvision's v2 transforms define them on bytes.
type Operation int

// The operations, with what their magnitude is.
const (
	Identity     Operation = iota
	ShearX                 // the tangent of the angle, about the top left corner
	ShearY                 // likewise
	TranslateX             // pixels to the right, cut off to whole ones
	TranslateY             // pixels down, likewise
	Rotate                 // degrees, counterclockwise, about the middle
	Brightness             // factor, less 1
	Color                  // factor of the distance from gray, less 1
	Contrast               // factor of the distance from the mean gray, less 1
	Sharpness              // factor of the distance from a blurred picture, less 1
	Posterize              // bits that are kept, cut off to a whole number
	Solarize               // share of 255 from which samples are inverted
	AutoContrast           // none: each channel is stretched to 0 to 255
	Equalize               // none: each channel's histogram is made even
)

var operationNames = [...]string{"Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
	"Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"}

// String returns torchvision's name of the operation.
func (o Operation) String() string {
	if o < 0 || int(o) >= len(operationNames) {
		return fmt.Sprintf("Operation(%d)", int(o))
	}
	return operationNames[o]
}

// Apply returns img changed with a magnitude; what moves in from outside is black, and
// the nearest pixel is taken, torchvision's defaults. The result is a new picture.
func (o Operation) Apply(img *data.Image, magnitude float64) *data.Image {
	return o.apply(img, magnitude, move)
}

// apply is Apply, with how pixels are moved.
func (o Operation) apply(img *data.Image, magnitude float64, move func(out, img *data.Image, m mat3)) *data.Image {
	out := data.NewImage(img.Width, img.Height)
	w, h := float64(img.Width), float64(img.Height)
	switch o {
	case ShearX:
		move(out, img, mat3{1, magnitude, 0, 0, 1, 0, 0, 0, 1})
	case ShearY:
		move(out, img, mat3{1, 0, 0, magnitude, 1, 0, 0, 0, 1})
	case TranslateX:
		move(out, img, mat3{1, 0, -math.Trunc(magnitude), 0, 1, 0, 0, 0, 1})
	case TranslateY:
		move(out, img, mat3{1, 0, 0, 0, 1, -math.Trunc(magnitude), 0, 0, 1})
	case Rotate:
		s, c := math.Sincos(magnitude * math.Pi / 180)
		move(out, img, mat3{1, 0, w / 2, 0, 1, h / 2, 0, 0, 1}.mul(mat3{c, -s, 0, s, c, 0, 0, 0, 1}).mul(mat3{1, 0, -w / 2, 0, 1, -h / 2, 0, 0, 1}))
	case Brightness:
		tableOf(func(v int) uint8 { return clampByte(float32(v) * float32(1+magnitude)) }).each(out, img)
	case Color:
		blend(out, img, 1+magnitude, grayOf)
	case Contrast:
		mean := meanGray(img)
		blend(out, img, 1+magnitude, func([]uint8) float32 { return mean })
	case Sharpness:
		sharpen(out, img, 1+magnitude)
	case Posterize:
		keep := uint8(0xff) << (8 - max(0, min(int(magnitude), 8)))
		tableOf(func(v int) uint8 { return uint8(v) & keep }).each(out, img)
	case Solarize:
		tableOf(func(v int) uint8 {
			if float64(v) >= 255*magnitude {
				return uint8(255 - v)
			}
			return uint8(v)
		}).each(out, img)
	case AutoContrast:
		perChannel(out, img, stretched)
	case Equalize:
		perChannel(out, img, equalized)
	default:
		copy(out.Pix, img.Pix)
	}
	return out
}

// clampByte cuts a sample off to a whole number of 0 to 255.
func clampByte(v float32) uint8 { return uint8(max(0, min(v, 255))) }

// move reads each pixel of out at the place of its middle under m, in pixels from the
// top left corner.
func move(out, img *data.Image, m mat3) {
	w, h := img.Width, img.Height
	for y := range h {
		for x := range w {
			sx, sy := m.apply(float64(x)+0.5, float64(y)+0.5)
			ix, iy := int(math.RoundToEven(sx-0.5)), int(math.RoundToEven(sy-0.5))
			to := out.Pix[3*(y*w+x):][:3]
			if ix < 0 || iy < 0 || ix >= w || iy >= h {
				clear(to)
				continue
			}
			copy(to, img.Pix[3*(iy*w+ix):][:3])
		}
	}
}

// grayOf is the luma of a pixel, cut off to a whole number.
func grayOf(p []uint8) float32 {
	return float32(math.Floor(float64(float32(float32(p[0])*0.2989) + float32(float32(p[1])*0.587) + float32(float32(p[2])*0.114))))
}

func meanGray(img *data.Image) float32 {
	sum := 0.0
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		sum += float64(grayOf(p))
	}
	return float32(sum / float64(max(1, img.Width*img.Height)))
}

// blend moves pixels away from, or towards, a gray.
func blend(out, img *data.Image, factor float64, gray func(p []uint8) float32) {
	own, other := float32(factor), float32(1-factor)
	for i := 0; i+3 <= len(img.Pix); i += 3 {
		g := gray(img.Pix[i : i+3])
		for c := range 3 {
			out.Pix[i+c] = clampByte(float32(float32(img.Pix[i+c])*own) + float32(g*other))
		}
	}
}

// sharpen moves pixels, but for those at the border, away from, or towards, the mean of
// the neighborhood, in which the pixel itself weighs 5.
func sharpen(out, img *data.Image, factor float64) {
	copy(out.Pix, img.Pix)
	w, h := img.Width, img.Height
	other := float32(1 - factor)
	for y := 1; y < h-1; y++ {
		for i := 3 * (y*w + 1); i < 3*(y*w+w-1); i++ {
			sum := 4 * int(img.Pix[i])
			for _, row := range [3]int{i - 3*w, i, i + 3*w} {
				sum += int(img.Pix[row-3]) + int(img.Pix[row]) + int(img.Pix[row+3])
			}
			blurred := float32(math.RoundToEven(float64(sum) / 13))
			own := float32(img.Pix[i])
			out.Pix[i] = clampByte(own + float32(other*(blurred-own)))
		}
	}
}

// lookup is what becomes of each sample.
type lookup [256]uint8

func tableOf(f func(v int) uint8) *lookup {
	var t lookup
	for v := range t {
		t[v] = f(v)
	}
	return &t
}

func (t *lookup) each(out, img *data.Image) {
	for i, v := range img.Pix {
		out.Pix[i] = t[v]
	}
}

// perChannel changes each channel by a table made of its histogram.
func perChannel(out, img *data.Image, of func(counts *[256]int, pixels int) *lookup) {
	for c := range 3 {
		var counts [256]int
		for i := c; i < len(img.Pix); i += 3 {
			counts[img.Pix[i]]++
		}
		t := of(&counts, img.Width*img.Height)
		for i := c; i < len(img.Pix); i += 3 {
			out.Pix[i] = t[img.Pix[i]]
		}
	}
}

// ends returns the lowest and the highest sample that occurs.
func ends(counts *[256]int) (lo, hi int) {
	for lo < 255 && counts[lo] == 0 {
		lo++
	}
	for hi = 255; hi > lo && counts[hi] == 0; hi-- {
	}
	return lo, hi
}

func stretched(counts *[256]int, _ int) *lookup {
	lo, hi := ends(counts)
	if lo >= hi {
		return tableOf(func(v int) uint8 { return uint8(v) })
	}
	unit := float32(hi-lo) * float32(1.0/255)
	return tableOf(func(v int) uint8 { return clampByte(float32(v-lo) / unit) })
}

// equalized is Pillow's table, from the sums of the histogram up to each sample.
func equalized(counts *[256]int, pixels int) *lookup {
	_, hi := ends(counts)
	step := (pixels - counts[hi]) / 255
	if step == 0 {
		return tableOf(func(v int) uint8 { return uint8(v) })
	}
	below := 0
	return tableOf(func(v int) uint8 {
		at := min((below+step/2)/step, 255)
		below += counts[v]
		return uint8(at)
	})
}
