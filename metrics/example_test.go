package metrics_test

import (
	"fmt"

	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Four pictures of two classes, of which the last is taken for the other.
func ExampleMetric() {
	probs := tensor.FromSlice([]float32{0.9, 0.1, 0.2, 0.8, 0.7, 0.3, 0.6, 0.4}, 4, 2)
	y := target.Classes([]int{0, 1, 0, 1})
	for _, m := range []metrics.Metric{metrics.ErrorRate(), metrics.F1Score(metrics.Binary)} {
		if err := m.Update(probs, y); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %.3f\n", m.Name(), m.Value())
	}
	// Output:
	// error_rate 0.250
	// f1_score 0.667
}
