package confidence

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Measure is a way to say how unsure a classifier is of a picture, for the choice of
// those that a person labels next (Settles, "Active Learning Literature Survey", 2009, section 3.1).
type Measure string

// The measures. Each is from 0, sure, to 1; LeastConfident stays below 1-1/C of C classes.
const (
	// Margin is 1 less the distance of the two best probabilities.
	Margin Measure = "margin"
	// Entropy is that of the probabilities, as a share of the highest there can be.
	Entropy Measure = "entropy"
	// LeastConfident is 1 less the best probability.
	LeastConfident Measure = "least"
)

// Measures are all of them.
var Measures = []Measure{Margin, Entropy, LeastConfident}

// Check returns an error for a measure that is none.
func (m Measure) Check() error {
	if slices.Contains(Measures, m) {
		return nil
	}
	names := make([]string, len(Measures))
	for i, k := range Measures {
		names[i] = string(k)
	}
	return fmt.Errorf("%q is no measure of uncertainty; there are %s", string(m), strings.Join(names, ", "))
}

// Of returns how unsure the probabilities of classes that exclude each other are, which add up to 1. Of
// fewer than two there is nothing to be unsure of: 0.
func (m Measure) Of(probs []float32) float64 {
	if len(probs) < 2 {
		return 0
	}
	if m == Entropy {
		sum := 0.0
		for _, p := range probs {
			sum += entropyOf(float64(p))
		}
		return min(sum/math.Log(float64(len(probs))), 1)
	}
	first, second := float32(0), float32(0)
	for _, p := range probs {
		if p > first {
			first, second = p, first
		} else if p > second {
			second = p
		}
	}
	if m == LeastConfident {
		return 1 - float64(first)
	}
	return 1 - (float64(first) - float64(second))
}

// OfLabels returns how unsure the probabilities of labels that do not exclude each other are:
// by Margin and LeastConfident that of the least sure label, by Entropy the mean of all.
func (m Measure) OfLabels(probs []float32) float64 {
	most, sum := 0.0, 0.0
	for _, p := range probs {
		u := m.Of([]float32{p, 1 - p})
		most, sum = max(most, u), sum+u
	}
	if m == Entropy && len(probs) > 0 {
		return sum / float64(len(probs))
	}
	return most
}

// entropyOf is the part of one probability, in nats.
func entropyOf(p float64) float64 {
	if p <= 0 {
		return 0
	}
	return -p * math.Log(p)
}
