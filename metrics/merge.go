package metrics

import "fmt"

// same returns other as the kind of metric that m is, or an error: the counts of
// two metrics are added only where they count the same.
func same[M Metric](m M, other Metric) (M, error) {
	o, ok := other.(M)
	if !ok || o.Name() != m.Name() {
		var none M
		name := "no metric"
		if other != nil {
			name = other.Name()
		}
		return none, fmt.Errorf("metrics: %s cannot be merged into %s: merge metrics that were made alike", name, m.Name())
	}
	return o, nil
}
