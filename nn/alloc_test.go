package nn_test

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"

	"github.com/whippet-ml/whippet/internal/testkit/alloctest"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestSteadyRunAllocatesNothing counts what inference leaves to the garbage
// collector once its buffers are there.
func TestSteadyRunAllocatesNothing(t *testing.T) {
	for _, name := range []string{"resnet18", "resnet50", "squeezenet1_1"} {
		t.Run(name, func(t *testing.T) {
			if name == "resnet50" {
				slow.Test(t)
			}
			arch, err := models.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			inf := nn.Compile(models.NewClassifier(arch, 3, rng.New(1)))
			for _, batch := range []int{1, 4} {
				x, out := tensor.New(batch, 64, 64, 3), make([]float32, 3*batch)
				for _, c := range []struct {
					name          string
					run           func() error
					allocs, bytes uint64
				}{
					{"RunInto", func() error { return inf.RunInto(x, out) }, 4, 1 << 10},
					{"Run", func() error { _, err := inf.Run(x); return err }, 8, 2 << 10}, // the result is three
				} {
					allocs, bytes := alloctest.Least(t, 12, c.run)
					if allocs > c.allocs || bytes > c.bytes {
						t.Errorf("%s of %d pictures makes %d allocations of %d bytes in all, want at most %d of %d", c.name, batch, allocs, bytes, c.allocs, c.bytes)
					}
				}
			}
		})
	}
}
