package confidence

import (
	"cmp"
	"fmt"
	"slices"
)

// Abstention is when a classifier answers "unknown" because it is not sure enough: where
// the probability of its best class is below a threshold.
type Abstention struct {
	Below float32 `json:"below"`          // the probability, in (0,1]
	Rule  string  `json:"rule,omitempty"` // by which it was chosen, for people

	// What the threshold gives on the pictures that it was chosen by. All are 0 for a
	// threshold that was not chosen by pictures.
	Pictures  int     `json:"pictures,omitempty"`
	Coverage  float64 `json:"coverage,omitempty"`  // the share of them that is answered
	Precision float64 `json:"precision,omitempty"` // the share of the answered ones that is right
}

// Check returns an error for a threshold that is no probability.
func (a Abstention) Check() error {
	if !(a.Below > 0 && a.Below <= 1) {
		return fmt.Errorf("the probability below which the answer is unknown is %v: it must be above 0, and 1 at most", a.Below)
	}
	return nil
}

// Judged is how sure a classifier was of its answer for a picture, and whether it was
// right.
type Judged struct {
	Score float32 // the probability of the answered class
	Right bool
}

// AbstainByPrecision returns the abstention that answers most pictures of those of
// which at least the wanted share, in (0,1], of the answered ones is right. Where none gives that, it is
// the one whose answers are right most often, and its Precision tells. The threshold lies in the middle between two scores that
// occurred, so that it does not depend on the last bits of one.
//
// Choose by pictures that did not train the classifier. The precision on other pictures
// is a little lower on average, since the threshold is chosen to fit these.
func AbstainByPrecision(of []Judged, wanted float64) (Abstention, error) {
	if !(wanted > 0 && wanted <= 1) {
		return Abstention{}, fmt.Errorf("confidence: an abstention for a precision of %v: it must be above 0, and 1 at most", wanted)
	}
	curve, err := RiskCoverage(of)
	if err != nil {
		return Abstention{}, err
	}
	best, reached := 0, false
	for i, p := range curve.Points { // from the surest pictures on
		if 1-p.Risk >= wanted {
			best, reached = i, true
		} else if !reached && p.Risk < curve.Points[best].Risk {
			best = i
		}
	}
	return curve.at(best, fmt.Sprintf("precision:%v", wanted)), nil
}

// AbstainByCoverage returns the abstention that answers the wanted share of the
// pictures, in (0,1], the ones it is surest of, and more only where scores are equal. See AbstainByPrecision.
func AbstainByCoverage(of []Judged, wanted float64) (Abstention, error) {
	if !(wanted > 0 && wanted <= 1) {
		return Abstention{}, fmt.Errorf("confidence: an abstention for a coverage of %v: it must be above 0, and 1 at most", wanted)
	}
	curve, err := RiskCoverage(of)
	if err != nil {
		return Abstention{}, err
	}
	i := slices.IndexFunc(curve.Points, func(p RiskPoint) bool { return p.Coverage >= wanted })
	return curve.at(i, fmt.Sprintf("coverage:%v", wanted)), nil
}

// RiskPoint is what abstaining at one threshold gives.
type RiskPoint struct {
	Score    float32 `json:"score"`    // the lowest that is answered
	Coverage float64 `json:"coverage"` // the share of pictures answered, in (0,1]
	Risk     float64 `json:"risk"`     // the share of the answered ones that is wrong
}

// Risks is the risk-coverage curve of a classifier: how often its answers are wrong if
// it gives only those that it is surest of (El-Yaniv and Wiener 2010, "On the Foundations of
// Noise-free Selective Classification").
type Risks struct {
	// Points has one for each score that occurred, from the highest on: pictures of
	// equal score are answered together.
	Points []RiskPoint `json:"points"`
	// AURC is the area under the curve: the mean, over all pictures, of the risk at the
	// coverage that answers the picture (Geifman and El-Yaniv 2019). Lower is better.
	AURC float64 `json:"aurc"`
	// Excess is how much more that is than with the same mistakes in the best order, all
	// wrong answers last (E-AURC): 0 is a classifier that knows when it is wrong.
	Excess float64 `json:"excess_aurc"`

	count int
}

// RiskCoverage returns the risk-coverage curve of answers. It returns an error if there
// are none, and for a score that is not a number.
func RiskCoverage(of []Judged) (Risks, error) {
	n := len(of)
	if n == 0 {
		return Risks{}, fmt.Errorf("confidence: there are no pictures to judge by: set some apart for validation")
	}
	wrong := 0
	for i, j := range of {
		if j.Score != j.Score {
			return Risks{}, fmt.Errorf("confidence: the score of picture %d is not a number (training diverged)", i)
		}
		if !j.Right {
			wrong++
		}
	}
	of = slices.Clone(of)
	slices.SortStableFunc(of, func(a, b Judged) int { return cmp.Compare(b.Score, a.Score) })
	r := Risks{count: n}
	var ideal float64
	for i, group, bad := 0, 0, 0; i < n; i++ {
		group++
		if !of[i].Right {
			bad++
		}
		ideal += float64(max(0, wrong-(n-1-i))) / float64(i+1)
		if i+1 < n && of[i+1].Score == of[i].Score {
			continue
		}
		p := RiskPoint{Score: of[i].Score, Coverage: float64(i+1) / float64(n), Risk: float64(bad) / float64(i+1)}
		r.Points = append(r.Points, p)
		r.AURC += p.Risk * float64(group) / float64(n)
		group = 0
	}
	r.Excess = r.AURC - ideal/float64(n)
	return r, nil
}

// At returns the point of the curve that answers at least a share of the pictures, and
// as few more as possible.
func (r Risks) At(coverage float64) RiskPoint {
	for _, p := range r.Points {
		if p.Coverage >= coverage {
			return p
		}
	}
	return r.Points[len(r.Points)-1]
}

// Thinned returns the curve with at most n points, 2 or more, its first and its last
// among them, for showing. The areas stay.
func (r Risks) Thinned(n int) Risks {
	all := r.Points
	if n = max(n, 2); len(all) <= n {
		return r
	}
	r.Points = make([]RiskPoint, n)
	for i := range r.Points {
		r.Points[i] = all[i*(len(all)-1)/(n-1)]
	}
	return r
}

// at returns the abstention that answers up to point i of the curve.
func (r Risks) at(i int, rule string) Abstention {
	p := r.Points[i]
	a := Abstention{Below: p.Score, Rule: rule, Pictures: r.count, Coverage: p.Coverage, Precision: 1 - p.Risk}
	next := float32(0)
	if i+1 < len(r.Points) {
		next = r.Points[i+1].Score
	}
	if middle := p.Score - float32((p.Score-next)/2); middle > next { // not neighbors in float32
		a.Below = middle
	}
	return a
}
