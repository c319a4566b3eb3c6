package metrics

import (
	"fmt"
	"math"
)

// Average says how the values of several classes become one, as in
// scikit-learn's average argument.
type Average int

const (
	// Macro is the plain mean over the classes that occur as an actual or a
	// predicted class; others are left out, as scikit-learn leaves them out.
	Macro Average = iota
	// Weighted is the mean over classes weighted by how often each is actual.
	Weighted
	// Micro counts all classes together first; for single labels it equals
	// accuracy.
	Micro
	// Binary is the value of class 1, for two classes only; fastai's and
	// scikit-learn's default.
	Binary
	// Samples is the mean over items of their own values, for items that have
	// several labels.
	Samples
)

// String returns scikit-learn's name of the average.
func (a Average) String() string {
	switch a {
	case Macro:
		return "macro"
	case Weighted:
		return "weighted"
	case Micro:
		return "micro"
	case Binary:
		return "binary"
	case Samples:
		return "samples"
	}
	return fmt.Sprintf("Average(%d)", int(a))
}

// suits reports, as an error, an average that cannot be taken of c classes.
func (a Average) suits(name string, c int) error {
	if a < Macro || a > Binary {
		return fmt.Errorf("metrics: %s: unknown average %v: use Macro, Weighted, Micro or Binary", name, a)
	}
	if a == Binary && c != 2 {
		return fmt.Errorf("metrics: %s: a binary average of %d classes: use Macro, Weighted or Micro", name, c)
	}
	return nil
}

// over applies f, a value of (true positives, predicted, actual), under the
// average. It is NaN when there are no items.
func (a Average) over(m *counts, f func(right, predicted, actual float64) float64) float64 {
	if m.items == 0 {
		return math.NaN()
	}
	if a == Binary {
		return f(m.class(1))
	}
	var sum, weights float64
	var allRight, allPredicted, allActual float64
	for k := range m.classes {
		right, predicted, actual := m.class(k)
		allRight += right
		allPredicted += predicted
		allActual += actual
		w := 1.0
		if a == Weighted {
			w = actual
		} else if predicted == 0 && actual == 0 {
			continue
		}
		sum += float64(w * f(right, predicted, actual))
		weights += w
	}
	if a == Micro {
		return f(allRight, allPredicted, allActual)
	}
	return ratio(sum, weights)
}
