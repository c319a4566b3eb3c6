package confidence

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Conformal makes sets of classes that have the right one with a stated probability: split
// conformal prediction with the score of Sadinle, Lei and Wasserman 2019, "Least Ambiguous
// Set-Valued Classifiers With Bounded Error Levels" (LAC): a set has every class whose
// probability is at least Least. Of all ways that cover as much on average it has the smallest
// sets, and it is one number, the same for every picture.
//
// A set also has the most probable class, so that none is empty. Where that alone is right more often than
// Coverage, sets cover more than they state.
type Conformal struct {
	Coverage float64 `json:"coverage"` // wanted: the share of pictures whose set has their class, in (0,1)
	Least    float32 `json:"least"`    // the probability from which a class is in the set, in [0,1]
	Pictures int     `json:"pictures"` // by which Least was chosen

	// What the sets are on the pictures that Least was chosen by.
	Covered float64 `json:"covered"` // the share of them whose set has their class
	Size    float64 `json:"size"`    // the mean number of classes in a set
}

// rank returns which of the probabilities of the right classes, counted from the highest, the
// Least of n pictures is: ceil((n+1)·coverage). More than n means that there are too few.
func rank(n int, coverage float64) int {
	return int(math.Ceil(float64(float64(n+1)*coverage) - 1e-9)) // 0.55 of 100 is 55, not the next float64 and so 56
}

// ConformalPictures returns how many pictures it takes at least to state a coverage in (0,1): with fewer
// nothing can be left out of a set.
func ConformalPictures(coverage float64) int {
	n := max(1, int(coverage/(1-coverage))-1)
	for rank(n, coverage) > n {
		n++
	}
	return n
}

// CheckCoverage returns an error for a coverage that cannot be stated.
func CheckCoverage(coverage float64) error {
	if !(coverage > 0 && coverage <= 0.9999) {
		return fmt.Errorf("a coverage of %v: must be the share of pictures whose set of classes has the right one, above 0 and 0.9999 at most, such as 0.9", coverage)
	}
	return nil
}

// FitConformal chooses the Least of a Conformal by pictures that did not train the
// classifier: probs has each one's probabilities of all classes, class its right class. Of other
// pictures of the same kind, the share whose set has their class is then Coverage or more, on average over
// pictures to choose by: Least is the ceil((n+1)·coverage)-th highest of the n probabilities of the right classes.
//
// It returns an error for fewer than ConformalPictures pictures, for a coverage that CheckCoverage
// refuses, and for probabilities that are not numbers.
func FitConformal(probs [][]float32, class []int, coverage float64) (*Conformal, error) {
	if err := CheckCoverage(coverage); err != nil {
		return nil, fmt.Errorf("confidence: %w", err)
	}
	n := len(probs)
	if len(class) != n {
		return nil, fmt.Errorf("confidence: %d classes for the probabilities of %d pictures", len(class), n)
	}
	k := rank(n, coverage)
	if k > n {
		return nil, fmt.Errorf("confidence: sets of classes with a coverage of %v need %d pictures to be chosen by, and there are %d", coverage, ConformalPictures(coverage), n)
	}
	right := make([]float32, n)
	for i, row := range probs {
		if class[i] < 0 || class[i] >= len(row) {
			return nil, fmt.Errorf("confidence: picture %d has class %d of %d", i, class[i], len(row))
		}
		right[i] = row[class[i]]
		if right[i] != right[i] {
			return nil, fmt.Errorf("confidence: the probability of picture %d is not a number (training diverged)", i)
		}
	}
	slices.SortFunc(right, func(a, b float32) int { return cmp.Compare(b, a) })
	c := &Conformal{Coverage: coverage, Least: right[k-1], Pictures: n}
	for i, row := range probs {
		set := c.Set(row)
		if slices.Contains(set, class[i]) {
			c.Covered += 1 / float64(n)
		}
		c.Size += float64(len(set)) / float64(n)
	}
	c.Covered = min(c.Covered, 1)
	return c, c.Check()
}

// Check returns an error for a Conformal that makes no sense.
func (c *Conformal) Check() error {
	if err := CheckCoverage(c.Coverage); err != nil {
		return fmt.Errorf("confidence: %w", err)
	}
	if !(c.Least >= 0 && c.Least <= 1) {
		return fmt.Errorf("confidence: a set has the classes of a probability of at least %v: it must be 0 to 1", c.Least)
	}
	if c.Pictures < 0 {
		return errors.New("confidence: the sets were chosen by a negative number of pictures")
	}
	return nil
}

// Set returns the classes of the set for a picture of these probabilities, one for each
// class: the most probable first, equal ones in their order, one at least.
func (c *Conformal) Set(probs []float32) []int {
	var set []int
	best := 0
	for k, p := range probs {
		if p > probs[best] {
			best = k
		}
		if p >= c.Least {
			set = append(set, k)
		}
	}
	if len(set) == 0 {
		return []int{best}
	}
	slices.SortStableFunc(set, func(a, b int) int { return cmp.Compare(probs[b], probs[a]) })
	return set
}

// Spread returns between what the share of other pictures whose class has the probability that a set asks
// for lies in nine of ten cases: choosing by few pictures hits the stated coverage on average
// only. For n pictures it has the beta distribution with k and n+1-k, of which these are the
// quantiles 0.05 and 0.95; k is ceil((n+1)·coverage) (Vovk 2012, "Conditional Validity of
// Inductive Conformal Predictors"). Both are 0 where the number of pictures is not known.
func (c *Conformal) Spread() (low, high float64) {
	k := rank(c.Pictures, c.Coverage)
	if c.Pictures < 1 || k < 1 || k > c.Pictures {
		return 0, 0
	}
	return betaQuantile(0.05, k, c.Pictures), betaQuantile(0.95, k, c.Pictures)
}

// betaQuantile returns the quantile of the beta distribution with the whole numbers k and n+1-k, by
// bisection: below x lies what of n throws with the chance x makes at least k hits.
func betaQuantile(q float64, k, n int) float64 {
	lo, hi := 0.0, 1.0
	for range 50 {
		x := (lo + hi) / 2
		if hits(x, k, n) < q {
			lo = x
		} else {
			hi = x
		}
	}
	return (lo + hi) / 2
}

// hits returns the probability of at least k hits in n throws with the chance x, in (0,1).
func hits(x float64, k, n int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	var sum float64
	for i := k; i <= n; i++ {
		a, _ := math.Lgamma(float64(i + 1))
		b, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - a - b + float64(float64(i)*math.Log(x)) + float64(float64(n-i)*math.Log1p(-x)))
	}
	return sum
}
