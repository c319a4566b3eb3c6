package metrics

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/tensor"
)

// What fastai2 0.0.30 on PyTorch 1.13.1 made of four batches, the last one
// smaller: items, error rate and mean loss of each batch, and its averages.
var fastaiBatches = []struct {
	items     int
	err, loss float64
}{
	{16, 0.5, 1.2095555067062378},
	{16, 0.375, 1.0385544300079346},
	{16, 0.4375, 1.3834148645401},
	{12, 0.25, 0.8247777819633484},
}

const (
	fastaiErrorRate = 0.4000000059604645
	fastaiLoss      = 1.133362054824829
)

func TestMeanIsFastais(t *testing.T) {
	var errs, losses Mean
	for _, b := range fastaiBatches {
		errs.Add(b.err, b.items)
		losses.Add(b.loss, b.items)
	}
	if errs.Items() != 60 {
		t.Errorf("%d items, want 60", errs.Items())
	}
	// fastai sums and divides in float32: 6e-8 for each of five operations.
	for _, c := range []struct {
		what      string
		got, want float64
	}{{"error rate", errs.Value(), fastaiErrorRate}, {"loss", losses.Value(), fastaiLoss}} {
		if math.Abs(c.got-c.want) > 3e-7*c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

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
		if err := m.Update(probs, make([]int, b.items)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Value(); math.Abs(got-fastaiErrorRate) > 1e-7 {
		t.Errorf("error rate %v, want %v", got, fastaiErrorRate)
	}
}
