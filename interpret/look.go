package interpret

import (
	"context"
	"fmt"
	"image"
	"io"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret/gradcam"
	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// Looked is a picture as the network saw it and where it looked.
type Looked struct {
	Seen image.Image // after resizing, at the network's input size
	Heat image.Image // Seen with Map laid over it
	Map  gradcam.Map // the heat of the predicted class, or of a number
}

// Look computes Grad-CAM maps of the given examples (from TopLosses or
// Confusions), each for the class that was predicted, so that it shows what
// led there; of numbers, for the one that is predicted worst. stats is what the loader normalizes with; the zero value is
// ImageNet's. Pictures are opened again through l's loaders.
func Look(ctx context.Context, l *train.Learner, examples []Loss, stats preprocess.Stats) ([]Looked, error) {
	if len(examples) == 0 {
		return nil, nil
	}
	mapper, err := gradcam.New(l.Model)
	if err != nil {
		return nil, err
	}
	items := make([]data.Item, len(examples))
	for i, e := range examples {
		items[i].Path = e.Path
	}
	dl, err := l.DLs.TestLoader(items)
	if err != nil {
		return nil, err
	}
	out := make([]Looked, len(examples))
	it := dl.Epoch(ctx, 0, 0)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("interpret: reading pictures again to show where the model looked: %w", err)
		}
		err = lookAt(b, mapper, examples, stats, out)
		b.Release()
		if err != nil {
			return nil, err
		}
	}
}

// lookAt fills in the entries of one batch.
func lookAt(b *data.Batch, mapper *gradcam.Mapper, examples []Loss, stats preprocess.Stats, out []Looked) error {
	class := make([]int, len(b.Index))
	for i, k := range b.Index {
		class[i] = examples[k].Furthest()
	}
	maps, err := mapper.Maps(b.X, class)
	if err != nil {
		return err
	}
	for i, k := range b.Index {
		m, err := vision.Denormalize(b.X, i, stats)
		if err != nil {
			return err
		}
		seen := vision.ToImage(m)
		m.Free()
		heat, err := plot.Overlay(seen, maps[i].Heat, maps[i].H, maps[i].W, plot.OverlayOptions{})
		if err != nil {
			return fmt.Errorf("interpret: %s: %w", examples[k].Path, err)
		}
		out[k] = Looked{Seen: seen, Heat: heat, Map: maps[i]}
	}
	return nil
}
