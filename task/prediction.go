package task

import (
	"cmp"
	"slices"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/tensor"
)

// Decoder makes answers of probabilities: a task, the names of the model's
// outputs and, where they are not the task's own, their thresholds.
type Decoder struct {
	Task       Task
	Vocab      []string
	Thresholds []float32 // of each output, or nil
	// Temperature divides scores before they become probabilities; 0 is 1, which
	// changes nothing. See package confidence.
	Temperature float64
	// Abstention says, for a task with one class a picture, when the answer is Unknown;
	// nil is never.
	Abstention *confidence.Abstention
	// Strangeness says how far a picture is from those of training, by its features; nil is
	// unknown. For a task with one class a picture, the answer is Unknown beyond its limit.
	Strangeness *confidence.Strangeness
	// Conformal makes, for a task with one class a picture, the sets of Prediction.Set; nil
	// makes none.
	Conformal *confidence.Conformal
}

// Divide divides scores by the temperature, in place. Task.Activate makes probabilities
// of the result.
func (d *Decoder) Divide(logits *tensor.Tensor) {
	if d.Temperature == 0 || d.Temperature == 1 {
		return
	}
	t := float32(d.Temperature)
	for i := range logits.Data {
		logits.Data[i] /= t
	}
}

// Prediction returns the answer of a row of probabilities, which it keeps.
func (d *Decoder) Prediction(probs []float32) Prediction {
	return Prediction{Probs: probs, by: d}
}

// StrangePrediction is Prediction for a picture of a strangeness, as Decoder.Strangeness measures it.
func (d *Decoder) StrangePrediction(probs []float32, strangeness float64) Prediction {
	return Prediction{Probs: probs, by: d, strangeness: strangeness, measured: true}
}

// Prediction is a model's answer for one picture. The methods of the zero
// Prediction, which stands where there is no answer, panic.
type Prediction struct {
	// Probs has a number for each output, in the vocabulary's order: for classes
	// the probability; those of single-label classification add up to 1.
	Probs []float32
	by    *Decoder

	strangeness float64
	measured    bool
	set         []int // of several models; nil is that of by.Conformal
}

// WithSet returns a with a set of classes that was made otherwise than by Decoder.Conformal, such as that of several
// models.
func (a Prediction) WithSet(classes []int) Prediction {
	a.set = classes
	return a
}

// Set returns the names of the classes among which the right one is with the probability that
// Decoder.Conformal states, the most probable first; nil for a model that makes no sets. An
// Unknown answer has one too.
func (a Prediction) Set() []string {
	set := a.set
	if set == nil && a.by.Conformal != nil && a.by.Task.Exclusive() {
		set = a.by.Conformal.Set(a.Probs)
	}
	var names []string
	for _, k := range set {
		names = append(names, a.by.Vocab[k])
	}
	return names
}

// Strangeness returns how far the picture is from those of training; ok is false for a
// model that does not measure it. See confidence.Strangeness.
func (a Prediction) Strangeness() (distance float64, ok bool) { return a.strangeness, a.measured }

// Score is a class and its probability.
type Score struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
	Class int     `json:"-"` // index into Prediction.Probs, -1 for Unknown
	// Chosen, for tasks whose classes do not exclude each other, says that the
	// class is one of the answer.
	Chosen bool `json:"chosen,omitempty"`
	// Reasons, of Unknown, say why the model abstains.
	Reasons []Reason `json:"reasons,omitempty"`
	// Strangeness, of the first of Prediction.Answers, is the picture's, where the model measures it.
	Strangeness float64 `json:"strangeness,omitempty"`
	// Set, of the first of Prediction.Answers, is Prediction.Set, where the model makes sets.
	Set []string `json:"set,omitempty"`
	// Number, for tasks that predict numbers, says that Score is one and no probability.
	Number bool `json:"number,omitempty"`
}

// Classes returns the outputs that the task answers with, best first: one for
// single-label classification.
func (a Prediction) Classes() []int { return a.by.Task.Decode(a.Probs, a.by.Thresholds) }

// Labels returns the names of Classes, also where the model abstains; see Answer.
func (a Prediction) Labels() []string {
	classes := a.Classes()
	names := make([]string, len(classes))
	for i, k := range classes {
		names[i] = a.by.Vocab[k]
	}
	return names
}

// Class returns the index of the most probable class, the first of equal ones.
func (a Prediction) Class() int { return tensor.Argmax(a.Probs) }

// Label returns the name of the most probable class, also where the model abstains; see
// Answer.
func (a Prediction) Label() string { return a.by.Vocab[a.Class()] }

// Score returns the probability of the most probable class.
func (a Prediction) Score() float32 { return a.Probs[a.Class()] }

// Top returns the k most probable classes, best first, equal ones in the
// vocabulary's order; k below 1 or above the number of classes means all. Of numbers
// (Continuous) it returns all, in the vocabulary's order, as scores.
func (a Prediction) Top(k int) []Score {
	all := make([]Score, len(a.Probs))
	for i, v := range a.Probs {
		all[i] = Score{Label: a.by.Vocab[i], Score: v, Class: i, Number: Continuous(a.by.Task)}
	}
	if Continuous(a.by.Task) {
		return all
	}
	if !a.by.Task.Exclusive() {
		for _, k := range a.Classes() {
			all[k].Chosen = true
		}
	}
	slices.SortStableFunc(all, func(a, b Score) int { return cmp.Compare(b.Score, a.Score) })
	if k >= 1 && k < len(all) {
		all = slices.Clip(all[:k])
	}
	return all
}
