package task

import (
	"fmt"
	"slices"
)

// Unknown is what a model answers that abstains.
const Unknown = "unknown"

// Reason is why a model abstains from an answer for a picture.
type Reason struct {
	Why   string  `json:"why"`   // ReasonScore
	Value float64 `json:"value"` // what the picture has
	Limit float64 `json:"limit"` // what it should have had at least, or at most
	Text  string  `json:"text"`  // the same for people
}

// ReasonScore says that the probability of the best class is below the limit.
const ReasonScore = "score"

// Abstains reports whether there are pictures that d answers with Unknown.
func (d *Decoder) Abstains() bool { return d.Abstention != nil && d.Task.Exclusive() }

// Reasons says why the model abstains from an answer; there are none where it answers.
func (a Prediction) Reasons() []Reason {
	if !a.by.Abstains() {
		return nil
	}
	var all []Reason
	if s := a.Score(); s < a.by.Abstention.Below {
		all = append(all, Reason{ReasonScore, float64(s), float64(a.by.Abstention.Below),
			fmt.Sprintf("the score of %s, %.3f, is below %.3f", a.Label(), s, a.by.Abstention.Below)})
	}
	return all
}

// Answer returns the labels that the model answers with, which is Unknown alone where it
// abstains.
func (a Prediction) Answer() []string {
	if len(a.Reasons()) > 0 {
		return []string{Unknown}
	}
	return a.Labels()
}

// Answers is Top with the answer in the first place: where the model abstains, that is
// Unknown, with the score of the best class and the reasons, and the k most probable classes follow it.
func (a Prediction) Answers(k int) []Score {
	top, why := a.Top(k), a.Reasons()
	if len(why) == 0 {
		return top
	}
	return slices.Insert(top, 0, Score{Label: Unknown, Score: a.Score(), Class: -1, Reasons: why})
}
