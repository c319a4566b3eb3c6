package predict

import (
	"cmp"
	"slices"
)

// Prediction is the answer for one picture.
type Prediction struct {
	// Probs has a probability for each class, in the vocabulary's order; they
	// add up to 1.
	Probs  []float32
	labels []string
}

// Score is a class and its probability.
type Score struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
	Class int     `json:"-"` // index into Prediction.Probs
}

// Class returns the index of the most probable class, the first of equal ones.
func (a Prediction) Class() int {
	best := 0
	for i, v := range a.Probs {
		if v > a.Probs[best] {
			best = i
		}
	}
	return best
}

// Label returns the name of the most probable class.
func (a Prediction) Label() string { return a.labels[a.Class()] }

// Score returns the probability of the most probable class.
func (a Prediction) Score() float32 { return a.Probs[a.Class()] }

// Top returns the k most probable classes, best first, equal ones in the
// vocabulary's order; k below 1 or above the number of classes means all.
func (a Prediction) Top(k int) []Score {
	all := make([]Score, len(a.Probs))
	for i, v := range a.Probs {
		all[i] = Score{Label: a.labels[i], Score: v, Class: i}
	}
	slices.SortStableFunc(all, func(a, b Score) int { return cmp.Compare(b.Score, a.Score) })
	if k >= 1 && k < len(all) {
		all = slices.Clip(all[:k])
	}
	return all
}

// predictions makes one Prediction of each row of probs [N·classes]. The rows
// are not copied.
func (p *Predictor) predictions(probs []float32) []Prediction {
	c := p.model.Classes
	out := make([]Prediction, len(probs)/c)
	for i := range out {
		out[i] = Prediction{Probs: probs[i*c : (i+1)*c : (i+1)*c], labels: p.info.Vocab}
	}
	return out
}
