package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Normalize is the batch transform that only scales to [0,1] and normalizes:
// no augmentation, no change of size. In the zero value Stats is ImageNet's.
type Normalize struct{ Stats preprocess.Stats }

// OutSize returns h and w: the size is kept.
func (t Normalize) OutSize(h, w int) (int, int) { return h, w }

// String describes the transform.
func (t Normalize) String() string {
	s := t.Stats.WithDefaults()
	return fmt.Sprintf("Normalize(mean %v, std %v)", s.Mean, s.Std)
}

// Apply writes the normalized pictures to dst [N,H,W,3]. It draws nothing and
// treats training and validation alike.
func (t Normalize) Apply(dst *tensor.Tensor, imgs []*data.Image, train bool, r *rng.Stream) error {
	s := t.Stats.WithDefaults()
	h, w, err := checkBatch(t, dst, imgs)
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	parallel.For(len(imgs), func(i int) {
		normalizeBytes(dst.Data[i*h*w*3:(i+1)*h*w*3], imgs[i].Pix, s)
	})
	return nil
}

// affine returns the factors with which a sample v in [0,full] is normalized:
// v*scale+shift.
func affine(s preprocess.Stats, full float32) (scale, shift [3]float32) {
	for c := range 3 {
		scale[c] = 1 / (full * s.Std[c])
		shift[c] = -s.Mean[c] / s.Std[c]
	}
	return scale, shift
}

// normalizeBytes writes [n,3] normalized samples of [n,3] bytes.
func normalizeBytes(dst []float32, src []uint8, s preprocess.Stats) {
	var table [3][256]float32
	for c := range 3 {
		for v := range 256 {
			table[c][v] = (float32(v)/255 - s.Mean[c]) / s.Std[c]
		}
	}
	for len(src) >= 3 && len(dst) >= 3 {
		dst[0], dst[1], dst[2] = table[0][src[0]], table[1][src[1]], table[2][src[2]]
		dst, src = dst[3:], src[3:]
	}
}

// checkBatch checks that the pictures have one size and dst the shape that
// follows, and returns the pictures' height and width.
func checkBatch(t data.BatchTransform, dst *tensor.Tensor, imgs []*data.Image) (h, w int, err error) {
	if len(imgs) == 0 {
		return 0, 0, fmt.Errorf("%s: a batch without pictures", t)
	}
	h, w = imgs[0].Height, imgs[0].Width
	for i, m := range imgs {
		if m.Width < 1 || m.Height < 1 || len(m.Pix) != 3*m.Width*m.Height {
			return 0, 0, fmt.Errorf("%s: picture %d has %d bytes of pixels for %d×%d", t, i, len(m.Pix), m.Width, m.Height)
		}
		if m.Height != h || m.Width != w {
			return 0, 0, fmt.Errorf("%s: picture %d is %d×%d, picture 0 is %d×%d; give all one size with Resize", t, i, m.Width, m.Height, w, h)
		}
	}
	oh, ow := t.OutSize(h, w)
	if want := []int{len(imgs), oh, ow, 3}; !tensor.SameShape(dst.Shape, want) {
		return 0, 0, fmt.Errorf("%s: the destination's shape is %v, want %v", t, dst.Shape, want)
	}
	return h, w, nil
}
