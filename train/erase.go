package train

import (
	"fmt"
	"image"
	"math"

	"github.com/whippet-ml/whippet/rng"
)

// RandomErasing erases a rectangle of a training picture with probability P: what is
// left is the mean color, 0 once pictures are normalized (Zhong et al. 2017,
// https://arxiv.org/abs/1708.04896). It is torchvision's v2.RandomErasing behind Normalize, and timm's
// --reprob in mode const. Register it before callbacks that mix pictures.
type RandomErasing struct {
	P        float64 // probability; 0 means 0.5
	MinScale float64 // smallest share of the area; 0 means 0.02
	MaxScale float64 // largest share; 0 means 0.33
	MaxRatio float64 // of height to width, which is drawn from 1/MaxRatio to it, evenly in the logarithm; 0 means 0.3 to 3.3
}

// On erases at BeforeBatch.
func (c *RandomErasing) On(e Event, l *Learner) error {
	if e != BeforeBatch {
		return nil
	}
	o := c.withDefaults()
	if err := o.check(); err != nil {
		return err
	}
	r := l.random(streamErase)
	x := l.Batch.X
	n, h, w, depth := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	for i := range n {
		if !r.Bool(o.P) {
			continue
		}
		box := o.draw(h, w, r)
		for row := box.Min.Y; row < box.Max.Y; row++ {
			clear(x.Data[((i*h+row)*w+box.Min.X)*depth : ((i*h+row)*w+box.Max.X)*depth])
		}
	}
	return nil
}

// erasing is RandomErasing with the values in force.
type erasing struct{ P, minScale, maxScale, minRatio, maxRatio float64 }

func (c *RandomErasing) withDefaults() erasing {
	o := erasing{0.5, 0.02, 0.33, 0.3, 3.3}
	for _, v := range []struct {
		have float64
		to   *float64
	}{{c.P, &o.P}, {c.MinScale, &o.minScale}, {c.MaxScale, &o.maxScale}, {c.MaxRatio, &o.maxRatio}} {
		if v.have != 0 {
			*v.to = v.have
		}
	}
	if c.MaxRatio != 0 {
		o.minRatio = 1 / c.MaxRatio
	}
	return o
}

func (o erasing) check() error {
	if !(o.P > 0 && o.P <= 1 && o.minScale > 0 && o.minScale <= o.maxScale && o.maxScale <= 1 && o.maxRatio >= 1) || math.IsInf(o.maxRatio, 0) {
		return fmt.Errorf("train: RandomErasing of P %v, MinScale %v, MaxScale %v and MaxRatio %v: want a probability, shares with 0 < MinScale ≤ MaxScale ≤ 1, and a ratio of 1 or more",
			o.P, o.minScale, o.maxScale, o.maxRatio)
	}
	return nil
}

// draw draws a rectangle of a picture of h×w; after ten that did not fit it is empty.
func (o erasing) draw(h, w int, r *rng.Stream) image.Rectangle {
	for range 10 {
		share := r.Uniform(o.minScale, o.maxScale)
		ratio := math.Exp(r.Uniform(math.Log(o.minRatio), math.Log(o.maxRatio)))
		if eh, ew := eraseSize(h, w, share, ratio); eh < h && ew < w {
			y, x := r.IntN(h-eh+1), r.IntN(w-ew+1)
			return image.Rect(x, y, x+ew, y+eh)
		}
	}
	return image.Rectangle{}
}

// eraseSize is the size of a rectangle with a share of a picture's area and a ratio of
// height to width.
func eraseSize(h, w int, share, ratio float64) (eh, ew int) {
	area := share * float64(h*w)
	return int(math.RoundToEven(math.Sqrt(area * ratio))), int(math.RoundToEven(math.Sqrt(area / ratio)))
}
