package optim

import (
	"runtime"
	"testing"
)

// TestStepsAllocateNothing takes steps of every optimizer with momentum, decay
// and several parameters.
func TestStepsAllocateNothing(t *testing.T) {
	for _, o := range []Optimizer{&Adam{}, &Adam{L2: true}, &SGD{}, &RMSProp{Mom: 0.9}, &RAdam{}, &Lookahead{Opt: &RAdam{}}} {
		t.Run(o.Name(), func(t *testing.T) {
			var params []*Param
			for _, name := range []string{"a", "b", "c"} {
				params = append(params, &Param{Name: name, Data: make([]float32, 3*chunk), Grad: make([]float32, 3*chunk)})
			}
			groups, hyper := [][]*Param{params}, []Hyper{{LR: 1e-3, Mom: 0.9, WD: 0.01}}
			steps := func() {
				for range 12 { // two of Lookahead's, and RAdam past its warm-up
					if err := o.Step(groups, hyper); err != nil {
						t.Fatal(err)
					}
				}
			}
			steps()
			// Not testing.AllocsPerRun: on its single processor the pool's workers
			// would not get to leave the loops they were called to.
			least := ^uint64(0)
			for range 5 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				steps()
				runtime.ReadMemStats(&after)
				least = min(least, after.Mallocs-before.Mallocs)
			}
			if least > 12 {
				t.Errorf("%d allocations in 12 steps, want at most one a step", least)
			}
		})
	}
}
