package metrics

import (
	"fmt"

	"github.com/whippet-ml/whippet/target"
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

func (m *counts) update(name string, probs *tensor.Tensor, y target.Targets) error {
	c, err := check(name, probs, y)
	if err != nil {
		return err
	}
	if m.classes != c && m.items > 0 {
		return fmt.Errorf("metrics: %s: a batch with %d classes after batches with %d: call Reset between models", name, c, m.classes)
	}
	m.size(c)
	for i, k := range y.Class {
		m.cells[k*c+tensor.Argmax(probs.Data[i*c:(i+1)*c])]++
	}
	m.items += y.Len()
	return nil
}

// size makes room for c classes.
func (m *counts) size(c int) {
	if m.classes != c {
		m.classes, m.cells = c, make([]int, c*c)
	}
}

// add takes in the counts of another metric of the same name.
func (m *counts) add(name string, o *counts) error {
	if o.items == 0 {
		return nil
	}
	if m.classes != o.classes && m.items > 0 {
		return fmt.Errorf("metrics: %s: counts of %d classes cannot be added to those of %d", name, o.classes, m.classes)
	}
	m.size(o.classes)
	for i, n := range o.cells {
		m.cells[i] += n
	}
	m.items += o.items
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
