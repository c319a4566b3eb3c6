package metrics

// Precision returns a new precision metric (fastai's Precision, scikit-learn's
// precision_score): of the items predicted to be of a class, the fraction that
// are; 0 for a class never predicted. It takes logits as well.
func Precision(average Average) Metric {
	return &classScore{
		name: "precision_score", average: average,
		score: func(right, predicted, _ float64) float64 { return ratio(right, predicted) },
	}
}
