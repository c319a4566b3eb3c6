package task

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// SingleLabel is classification with exactly one class for each item (fastai's
// CategoryBlock): cross-entropy, softmax, the most probable class.
var SingleLabel Task = singleLabel{}

type singleLabel struct{}

func init() {
	if err := Register(SingleLabel); err != nil {
		panic(err) // a second file of the package took the name
	}
}

func (singleLabel) Name() string { return "single_label" }

func (singleLabel) Vocabulary(labels [][]string) []string { return SortedSet(labels) }

func (singleLabel) Exclusive() bool { return true }

func (singleLabel) MinClasses() int { return 2 }

func (singleLabel) Encode(vocab []string, labels [][]string) (target.Targets, error) {
	class := make([]int, len(labels))
	for i, l := range labels {
		if len(l) != 1 {
			return target.Targets{}, fmt.Errorf("task: item %d has %d labels (%.100q); single-label classification needs one for each", i, len(l), l)
		}
	}
	err := Lookup(vocab, labels, func(item, k int) { class[item] = k })
	return target.Classes(class), err
}

func (singleLabel) Labels(vocab []string, y target.Targets, i int) []string {
	if i >= len(y.Class) {
		return nil
	}
	if k := y.Class[i]; k >= 0 && k < len(vocab) {
		return vocab[k : k+1 : k+1]
	}
	return []string{fmt.Sprintf("class %d", y.Class[i])}
}

func (singleLabel) Loss(o LossOptions) (loss.Func, error) {
	if o.PosWeight != nil {
		return nil, fmt.Errorf("task: positive weights are for items with several labels: give class weights")
	}
	switch o.Name {
	case "", "cross_entropy":
		return &loss.CrossEntropy{Smoothing: o.Smoothing, Weight: o.Weight}, nil
	case "bce":
		return &loss.BinaryCrossEntropy{Smoothing: o.Smoothing, Weight: o.Weight}, nil
	case "focal":
		if o.Smoothing != 0 {
			return nil, fmt.Errorf("task: the focal loss has no label smoothing")
		}
		l := loss.NewFocal()
		l.Weight = o.Weight
		return l, nil
	}
	return nil, unknownLoss(o.Name, SingleLabel, "cross_entropy, bce, focal")
}

func (singleLabel) Metrics() metrics.Choices { return metrics.SingleLabel }

func (singleLabel) Activate(logits, probs *tensor.Tensor) error {
	return loss.SoftmaxInto(logits, probs)
}

func (singleLabel) Activation(g *onnx.Graph, output string, logits onnx.Value) onnx.Value {
	return g.Softmax(output, logits, -1)
}

func (singleLabel) Decode(probs, _ []float32) []int {
	return []int{tensor.Argmax(probs)}
}

// sumTolerance is how far the probabilities of a row may be from summing to one:
// the rounding of a float32 softmax over a thousand classes is about 1e-4.
const sumTolerance = 1e-2

func (singleLabel) CheckProbs(probs []float32) error {
	sum := 0.0
	for c, p := range probs {
		v := float64(p)
		if math.IsNaN(v) || v < 0 || v > 1+sumTolerance {
			return fmt.Errorf("probability of class %d is %v; expected a number in 0..1 (apply softmax first; NaN means that training diverged)", c, p)
		}
		sum += v
	}
	if math.Abs(sum-1) > sumTolerance {
		return fmt.Errorf("probabilities sum to %.4g, not 1; apply softmax first", sum)
	}
	return nil
}

// ItemLoss is -ln of the true class's probability, kept finite for a probability
// of 0 by the smallest float32.
func (singleLabel) ItemLoss(probs []float32, y target.Targets, i int) float32 {
	p := max(probs[y.Class[i]], math.SmallestNonzeroFloat32)
	return float32(-math.Log(float64(p)))
}
