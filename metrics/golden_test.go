package metrics

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// What fastai2 0.0.30 on PyTorch 1.13.1 made of four batches, the last one
// smaller: items and error rate of each batch, and its average.
var fastaiBatches = []struct {
	items int
	err   float64
}{
	{16, 0.5},
	{16, 0.375},
	{16, 0.4375},
	{12, 0.25},
}

const fastaiErrorRate = 0.4000000059604645

// The error-rate metric on batches with as many wrong answers gives the same.
func TestErrorRateIsFastais(t *testing.T) {
	m := ErrorRate()
	for _, b := range fastaiBatches {
		wrong := int(b.err * float64(b.items))
		probs := tensor.New(b.items, 2)
		for i := range b.items {
			if i < wrong {
				probs.Data[2*i+1] = 1
			} else {
				probs.Data[2*i] = 1
			}
		}
		if err := m.Update(probs, target.Classes(make([]int, b.items))); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Value(); math.Abs(got-fastaiErrorRate) > 1e-7 {
		t.Errorf("error rate %v, want %v", got, fastaiErrorRate)
	}
}
