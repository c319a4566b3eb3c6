package optim_test

import (
	"fmt"

	"github.com/whippet-ml/whippet/optim"
)

// Adam finds the lowest point of (x-3)² with the gradient 2(x-3).
func ExampleAdam() {
	x := &optim.Param{Name: "x", Data: []float32{0}, Grad: []float32{0}, NoDecay: true}
	o := &optim.Adam{}
	h := o.Defaults()
	h.LR = 0.1
	for range 200 {
		x.Grad[0] = 2 * (x.Data[0] - 3)
		if err := o.Step([][]*optim.Param{{x}}, []optim.Hyper{h}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("%.2f\n", x.Data[0])
	// Output: 3.00
}
