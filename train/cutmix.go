package train

import (
	"fmt"
	"image"
	"math"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// CutMix replaces a rectangle of each picture of a batch by that of the picture before
// it, and trains on both labels, each by the share of the picture that is its (Yun et
// al. 2019, https://arxiv.org/abs/1905.04899). The rectangle, whose share of the area is drawn from
// Beta(Alpha,Alpha), is one for the batch: torchvision's v2.CutMix.
//
// With MixUp, each batch is either cut so or blended, with equal chances: torchvision's
// RandomChoice of v2.MixUp and v2.CutMix, which blends each picture with the one before it, by one
// weight for the batch from Beta(MixUp,MixUp). The callback MixUp is fastai's and draws a
// weight for every picture.
type CutMix struct {
	Alpha float64 // above 0; 0 means 1
	MixUp float64 // alpha of blending, or 0 for none

	tmp []float32
}

// On mixes at BeforeBatch.
func (c *CutMix) On(e Event, l *Learner) error {
	if e != BeforeBatch {
		return nil
	}
	alpha := c.Alpha
	if alpha == 0 {
		alpha = 1
	}
	if !(alpha > 0) || !(c.MixUp >= 0) || math.IsInf(alpha, 0) || math.IsInf(c.MixUp, 0) {
		return fmt.Errorf("train: CutMix with Alpha %v and MixUp %v: both must be finite, Alpha above 0 and MixUp 0 or more", c.Alpha, c.MixUp)
	}
	r := l.random(streamCutMix)
	blend := c.MixUp > 0 && r.Bool(0.5)
	if blend {
		alpha = c.MixUp
	}
	lambda := beta(r, alpha)
	h, w := l.Batch.X.Shape[1], l.Batch.X.Shape[2]
	x, y := r.IntN(w), r.IntN(h)
	c.tmp = append(c.tmp[:0], l.Batch.X.Data...)
	if blend {
		c.blend(l, float32(lambda))
	} else {
		var box image.Rectangle
		box, lambda = cutBox(h, w, x, y, lambda)
		c.cut(l, box)
	}
	n := l.Batch.X.Shape[0]
	perm, weights := make([]int, n), make([]float32, n)
	for i := range perm {
		perm[i], weights[i] = (i+n-1)%n, float32(lambda)
	}
	l.Targets = l.Batch.Y.Mix(perm, weights)
	return nil
}

// cutBox returns the rectangle around (x,y) of a picture of h×w that takes the share
// 1-lambda of its area, as far as it lies within, and the share that is left.
func cutBox(h, w, x, y int, lambda float64) (box image.Rectangle, left float64) {
	r := 0.5 * math.Sqrt(1-lambda)
	rw, rh := int(r*float64(w)), int(r*float64(h))
	box = image.Rect(max(x-rw, 0), max(y-rh, 0), min(x+rw, w), min(y+rh, h))
	return box, 1 - float64(box.Dx()*box.Dy())/float64(w*h)
}

// cut copies the rectangle of each picture's predecessor, of c.tmp, into it.
func (c *CutMix) cut(l *Learner, box image.Rectangle) {
	x := l.Batch.X
	n, w, depth := x.Shape[0], x.Shape[2], x.Shape[3]
	size := x.Len() / n
	parallel.For(n, func(i int) {
		from, to := c.tmp[(i+n-1)%n*size:][:size], x.Data[i*size:][:size]
		for row := box.Min.Y; row < box.Max.Y; row++ {
			a, b := (row*w+box.Min.X)*depth, (row*w+box.Max.X)*depth
			copy(to[a:b], from[a:b])
		}
	})
}

// blend blends each picture with its predecessor.
func (c *CutMix) blend(l *Learner, lambda float32) {
	x := l.Batch.X
	n := x.Shape[0]
	size := x.Len() / n
	parallel.For(n, func(i int) {
		from, to := c.tmp[(i+n-1)%n*size:][:size], x.Data[i*size:][:size]
		for k, v := range to {
			to[k] = float32(lambda*v) + float32((1-lambda)*from[k])
		}
	})
}
