package predict

import (
	"context"
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/tensor"
)

// Ensemble returns a predictor whose probabilities are the mean of those of several, such as
// the models of the folds of one data set: their mistakes differ in part, and the mean is more often
// right than most of them. Each picture is decoded and prepared once, and goes through every
// network, so that an answer costs as much as theirs together.
//
// The models must have the same task, classes in the same order, and preprocessing, but
// may be of different architectures. Thresholds are the means of the models', each its task's own where
// it has none, and so is the score below which it abstains, 0 for a model that always answers; temperatures stay each model's. The first one's options count, and Model and Info, but for
// thresholds and abstention, are the first one's.
func Ensemble(members ...*Predictor) (*Predictor, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("predict: an ensemble of no models")
	}
	first := members[0]
	for i, m := range members {
		switch {
		case m.more != nil:
			return nil, fmt.Errorf("predict: model %d of the ensemble is one itself: name its models", i+1)
		case m.Task().Name() != first.Task().Name():
			return nil, fmt.Errorf("predict: model %d of the ensemble has the task %s, the first %s", i+1, m.Task().Name(), first.Task().Name())
		case !slices.Equal(m.info.Vocab, first.info.Vocab):
			return nil, fmt.Errorf("predict: model %d of the ensemble has the classes %.200q, the first %.200q: they must be the same, in the same order", i+1, m.info.Vocab, first.info.Vocab)
		case m.info.Preprocess != first.info.Preprocess:
			return nil, fmt.Errorf("predict: model %d of the ensemble prepares pictures otherwise than the first: %+v and %+v", i+1, m.info.Preprocess, first.info.Preprocess)
		}
	}
	if len(members) == 1 {
		return first, nil
	}
	all, err := New(first.model, first.info, first.opts)
	if err != nil {
		return nil, err
	}
	all.net, all.more = first.net, slices.Clone(members[1:])
	all.info.Thresholds = meanThresholds(members)
	all.info.Abstention = meanAbstention(members)
	all.decoder.Thresholds, all.decoder.Abstention = all.info.Thresholds, all.info.Abstention
	return all, nil
}

// meanThresholds returns the means of the models' thresholds; nil when none has any.
func meanThresholds(members []*Predictor) []float32 {
	if !slices.ContainsFunc(members, func(m *Predictor) bool { return m.info.Thresholds != nil }) {
		return nil
	}
	mean := make([]float32, len(members[0].info.Vocab))
	for _, m := range members {
		for k := range mean {
			t := float32(ownThreshold)
			if m.info.Thresholds != nil {
				t = m.info.Thresholds[k]
			}
			mean[k] += t / float32(len(members))
		}
	}
	return mean
}

// meanAbstention returns the abstention below the mean of the models' scores; nil when none
// abstains.
func meanAbstention(members []*Predictor) *confidence.Abstention {
	var a confidence.Abstention
	for _, m := range members {
		if m.info.Abstention != nil {
			a.Below += m.info.Abstention.Below / float32(len(members))
		}
	}
	if a.Below == 0 {
		return nil
	}
	a.Rule = "mean of models"
	return &a
}

// ownThreshold is that of a task of several labels without thresholds.
const ownThreshold = 0.5

// addOthers adds the probabilities of an ensemble's other models to those of the first,
// and makes means of them.
func (p *Predictor) addOthers(ctx context.Context, x, probs *tensor.Tensor) error {
	if len(p.more) == 0 {
		return nil
	}
	for _, m := range p.more {
		q, err := m.Probs(ctx, x)
		if err != nil {
			return err
		}
		for i, v := range q.Data {
			probs.Data[i] += v
		}
	}
	n := float32(1 + len(p.more))
	for i := range probs.Data {
		probs.Data[i] /= n
	}
	return nil
}
