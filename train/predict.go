package train

import (
	"context"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/tensor"
)

// negLog is -ln(p), kept finite for p = 0 by the smallest normal float32.
func negLog(p float32) float32 {
	return float32(-math.Log(math.Max(float64(p), 0x1p-126)))
}

// Prediction is a model's answer for one picture.
type Prediction struct {
	Label string
	Class int
	Probs []float32 // of all classes, in the vocabulary's order
}

// Predict classifies one picture file (fastai's predict), with the loaders'
// validation transforms.
func (l *Learner) Predict(ctx context.Context, path string) (Prediction, error) {
	dl, err := l.DLs.TestLoader([]data.Item{{Path: path}})
	if err != nil {
		return Prediction{}, err
	}
	p, err := l.GetPreds(ctx, dl)
	if err != nil {
		return Prediction{}, err
	}
	if len(p.Index) != 1 {
		return Prediction{}, fmt.Errorf("train: %s could not be opened", path)
	}
	best := argmax(p.Probs)
	return Prediction{Label: l.DLs.Vocab[best], Class: best, Probs: p.Probs.Data}, nil
}

func argmax(t *tensor.Tensor) int {
	best := 0
	for i, v := range t.Data {
		if v > t.Data[best] {
			best = i
		}
	}
	return best
}
