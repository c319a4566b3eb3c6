package metrics

// Recall returns a new recall metric (fastai's Recall, scikit-learn's
// recall_score): of the items of a class, the fraction predicted to be; 0 for a
// class without items. It takes logits as well.
func Recall(average Average) Metric {
	return &classScore{
		name: "recall_score", average: average,
		score: func(right, _, actual float64) float64 { return ratio(right, actual) },
	}
}
