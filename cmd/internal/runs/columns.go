package runs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/metrics"
)

// lowerWords are parts of the names of measures of which less is better, for
// measures that Whippet does not know.
var lowerWords = []string{"loss", "err", "mae", "mse", "perplexity", "brier", "ece"}

// HigherIsBetter reports whether more of a column of the history is better.
func HigherIsBetter(column string) bool {
	if column == "train_loss" || column == "valid_loss" {
		return false
	}
	for _, known := range []metrics.Choices{metrics.SingleLabel, metrics.MultiLabel} {
		if m, err := known.ByName(column); err == nil {
			return m.HigherIsBetter()
		}
	}
	name := strings.ToLower(column)
	return !slices.ContainsFunc(lowerWords, func(w string) bool { return strings.Contains(name, w) })
}

// Better reports whether a is a better value of a column than b.
func Better(column string, a, b float64) bool {
	if HigherIsBetter(column) {
		return a > b
	}
	return a < b
}

// Columns lists the columns of the runs' histories: the losses first, then the
// metrics, those that most runs have before the others.
func Columns(list []*Run) []string {
	count := map[string]int{}
	var names []string
	for _, r := range list {
		for _, n := range r.History.Columns {
			if count[n]++; count[n] == 1 {
				names = append(names, n)
			}
		}
	}
	rank := map[string]int{"train_loss": -2, "valid_loss": -1}
	slices.SortStableFunc(names, func(a, b string) int {
		if rank[a] != rank[b] {
			return rank[a] - rank[b]
		}
		return cmp.Compare(count[b], count[a])
	})
	return names
}
