package metrics

import (
	"fmt"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// MultiLabel are the metrics of items that have any number of labels, with
// fastai's defaults: a label is answered when its probability is above one half, and
// the values of the labels are averaged (macro).
var MultiLabel = Choices{
	{Name: "accuracy_multi", New: func() Metric { return AccuracyMulti(0.5) }},
	{Name: "f1_score", Other: []string{"F1ScoreMulti", "f1"}, New: func() Metric { return F1ScoreMulti(0.5, Macro) }},
	{Name: "f1_score_micro", New: func() Metric { return F1ScoreMulti(0.5, Micro) }},
	{Name: "f1_score_weighted", New: func() Metric { return F1ScoreMulti(0.5, Weighted) }},
	{Name: "f1_score_samples", New: func() Metric { return F1ScoreMulti(0.5, Samples) }},
	{Name: "precision_score", Other: []string{"PrecisionMulti", "precision"}, New: func() Metric { return PrecisionMulti(0.5, Macro) }},
	{Name: "recall_score", Other: []string{"RecallMulti", "recall"}, New: func() Metric { return RecallMulti(0.5, Macro) }},
	{Name: "jaccard_score", Other: []string{"JaccardMulti"}, New: func() Metric { return JaccardMulti(0.5, Macro) }},
	{Name: "exact_match", Other: []string{"subset_accuracy"}, New: func() Metric { return ExactMatch(0.5) }},
	{Name: "average_precision_score", Other: []string{"APScoreMulti", "map", "mAP"}, New: func() Metric { return AveragePrecision(Macro) }},
	{Name: "roc_auc_score", Other: []string{"RocAucMulti", "roc_auc"}, New: func() Metric { return ROCAUC(Macro) }},
}

// checkLabels returns the number of labels of a batch after checking its shapes.
func checkLabels(name string, probs *tensor.Tensor, y target.Targets) (c int, err error) {
	if probs == nil || len(probs.Shape) != 2 || probs.Shape[1] < 1 {
		return 0, fmt.Errorf("metrics: %s: probabilities of shape %v: [items, labels] is needed, with at least one label", name, shapeOf(probs))
	}
	n, c := probs.Shape[0], probs.Shape[1]
	if len(probs.Data) != n*c {
		return 0, fmt.Errorf("metrics: %s: probabilities of shape %v with %d values", name, probs.Shape, len(probs.Data))
	}
	if err := y.CheckValues(n, c); err != nil {
		return 0, fmt.Errorf("metrics: %s: %w", name, err)
	}
	return c, nil
}

// has reports whether a target of a label, which mixing may have made a part of
// one, says that the item has it.
func has(t float32) bool { return t >= 0.5 }
