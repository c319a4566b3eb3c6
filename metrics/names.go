package metrics

import (
	"fmt"
	"strings"
)

// Choice is a metric that can be asked for by name.
type Choice struct {
	Name  string   // the Metric's own name, which heads its column
	Other []string // other names that mean it: fastai's, and older ones of Whippet's
	New   func() Metric
}

// Choices are the metrics that make sense for a task.
type Choices []Choice

// SingleLabel are the metrics of items that have one class each, with fastai's
// defaults, but macro averages: the binary ones of fastai and scikit-learn are
// for two classes only. Besides those listed it takes top_K_accuracy for any K
// from 1.
var SingleLabel = Choices{
	{Name: "error_rate", New: ErrorRate},
	{Name: "accuracy", New: Accuracy},
	topK(5),
	{Name: "f1_score", Other: []string{"F1Score", "f1"}, New: func() Metric { return F1Score(Macro) }},
	{Name: "precision_score", Other: []string{"Precision", "precision"}, New: func() Metric { return Precision(Macro) }},
	{Name: "recall_score", Other: []string{"Recall", "recall"}, New: func() Metric { return Recall(Macro) }},
	{Name: "matthews_corrcoef", Other: []string{"MatthewsCorrCoef", "matthews"}, New: MatthewsCorrCoef},
	{Name: "balanced_accuracy_score", Other: []string{"BalancedAccuracy", "balanced_accuracy"}, New: BalancedAccuracy},
	{Name: "cohen_kappa_score", Other: []string{"CohenKappa", "cohen_kappa"}, New: CohenKappa},
	{Name: "brier_score", Other: []string{"BrierScore", "brier"}, New: Brier},
}

func topK(k int) Choice {
	return Choice{Name: TopKAccuracy(k).Name(), New: func() Metric { return TopKAccuracy(k) }}
}

// Names returns the names of the choices, in their order.
func (c Choices) Names() []string {
	names := make([]string, len(c))
	for i, m := range c {
		names[i] = m.Name
	}
	return names
}

// ByName returns a new metric by one of its names, as settings and the command
// line give it. The error lists the names.
func (c Choices) ByName(name string) (Metric, error) {
	name = strings.TrimSpace(name)
	var k int
	for _, m := range c {
		if m.Name == name {
			return m.New(), nil
		}
		for _, o := range m.Other {
			if o == name {
				return m.New(), nil
			}
		}
		if m.Name != topK(5).Name {
			continue
		}
		if n, err := fmt.Sscanf(name, "top_%d_accuracy", &k); err == nil && n == 1 && k >= 1 && topK(k).Name == name {
			return TopKAccuracy(k), nil
		}
	}
	return nil, fmt.Errorf("metrics: there is no metric %q: choose from %s", name, strings.Join(c.Names(), ", "))
}
