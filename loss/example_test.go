package loss_test

import (
	"fmt"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// The loss of two pictures of three classes, and its gradient.
func ExampleCrossEntropy() {
	logits := tensor.FromSlice([]float32{2, 0, 0, 0, 1, 3}, 2, 3)
	gradient := tensor.New(2, 3)
	l := &loss.CrossEntropy{}
	mean, err := l.ForwardBackward(logits, target.Classes([]int{0, 2}), nil, gradient)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n%.3f\n", mean, gradient.Data)
	// Output:
	// 0.2047
	// [-0.107 0.053 0.053 0.021 0.057 -0.078]
}
