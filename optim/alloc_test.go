package optim

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/alloctest"
)

// TestStepsAllocateNothing takes steps of every optimizer with momentum, decay
// and several parameters.
func TestStepsAllocateNothing(t *testing.T) {
	for _, o := range []Optimizer{&Adam{}, &Adam{L2: true}, &SGD{}, &RMSProp{Mom: 0.9}, &RAdam{}, &Lookahead{Opt: &RAdam{}}, &SGD{Mom: 0.9, Nesterov: true}, &TorchRMSProp{TF: true, Mom: 0.9}, &LAMB{}} {
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
			least, _ := alloctest.Least(t, 5, func() error { steps(); return nil })
			if least > 12 {
				t.Errorf("%d allocations in 12 steps, want at most one a step", least)
			}
		})
	}
}
