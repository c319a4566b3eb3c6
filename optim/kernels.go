package optim

import (
	"math"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

// chunk is how many elements one piece of a parallel update has. Updates are
// element by element, so the cut does not show in the result.
const chunk = 1 << 15

// addL2 adds wd*p to the gradient: weight decay as a penalty on the loss
// (fastai's l2_reg) in place of decoupled decay.
func addL2(g, p []float32, wd float64) {
	if wd != 0 {
		elementwise.AXPY(float32(wd), p, g)
	}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
