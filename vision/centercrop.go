package vision

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// CenterCrop is the item transform with which published weights are measured
// (torchvision's Resize and CenterCrop; timm's transforms_imagenet_eval): the
// picture is scaled until its short side has Short pixels, and the middle
// Size×Size of it are the result. It treats training and validation alike.
type CenterCrop struct {
	Short int // side of the scaled picture, in pixels, Size to 16384
	Size  int // side of the result, in pixels, from 1
	// Squash scales each side to Short on its own (timm's crop mode of this name).
	Squash        bool
	Interpolation preprocess.Interpolation
}

// String describes the transform.
func (t CenterCrop) String() string {
	squash := ""
	if t.Squash {
		squash = ", squash"
	}
	return fmt.Sprintf("CenterCrop(%d of %d%s, %s)", t.Size, t.Short, squash, t.Interpolation)
}

// Apply returns the middle of img at the transform's size. It draws nothing.
func (t CenterCrop) Apply(img *data.Image, train bool, r *rng.Stream) (*data.Image, error) {
	if t.Size < 1 || t.Short < t.Size || t.Short > preprocess.MaxSide {
		return nil, fmt.Errorf("%s: the sides must be 1 ≤ Size ≤ Short ≤ %d pixels", t, preprocess.MaxSide)
	}
	if err := checkPicture(t, img, t.Interpolation); err != nil {
		return nil, err
	}
	w, h := t.scaled(img.Width, img.Height)
	part := Rect{Top: middle(h, t.Size), Left: middle(w, t.Size), Height: t.Size, Width: t.Size}
	return resample(windowOf(img), w, h, part, t.Interpolation), nil
}

// scaled is the size of the whole picture, of w×h pixels, before it is cut:
// torchvision's, whose long side is cut off to whole pixels.
func (t CenterCrop) scaled(w, h int) (sw, sh int) {
	short := min(w, h)
	if t.Squash || w == h {
		return t.Short, t.Short
	}
	long := int(float64(t.Short*max(w, h)) / float64(short))
	if w < h {
		return t.Short, long
	}
	return long, t.Short
}

// middle is where size pixels out of the middle of n begin: half of the rest,
// halves to the even number, as Python's round.
func middle(n, size int) int { return int(math.RoundToEven(float64(n-size) / 2)) }
