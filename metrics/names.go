package metrics

import (
	"fmt"
	"strings"
)

// table lists the metrics that can be asked for by name, with fastai's
// defaults, but macro averages: the binary ones of fastai and scikit-learn are
// for two classes only.
var table = []struct {
	name  string
	build func() Metric
}{
	{"error_rate", ErrorRate},
	{"accuracy", Accuracy},
	{"top_5_accuracy", func() Metric { return TopKAccuracy(5) }},
	{"f1_score", func() Metric { return F1Score(Macro) }},
	{"precision_score", func() Metric { return Precision(Macro) }},
	{"recall_score", func() Metric { return Recall(Macro) }},
	{"matthews_corrcoef", MatthewsCorrCoef},
	{"balanced_accuracy_score", BalancedAccuracy},
	{"cohen_kappa_score", CohenKappa},
	{"brier_score", Brier},
}

// Names returns the names that ByName knows.
func Names() []string {
	names := make([]string, len(table))
	for i, m := range table {
		names[i] = m.name
	}
	return names
}

// ByName returns a new metric by its name, as settings and the command line
// give it. "top_K_accuracy" takes any K from 1.
func ByName(name string) (Metric, error) {
	name = strings.TrimSpace(name)
	for _, m := range table {
		if m.name == name {
			return m.build(), nil
		}
	}
	var k int
	if n, err := fmt.Sscanf(name, "top_%d_accuracy", &k); err == nil && n == 1 && k >= 1 {
		if m := TopKAccuracy(k); m.Name() == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("metrics: there is no metric %q: choose from %s", name, strings.Join(Names(), ", "))
}
