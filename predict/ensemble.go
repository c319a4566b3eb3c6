package predict

import (
	"cmp"
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
// it has none; temperatures stay each model's. The first one's options count, and Model and Info, but for
// what is said here, are the first one's.
//
// What says how far answers can be trusted must be there by the same rule in all models, or in none. The score below
// which the ensemble abstains is the mean of theirs. Its strangeness is the mean of theirs, each as a multiple of
// its limit, since distances of different networks have no common scale: the limit is 1. Its sets of classes
// are the unions of theirs, with the most probable class: as any one of them has the right class as often as stated, so has the union.
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
	if err := sameRules(members); err != nil {
		return nil, err
	}
	all, err := New(first.model, first.info, first.opts)
	if err != nil {
		return nil, err
	}
	all.net, all.first, all.more = first.net, first, slices.Clone(members[1:])
	all.info.Thresholds = meanThresholds(members)
	all.info.Abstention = meanAbstention(members)
	if s := first.measure; s != nil {
		all.info.Strangeness = &confidence.Strangeness{Limit: 1, Quantile: s.Quantile}
	}
	if c := first.info.Conformal; c != nil {
		all.info.Conformal = &confidence.Conformal{Coverage: c.Coverage}
	}
	all.decoder.Thresholds, all.decoder.Abstention, all.decoder.Strangeness, all.decoder.Conformal = all.info.Thresholds, all.info.Abstention, all.info.Strangeness, all.info.Conformal
	return all, nil
}

// sameRules reports the first model that says otherwise than the first one how far its answers can be
// trusted.
func sameRules(members []*Predictor) error {
	for i, m := range members {
		if s := m.measure; s != nil && s.Limit == 0 {
			return fmt.Errorf("predict: model %d of the ensemble measures strangeness without a limit, and distances of different networks have no common scale: give it a limit", i+1)
		}
	}
	for _, what := range []struct {
		name string
		rule func(m *Predictor) string
	}{
		{"a score below which the answer is unknown (abstention)", func(m *Predictor) string {
			if a := m.info.Abstention; a != nil {
				return "the rule " + cmp.Or(a.Rule, "of a fixed score")
			}
			return "none"
		}},
		{"a limit of strangeness", func(m *Predictor) string {
			if s := m.measure; s != nil {
				return fmt.Sprintf("that of a share of %v", s.Quantile)
			}
			return "none"
		}},
		{"sets of classes (conformal)", func(m *Predictor) string {
			if c := m.info.Conformal; c != nil {
				return fmt.Sprintf("a coverage of %v", c.Coverage)
			}
			return "none"
		}},
	} {
		first := what.rule(members[0])
		for i, m := range members {
			if other := what.rule(m); other != first {
				return fmt.Errorf("predict: %s: model %d of the ensemble has %s, the first %s: they must have the same, or none of them any", what.name, i+1, other, first)
			}
		}
	}
	return nil
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

// addOthers adds what an ensemble's other models say to what the first does, and makes
// means and unions of it.
func (p *Predictor) addOthers(ctx context.Context, x *tensor.Tensor, j *judgment) error {
	if len(p.more) == 0 {
		return nil
	}
	n, c := 1+len(p.more), p.model.Classes
	inSet := make([]bool, len(j.probs.Data)) // of any model
	add := func(m *Predictor, of judgment) {
		for i := range of.strange {
			of.strange[i] /= m.measure.Limit * float64(n)
		}
		if m.info.Conformal == nil {
			return
		}
		for i := 0; i < len(inSet); i += c {
			for _, k := range m.info.Conformal.Set(of.probs.Data[i : i+c]) {
				inSet[i+k] = true
			}
		}
	}
	add(p.first, *j)
	for _, m := range p.more {
		q, err := m.judge(ctx, x)
		if err != nil {
			return err
		}
		add(m, q)
		for i, v := range q.probs.Data {
			j.probs.Data[i] += v
		}
		for i, v := range q.strange {
			j.strange[i] += v
		}
	}
	for i := range j.probs.Data {
		j.probs.Data[i] /= float32(n)
	}
	if p.Sets() {
		j.sets = unions(inSet, j.probs)
	}
	return nil
}

// unions returns the classes of probs [N,classes] that are in a set, and each picture's most
// probable one, by probability.
func unions(inSet []bool, probs *tensor.Tensor) [][]int {
	n, c := probs.Shape[0], probs.Shape[1]
	out := make([][]int, n)
	for i := range out {
		row := probs.Data[i*c : (i+1)*c]
		best := tensor.Argmax(row)
		for k, in := range inSet[i*c : (i+1)*c] {
			if in || k == best {
				out[i] = append(out[i], k)
			}
		}
		slices.SortStableFunc(out[i], func(a, b int) int { return cmp.Compare(row[b], row[a]) })
	}
	return out
}
