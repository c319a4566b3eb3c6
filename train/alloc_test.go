package train

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/rng"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/tensor"
)

// What a steady training step may leave to the garbage collector, whatever the
// network's depth and the batch: the source of dropout's numbers and little else.
const (
	stepAllocs = 20
	stepBytes  = 4 << 10
)

// TestSteadyStepAllocatesNothing trains every architecture, frozen and not, on
// one small batch until every buffer is there, and then counts.
func TestSteadyStepAllocatesNothing(t *testing.T) {
	for _, name := range models.Names() {
		for _, c := range []struct {
			frozen      bool
			batch, size int
		}{{false, 2, 64}, {true, 2, 64}, {false, 5, 48}} {
			t.Run(fmt.Sprintf("%s, frozen %t, batch %d of %d pixels", name, c.frozen, c.batch, c.size), func(t *testing.T) {
				if testing.Short() && c.batch != 2 {
					t.Skip("short")
				}
				l, b, hyper := steady(t, name, c.frozen, c.batch, c.size)
				allocs, bytes := leastOf(t, 6, func() error { return l.TrainBatch(b, hyper) })
				if allocs > stepAllocs || bytes > stepBytes {
					t.Errorf("a step makes %d allocations of %d bytes in all, want at most %d of %d", allocs, bytes, stepAllocs, stepBytes)
				}
			})
		}
	}
}

// steady returns a learner that has taken some steps on the batch.
func steady(t *testing.T, name string, frozen bool, batch, size int) (*Learner, *data.Batch, []optim.Hyper) {
	t.Helper()
	arch, err := models.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(&data.DataLoaders{Vocab: []string{"a", "b", "c"}}, models.NewClassifier(arch, 3, rng.New(1)))
	if err != nil {
		t.Fatal(err)
	}
	if frozen {
		if err := l.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	r := rng.New(2)
	b := &data.Batch{X: tensor.New(batch, size, size, 3), Y: make([]int, batch)}
	for i := range b.X.Data {
		b.X.Data[i] = float32(r.Normal())
	}
	hyper := make([]optim.Hyper, l.Groups())
	for i := range hyper {
		hyper[i] = optim.Hyper{LR: 1e-5, Mom: 0.9, WD: 0.01}
	}
	for range 4 {
		if err := l.TrainBatch(b, hyper); err != nil {
			t.Fatal(err)
		}
	}
	return l, b, hyper
}

// leastOf calls f some times and returns the least that a call allocated, on all
// goroutines: what is left out is the runtime's own, and buffers that another
// order of the same work needed for the first time.
func leastOf(t *testing.T, times int, f func() error) (allocs, bytes uint64) {
	t.Helper()
	allocs, bytes = ^uint64(0), ^uint64(0)
	for range times {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := f()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		allocs = min(allocs, after.Mallocs-before.Mallocs)
		bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
	}
	return allocs, bytes
}
