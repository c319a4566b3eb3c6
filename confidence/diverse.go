package confidence

import (
	"cmp"
	"math"
)

// Pick is a picture that Diverse chose.
type Pick struct {
	Index int // of the picture
	// Distance is to the nearest of those that were chosen before: 1 less the cosine between the
	// features, from 0 for pictures that the network finds the same to 2, which the first has.
	Distance float64
}

// Diverse chooses n pictures, all if there are fewer, that are uncertain and unlike each other:
// the most uncertain one, and then again and again the one with the highest product of its uncertainty,
// which is not negative, and its distance to those that are chosen already. Without the uncertainty this is the greedy
// k-center of Sener and Savarese, "Active Learning for Convolutional Neural Networks: A
// Core-Set Approach", 2018. Of equal products the more uncertain picture is taken, then the first.
//
// features has a vector for each picture, all of the same length. The work grows with n times their number, and memory with their number.
func Diverse(uncertainty []float64, features [][]float32, n int) []Pick {
	n = min(max(n, 0), len(uncertainty))
	norms, far := make([]float64, len(features)), make([]float64, len(features))
	for i, f := range features {
		norms[i], far[i] = math.Sqrt(dot(f, f)), 2
	}
	taken := make([]bool, len(features))
	picks := make([]Pick, 0, n)
	for range n {
		best := -1
		for i := range features {
			if taken[i] {
				continue
			}
			if best < 0 || cmp.Or(cmp.Compare(uncertainty[i]*far[i], uncertainty[best]*far[best]), cmp.Compare(uncertainty[i], uncertainty[best])) > 0 {
				best = i
			}
		}
		taken[best] = true
		picks = append(picks, Pick{best, far[best]})
		for i, f := range features {
			if !taken[i] {
				far[i] = min(far[i], cosineDistance(dot(f, features[best]), norms[i], norms[best]))
			}
		}
	}
	return picks
}

// cosineDistance is that of vectors with this product and these lengths; 1 where one has none.
func cosineDistance(product, a, b float64) float64 {
	if a == 0 || b == 0 {
		return 1
	}
	return min(max(1-product/(a*b), 0), 2)
}

// dot is the product of vectors of the same length.
func dot(x, y []float32) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(float64(v) * float64(y[i]))
	}
	return sum
}
