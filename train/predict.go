package train

import (
	"context"
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/task"
)

// Predict classifies one picture file (fastai's predict), with the loaders'
// validation transforms. Its answer is the one that package predict would give.
func (l *Learner) Predict(ctx context.Context, path string) (task.Prediction, error) {
	dl, err := l.DLs.TestLoader([]data.Item{{Path: path}})
	if err != nil {
		return task.Prediction{}, err
	}
	p, err := l.GetPreds(ctx, dl)
	if err != nil {
		return task.Prediction{}, err
	}
	if len(p.Index) != 1 {
		return task.Prediction{}, fmt.Errorf("train: %s could not be opened", path)
	}
	by := l.Decoder()
	return by.Prediction(p.Probs.Data), nil
}

// Decoder makes the learner's answers of probabilities.
func (l *Learner) Decoder() task.Decoder {
	return task.Decoder{Task: l.DLs.Task(), Vocab: l.DLs.Vocab, Thresholds: l.Thresholds, Temperature: l.Temperature, Abstention: l.Abstention, Conformal: l.Conformal}
}
