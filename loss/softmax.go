package loss

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/tensor"
)

// logSumExp returns log(sum(exp(row))) without overflow, and the sum of row.
// A row that holds NaN, or +Inf, or nothing but -Inf, gives NaN, as PyTorch's
// log_softmax does for it.
func logSumExp(row []float32) (lse, sum float64) {
	top := math.Inf(-1)
	for _, v := range row {
		if float64(v) > top {
			top = float64(v)
		}
		sum += float64(v)
	}
	var total float64
	for _, v := range row {
		total += math.Exp(float64(v) - top)
	}
	return top + math.Log(total), sum
}

// LogSoftmax returns the logarithms of the probabilities that belong to logits:
// x - log(sum(exp(x))) for each row of a [N,C] tensor.
func LogSoftmax(logits *tensor.Tensor) (*tensor.Tensor, error) {
	out, err := likeMatrix(logits)
	if err != nil {
		return nil, err
	}
	eachRow(logits, func(i int, row []float32) {
		lse, _ := logSumExp(row)
		dst := out.Data[i*len(row):]
		for j, v := range row {
			dst[j] = float32(float64(v) - lse)
		}
	})
	return out, nil
}

// Softmax returns the probabilities that belong to logits: exp(x)/sum(exp(x))
// for each row of a [N,C] tensor.
func Softmax(logits *tensor.Tensor) (*tensor.Tensor, error) {
	out, err := likeMatrix(logits)
	if err != nil {
		return nil, err
	}
	return out, SoftmaxInto(logits, out)
}

// SoftmaxInto is Softmax that writes to probs, of the shape of logits; probs may be
// logits itself. It allocates nothing.
func SoftmaxInto(logits, probs *tensor.Tensor) error {
	n, c, err := matrix("logits", logits)
	if err != nil {
		return err
	}
	if probs == nil || !tensor.SameShape(logits.Shape, probs.Shape) || len(probs.Data) != n*c {
		return fmt.Errorf("loss: probabilities must have the shape %v of the logits", logits.Shape)
	}
	for i := range n {
		softmaxRow(logits.Data[i*c:(i+1)*c], probs.Data[i*c:(i+1)*c])
	}
	return nil
}

// softmaxRow writes softmax(row) to dst, which may be row.
func softmaxRow(row, dst []float32) {
	lse, _ := logSumExp(row)
	for j, v := range row {
		dst[j] = float32(math.Exp(float64(v) - lse))
	}
}

func likeMatrix(t *tensor.Tensor) (*tensor.Tensor, error) {
	if _, _, err := matrix("logits", t); err != nil {
		return nil, err
	}
	return tensor.New(t.Shape...), nil
}

func eachRow(t *tensor.Tensor, body func(i int, row []float32)) {
	c := t.Shape[1]
	for i := range t.Shape[0] {
		body(i, t.Data[i*c:(i+1)*c])
	}
}

func exp(x float32) float64 { return math.Exp(float64(x)) }
