package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// FirstResize returns the first resizing outside training that p asks for; ok is
// false when there is none and the network's size is reached in one step.
func FirstResize(p preprocess.Config) (r data.ItemTransform, ok bool) {
	if p.CropPct > 0 {
		return CenterCrop{Short: p.Short(), Size: p.Size, Squash: p.Method == preprocess.Squish, Interpolation: p.Interpolation}, true
	}
	return presizer(p), p.Presize > 0
}

func presizer(p preprocess.Config) Resizer {
	return Resizer{Width: p.Presize, Height: p.Presize, Method: p.Method, PadMode: p.PadMode, Interpolation: p.Interpolation}
}

// Transforms returns what carries p out: the item transform (nil without a first resizing) and the
// batch transform: augment with the network's size and statistics in place of
// its own. Augmentation acts in training only; NoAugmentation leaves it out
// there too. Training pictures are resized to Presize at a random place, as
// fastai does; only where that is 0 and CropPct is given, they are cut as the
// others.
func Transforms(p preprocess.Config, augment AugTransforms) (data.ItemTransform, AugTransforms, error) {
	augment.Size, augment.Stats = p.Size, p.Stats
	if err := p.Check(); err != nil {
		return nil, augment, err
	}
	r, ok := FirstResize(p)
	switch {
	case !ok:
		return nil, augment, augment.Check()
	case p.CropPct > 0 && p.Presize > 0:
		return trainValid{train: presizer(p), valid: r}, augment, augment.Check()
	}
	return r, augment, augment.Check()
}

// trainValid is one transform for training and another outside it.
type trainValid struct{ train, valid data.ItemTransform }

func (t trainValid) String() string { return fmt.Sprintf("%s in training, else %s", t.train, t.valid) }

func (t trainValid) Apply(img *data.Image, train bool, r *rng.Stream) (*data.Image, error) {
	if train {
		return t.train.Apply(img, train, r)
	}
	return t.valid.Apply(img, train, r)
}
