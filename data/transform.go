package data

import (
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Chain applies several item transforms one after the other. Summary shows
// each of them.
func Chain(transforms ...ItemTransform) ItemTransform { return chain(transforms) }

type chain []ItemTransform

func (c chain) Apply(img *Image, train bool, r *rng.Stream) (*Image, error) {
	first := img
	for _, t := range c {
		out, err := t.Apply(img, train, r)
		if img != out && img != first { // a picture in between, the chain's own
			img.Free()
		}
		if err != nil {
			return nil, err
		}
		img = out
	}
	return img, nil
}

func (c chain) String() string {
	parts := make([]string, len(c))
	for i, t := range c {
		parts[i] = t.String()
	}
	return strings.Join(parts, " → ")
}

// steps are the single transforms of t, in order.
func steps(t ItemTransform) []ItemTransform {
	switch t := t.(type) {
	case nil:
		return nil
	case chain:
		var all []ItemTransform
		for _, s := range t {
			all = append(all, steps(s)...)
		}
		return all
	}
	return []ItemTransform{t}
}

// ToFloat is the least a batch transform must do: bytes divided by 255
// (fastai's IntToFloatTensor), no augmentation, no normalization.
type ToFloat struct{}

// OutSize is the pictures' own size.
func (ToFloat) OutSize(h, w int) (oh, ow int) { return h, w }

// Apply writes imgs, all of one size, to dst [len(imgs),h,w,3].
func (ToFloat) Apply(dst *tensor.Tensor, imgs []*Image, train bool, r *rng.Stream) error {
	if len(imgs) == 0 || len(dst.Data) != len(imgs)*len(imgs[0].Pix) {
		return fmt.Errorf("data: ToFloat: %d pictures do not fill shape %v", len(imgs), dst.Shape)
	}
	for i, img := range imgs {
		if len(img.Pix) != len(imgs[0].Pix) {
			return fmt.Errorf("data: ToFloat: picture %d is %d×%d, the first %d×%d", i, img.Width, img.Height, imgs[0].Width, imgs[0].Height)
		}
		row := dst.Data[i*len(img.Pix) : (i+1)*len(img.Pix)]
		for j, v := range img.Pix {
			row[j] = float32(v) / 255
		}
	}
	return nil
}

func (ToFloat) String() string { return "ToFloat" }
