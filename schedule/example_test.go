package schedule_test

import (
	"fmt"

	"github.com/whippet-ml/whippet/schedule"
)

// The rates that fine_tune(2) gives a model of three layer groups, at the
// middle of its phases.
func ExampleFineTune() {
	phases, err := schedule.FineTune(2, schedule.FineTuneOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lr, mom := make([]float64, 3), make([]float64, 3)
	for _, p := range phases {
		s, err := p.Schedule(3)
		if err != nil {
			fmt.Println(err)
			return
		}
		s.At(0.5, lr, mom)
		fmt.Printf("frozen %-5v  %d epochs of %-18v  rates %.2e  momentum %.3f\n", p.Frozen, p.Epochs, p.LR, lr, mom[0])
	}
	// Output:
	// frozen true   1 epochs of slice(0.002)        rates [1.06e-04 1.06e-04 1.06e-03]  momentum 0.899
	// frozen false  2 epochs of slice(1e-05,0.001)  rates [8.12e-06 8.12e-05 8.12e-04]  momentum 0.869
}

// Drive a learning-rate finder: here the loss falls, then explodes.
func ExampleFinder() {
	f := &schedule.Finder{Start: 1e-4, End: 1, Steps: 50}
	for {
		lr := f.LR()
		loss := 2 / (1 + 100*lr) // in a real search: one training step at rate lr
		if lr > 0.3 {
			loss = 1e3
		}
		if f.Observe(loss) {
			break
		}
	}
	s, err := f.Curve().Suggest()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("valley %.4f of %d steps\n", s.Valley, len(f.Curve().LRs))
	// Output: valley 0.0040 of 45 steps
}
