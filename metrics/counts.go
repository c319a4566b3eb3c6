package metrics

import (
	"fmt"

	"github.com/whippet-ml/whippet/tensor"
)

// counts is a confusion matrix under way: cells[actual*classes+predicted].
type counts struct {
	classes int
	cells   []int
	items   int
}

func (m *counts) Reset() {
	clear(m.cells)
	m.items = 0
}

func (m *counts) update(name string, probs *tensor.Tensor, classes []int) error {
	c, err := check(name, probs, classes)
	if err != nil {
		return err
	}
	if m.classes != c {
		if m.items > 0 {
			return fmt.Errorf("metrics: %s: a batch with %d classes after batches with %d: call Reset between models", name, c, m.classes)
		}
		m.classes, m.cells = c, make([]int, c*c)
	}
	for i, k := range classes {
		m.cells[k*c+argmax(probs.Data[i*c:(i+1)*c])]++
	}
	m.items += len(classes)
	return nil
}

// class returns how often class k was predicted rightly (true positives), how
// often predicted, and how often it was the actual class (its support).
func (m *counts) class(k int) (right, predicted, actual float64) {
	for j := range m.classes {
		predicted += float64(m.cells[j*m.classes+k])
		actual += float64(m.cells[k*m.classes+j])
	}
	return float64(m.cells[k*m.classes+k]), predicted, actual
}
