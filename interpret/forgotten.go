package interpret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
)

// Change is what became of a class of a model that learned further ones.
type Change struct {
	Label    string  `json:"label"`
	Pictures int     `json:"pictures"` // for validation that have the label
	Before   float64 `json:"before"`   // share of them that the model found before; NaN without pictures
	After    float64 `json:"after"`    // and finds now
	ToNew    int     `json:"to_new"`   // of them that it answers with a further class and not with this one
}

// Changes judges the learner's model and the one that it was grown from on the validation pictures: a
// Change for each class that the latter had. The pictures should be ones that neither was trained on.
func Changes(ctx context.Context, l *train.Learner, before *models.Classifier, info models.Info) ([]Change, error) {
	if l.DLs == nil || l.DLs.Valid == nil || len(l.DLs.Valid.Items()) == 0 {
		return nil, errors.New("interpret: the learner has no validation set to judge on")
	}
	was, err := info.Decoder()
	if err != nil {
		return nil, fmt.Errorf("interpret: %w", err)
	}
	now := l.Decoder()
	if was.Task.Name() != now.Task.Name() {
		return nil, fmt.Errorf("interpret: the task was %s and is %s", was.Task.Name(), now.Task.Name())
	}
	all := make([]Change, len(info.Vocab))
	at := map[string]int{}
	for k, label := range info.Vocab {
		all[k].Label, at[label] = label, k
	}
	old, grown := nn.Compile(before), nn.Compile(l.Model)
	it := l.DLs.Valid.Epoch(ctx, 0, 0)
	defer it.Close()
	for {
		b, err := it.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		first, err := answers(old, b.X, was)
		if err != nil {
			return nil, err
		}
		second, err := answers(grown, b.X, now)
		if err != nil {
			return nil, err
		}
		for i := range b.Y.Len() {
			for _, label := range now.Task.Labels(now.Vocab, b.Y, i) {
				k, ok := at[label]
				if !ok {
					continue
				}
				c := &all[k]
				c.Pictures++
				if slices.Contains(first[i], label) {
					c.Before++
				}
				if slices.Contains(second[i], label) {
					c.After++
				} else if slices.ContainsFunc(second[i], func(l string) bool { _, known := at[l]; return !known }) {
					c.ToNew++
				}
			}
		}
		b.Release()
	}
	for k := range all {
		all[k].Before /= float64(all[k].Pictures)
		all[k].After /= float64(all[k].Pictures)
	}
	return all, nil
}

// answers returns the labels with which a network answers each picture of a batch.
func answers(net *nn.Inference, x *tensor.Tensor, by task.Decoder) ([][]string, error) {
	logits, err := net.Run(x)
	if err != nil {
		return nil, err
	}
	by.Divide(logits)
	if err := by.Task.Activate(logits, logits); err != nil {
		return nil, err
	}
	n := logits.Shape[0]
	c := len(logits.Data) / n
	out := make([][]string, n)
	for i := range out {
		out[i] = by.Prediction(logits.Data[i*c : (i+1)*c]).Labels()
	}
	return out, nil
}
