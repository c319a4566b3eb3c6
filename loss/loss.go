// Package loss says how wrong a classifier's scores are, and in which direction
// to change them: cross-entropy with label smoothing, class weights and mixed
// targets, forward and backward side by side.
//
// Scores (logits) are [N,C] tensors: one row per picture, one column per class.
// Arithmetic is float64 inside a row, so that values are those of PyTorch in
// float64, rounded once.
package loss

import (
	"fmt"

	"github.com/whippet-ml/whippet/tensor"
)

// Reduction says what becomes of the losses of a batch's items.
type Reduction int

const (
	Mean Reduction = iota // their mean (with class weights, their weighted mean); PyTorch's default
	Sum                   // their sum
	None                  // they stay apart, one for each item
)

// String returns PyTorch's name of the reduction.
func (r Reduction) String() string {
	switch r {
	case Mean:
		return "mean"
	case Sum:
		return "sum"
	case None:
		return "none"
	}
	return fmt.Sprintf("Reduction(%d)", int(r))
}

// Targets are the right answers for a batch of N items.
type Targets struct {
	Class []int // class of each item, in [0,C); length N

	// Other and Lambda are set when items are mixed, as by mixup: the loss of
	// item i is Lambda[i]*loss(Class[i]) + (1-Lambda[i])*loss(Other[i])
	// (fastai's MixUp). Both are nil or of length N.
	Other  []int
	Lambda []float32
}

// Func is a loss for training. Implementations are safe for concurrent use and
// allocate nothing.
type Func interface {
	// Forward returns the batch's loss under the reduction (0 for None). When
	// items is not nil, it has length N and receives the loss of each item,
	// before reduction.
	//
	// NaN and infinite scores are no error: they give a NaN or infinite loss.
	Forward(logits *tensor.Tensor, y Targets, items []float32) (float64, error)

	// ForwardBackward is Forward that also writes the gradient of the batch's
	// loss with respect to logits to dlogits, of the shape of logits. dlogits
	// may be logits itself. It is an error under reduction None: use Backward.
	ForwardBackward(logits *tensor.Tensor, y Targets, items []float32, dlogits *tensor.Tensor) (float64, error)

	// Backward writes to dlogits the gradient with respect to logits given
	// upstream, the gradient with respect to the result of Forward: N numbers
	// under None, one otherwise.
	Backward(logits *tensor.Tensor, y Targets, upstream []float32, dlogits *tensor.Tensor) error

	// Activation writes to probs the probabilities that belong to logits, both
	// [N,C]; they may be the same tensor.
	Activation(logits, probs *tensor.Tensor) error

	// Decode writes to classes, of length N, the class chosen for each row of
	// logits or of probabilities.
	Decode(scores *tensor.Tensor, classes []int) error

	// String names the loss and its options.
	String() string
}

// matrix returns the rows and columns of a [N,C] tensor with C >= 1.
func matrix(what string, t *tensor.Tensor) (n, c int, err error) {
	if t == nil {
		return 0, 0, fmt.Errorf("loss: no %s given", what)
	}
	if len(t.Shape) != 2 || t.Shape[1] < 1 {
		return 0, 0, fmt.Errorf("loss: %s of shape %v: [items, classes] is needed, with at least one class", what, t.Shape)
	}
	if len(t.Data) != t.Shape[0]*t.Shape[1] {
		return 0, 0, fmt.Errorf("loss: %s of shape %v with %d values", what, t.Shape, len(t.Data))
	}
	return t.Shape[0], t.Shape[1], nil
}

func checkClasses(what string, classes []int, n, c int) error {
	if len(classes) != n {
		return fmt.Errorf("loss: %d %s for %d rows of scores: one is needed for each row", len(classes), what, n)
	}
	for i, k := range classes {
		if k < 0 || k >= c {
			return fmt.Errorf("loss: %s[%d] is %d, but the model has %d classes: it must be in 0..%d", what, i, k, c, c-1)
		}
	}
	return nil
}

func (y Targets) check(n, c int) error {
	if err := checkClasses("targets", y.Class, n, c); err != nil {
		return err
	}
	if y.Other == nil && y.Lambda == nil {
		return nil
	}
	if err := checkClasses("mixed targets", y.Other, n, c); err != nil {
		return err
	}
	if len(y.Lambda) != n {
		return fmt.Errorf("loss: %d mixing weights for %d rows of scores: one is needed for each row", len(y.Lambda), n)
	}
	for i, l := range y.Lambda {
		if !(l >= 0 && l <= 1) {
			return fmt.Errorf("loss: mixing weight %d is %v: it must be between 0 and 1", i, l)
		}
	}
	return nil
}
