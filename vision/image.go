package vision

import (
	"fmt"
	"image"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
)

// Denormalize turns picture i of a batch x [N,H,W,3] back into 8-bit RGB; s is
// what it was normalized with, and zero means ImageNetStats.
func Denormalize(x *tensor.Tensor, i int, s preprocess.Stats) (*data.Image, error) {
	if len(x.Shape) != 4 || x.Shape[3] != 3 {
		return nil, fmt.Errorf("Denormalize: shape %v; want [N,H,W,3]", x.Shape)
	}
	if i < 0 || i >= x.Shape[0] {
		return nil, fmt.Errorf("Denormalize: picture %d of a batch of %d", i, x.Shape[0])
	}
	s = s.WithDefaults()
	h, w := x.Shape[1], x.Shape[2]
	m := data.NewImage(w, h)
	for k, v := range x.Data[i*h*w*3 : (i+1)*h*w*3] {
		c := k % 3
		m.Pix[k] = uint8(max(0, min(float32((float32(v*s.Std[c])+s.Mean[c])*255)+0.5, 255)))
	}
	return m, nil
}

// ToImage copies a picture into the standard library's form.
func ToImage(m *data.Image) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	d := out.Pix
	for s := m.Pix; len(s) >= 3 && len(d) >= 4; s, d = s[3:], d[4:] {
		d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
	}
	return out
}

// FromImage converts a picture of the standard library's as Decode does.
func FromImage(m image.Image) *data.Image { return toRGB(m) }
