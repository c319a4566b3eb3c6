package task

import (
	"fmt"
	"math"
	"slices"
)

// Unknown is what a model answers that abstains.
const Unknown = "unknown"

// Reason is why a model abstains from an answer for a picture.
type Reason struct {
	Why   string  `json:"why"`   // ReasonScore or ReasonStrangeness
	Value float64 `json:"value"` // what the picture has
	Limit float64 `json:"limit"` // what it should have had at least, or at most
	Text  string  `json:"text"`  // the same for people
}

// ReasonScore says that the probability of the best class is below the limit.
const ReasonScore = "score"

// ReasonStrangeness says that the picture is further from those of training than the limit.
const ReasonStrangeness = "strangeness"

// Abstains reports whether there are pictures that d answers with Unknown.
func (d *Decoder) Abstains() bool {
	return d.Task.Exclusive() && (d.Abstention != nil || d.Strangeness != nil && d.Strangeness.Limit > 0)
}

// Reasons says why the model abstains from an answer; there are none where it answers.
func (a Prediction) Reasons() []Reason {
	if !a.by.Abstains() {
		return nil
	}
	var all []Reason
	if s := a.Score(); a.by.Abstention != nil && s < a.by.Abstention.Below {
		all = append(all, Reason{ReasonScore, float64(s), float64(a.by.Abstention.Below),
			fmt.Sprintf("the score of %s, %.3f, is below %.3f", a.Label(), s, a.by.Abstention.Below)})
	}
	if by := a.by.Strangeness; a.measured && by != nil && by.Limit > 0 && a.strangeness > by.Limit {
		all = append(all, Reason{ReasonStrangeness, min(a.strangeness, math.MaxFloat32), by.Limit,
			fmt.Sprintf("the strangeness, %.1f, is above %.1f: the picture is unlike those of training", a.strangeness, by.Limit)})
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
	if len(why) > 0 {
		top = slices.Insert(top, 0, Score{Label: Unknown, Score: a.Score(), Class: -1, Reasons: why})
	}
	if a.measured {
		top[0].Strangeness = min(a.strangeness, math.MaxFloat32) // which JSON can say
	}
	top[0].Set = a.Set()
	return top
}
