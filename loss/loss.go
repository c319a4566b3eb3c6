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

	"github.com/whippet-ml/whippet/target"
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

// Func is a loss for training. Implementations are safe for concurrent use and
// allocate nothing. How scores become probabilities and answers is not a loss's
// decision but the task's (package task).
type Func interface {
	// Forward returns the batch's loss under the reduction (0 for None). When
	// items is not nil, it has length N and receives the loss of each item,
	// before reduction.
	//
	// NaN and infinite scores are no error: they give a NaN or infinite loss.
	Forward(logits *tensor.Tensor, y target.Targets, items []float32) (float64, error)

	// ForwardBackward is Forward that also writes the gradient of the batch's
	// loss with respect to logits to dlogits, of the shape of logits. dlogits
	// may be logits itself. It is an error under reduction None, which has no
	// single loss to differentiate.
	ForwardBackward(logits *tensor.Tensor, y target.Targets, items []float32, dlogits *tensor.Tensor) (float64, error)

	// Reduce says what Forward makes of the losses of a batch's items.
	Reduce() Reduction

	// String names the loss and its options; a checkpoint holds it.
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
