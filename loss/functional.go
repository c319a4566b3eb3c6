package loss

import (
	"fmt"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// CrossEntropyLoss returns the cross-entropy of logits [N,C] and classes
// (F.cross_entropy): N values under None, one otherwise. See CrossEntropy for
// smoothing, class weights and gradients.
func CrossEntropyLoss(logits *tensor.Tensor, targets []int, r Reduction) ([]float32, error) {
	l := &CrossEntropy{Reduction: r}
	if r == None {
		items := make([]float32, len(targets))
		_, err := l.Forward(logits, target.Classes(targets), items)
		if err != nil {
			return nil, err
		}
		return items, nil
	}
	v, err := l.Forward(logits, target.Classes(targets), nil)
	if err != nil {
		return nil, err
	}
	return []float32{float32(v)}, nil
}

// NLLLoss returns the negative log likelihood (F.nll_loss): minus the log
// probability, out of logProbs [N,C] as LogSoftmax gives them, of each item's
// class. It has N values under None, one otherwise.
func NLLLoss(logProbs *tensor.Tensor, targets []int, r Reduction) ([]float32, error) {
	n, c, err := matrix("log probabilities", logProbs)
	if err != nil {
		return nil, err
	}
	if err := target.Classes(targets).CheckClasses(n, c); err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	if r < Mean || r > None {
		return nil, fmt.Errorf("loss: unknown reduction %v: use Mean, Sum or None", r)
	}
	items := make([]float32, n)
	var total float64
	for i, k := range targets {
		items[i] = -logProbs.Data[i*c+k]
		total += float64(items[i])
	}
	switch r {
	case Mean:
		return []float32{float32(total / float64(n))}, nil
	case Sum:
		return []float32{float32(total)}, nil
	}
	return items, nil
}

// NLLLossGrad returns the gradient of NLLLoss with respect to logProbs, given
// upstream, the gradient with respect to its result: N numbers under None, one
// otherwise.
func NLLLossGrad(logProbs *tensor.Tensor, targets []int, upstream []float32, r Reduction) (*tensor.Tensor, error) {
	value, err := NLLLoss(logProbs, targets, r)
	if err != nil {
		return nil, err
	}
	if len(upstream) != len(value) {
		return nil, fmt.Errorf("loss: %d upstream gradients, reduction %v of %d items needs %d", len(upstream), r, len(targets), len(value))
	}
	d := tensor.New(logProbs.Shape...)
	c := logProbs.Shape[1]
	for i, k := range targets {
		switch r {
		case Mean:
			d.Data[i*c+k] = -upstream[0] / float32(len(targets))
		case Sum:
			d.Data[i*c+k] = -upstream[0]
		default:
			d.Data[i*c+k] = -upstream[i]
		}
	}
	return d, nil
}

// LogSoftmaxGrad returns the gradient of LogSoftmax with respect to its logits,
// given logProbs, its result, and upstream, the gradient with respect to that
// result, all [N,C]: upstream - softmax * sum(upstream) for each row.
func LogSoftmaxGrad(logProbs, upstream *tensor.Tensor) (*tensor.Tensor, error) {
	out, err := likeMatrix(logProbs)
	if err != nil {
		return nil, err
	}
	if upstream == nil || !tensor.SameShape(logProbs.Shape, upstream.Shape) || len(upstream.Data) != len(logProbs.Data) {
		return nil, fmt.Errorf("loss: the upstream gradient must have the shape %v of the log probabilities", logProbs.Shape)
	}
	eachRow(logProbs, func(i int, row []float32) {
		up := upstream.Data[i*len(row) : (i+1)*len(row)]
		var sum float64
		for _, u := range up {
			sum += float64(u)
		}
		dst := out.Data[i*len(row):]
		for j, lp := range row {
			dst[j] = float32(float64(up[j]) - float64(exp(lp)*sum))
		}
	})
	return out, nil
}
