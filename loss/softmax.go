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
	return out, softmaxInto(logits, out)
}

func softmaxInto(logits, probs *tensor.Tensor) error {
	n, c, err := matrix("logits", logits)
	if err != nil {
		return err
	}
	if probs == nil || !tensor.SameShape(logits.Shape, probs.Shape) || len(probs.Data) != n*c {
		return fmt.Errorf("loss: probabilities must have the shape %v of the logits", logits.Shape)
	}
	for i := range n {
		softmaxRow(logits.Data[i*c:(i+1)*c], probs.Data[i*c:(i+1)*c], 1)
	}
	return nil
}

// softmaxRow writes scale*softmax(row) to dst, which may be row.
func softmaxRow(row, dst []float32, scale float64) {
	lse, _ := logSumExp(row)
	for j, v := range row {
		dst[j] = float32(scale * math.Exp(float64(v)-lse))
	}
}

// Argmax writes to classes the column of the largest score of each row of a
// [N,C] tensor; of equal scores the first. NaN counts as largest, as in
// torch.argmax, so that it is seen rather than hidden.
func Argmax(scores *tensor.Tensor, classes []int) error {
	n, c, err := matrix("scores", scores)
	if err != nil {
		return err
	}
	if len(classes) != n {
		return fmt.Errorf("loss: room for %d classes, the scores have %d rows", len(classes), n)
	}
	for i := range n {
		row := scores.Data[i*c : (i+1)*c]
		best := 0
		for j, v := range row {
			if row[best] != row[best] {
				break
			}
			if v > row[best] || v != v {
				best = j
			}
		}
		classes[i] = best
	}
	return nil
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
