package task

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// MultiLabel is classification with any number of labels for each item, none
// included (fastai's MultiCategoryBlock): binary cross-entropy, sigmoid, every label above its
// threshold, which is one half where the model has none of its own.
var MultiLabel Task = multiLabel{}

type multiLabel struct{}

func init() {
	if err := Register(MultiLabel); err != nil {
		panic(err) // a second file of the package took the name
	}
}

func (multiLabel) Name() string { return "multi_label" }

func (multiLabel) Vocabulary(labels [][]string) []string { return SortedSet(labels) }

func (multiLabel) Exclusive() bool { return false }

func (multiLabel) MinClasses() int { return 1 }

func (multiLabel) Encode(vocab []string, labels [][]string) (target.Targets, error) {
	v := tensor.New(len(labels), len(vocab))
	err := Lookup(vocab, labels, func(item, class int) { v.Data[item*len(vocab)+class] = 1 })
	return target.Targets{Values: v}, err
}

func (multiLabel) Labels(vocab []string, y target.Targets, i int) []string {
	names := []string{}
	for k, v := range y.Row(i) {
		if v >= 0.5 && k < len(vocab) {
			names = append(names, vocab[k])
		}
	}
	return names
}

func (multiLabel) Loss(o LossOptions) (loss.Func, error) {
	switch o.Name {
	case "", "bce":
		return &loss.BinaryCrossEntropy{Smoothing: o.Smoothing, Weight: o.Weight, PosWeight: o.PosWeight}, nil
	case "asymmetric":
		if o.PosWeight != nil {
			return nil, fmt.Errorf("task: the asymmetric loss has no positive weights: it weighs present and absent labels by itself")
		}
		l := loss.NewAsymmetric()
		l.Smoothing, l.Weight = o.Smoothing, o.Weight
		return l, nil
	}
	return nil, unknownLoss(o.Name, MultiLabel, "bce, asymmetric")
}

func (multiLabel) Metrics() metrics.Choices { return metrics.MultiLabel }

func (multiLabel) Activate(logits, probs *tensor.Tensor) error {
	if !tensor.SameShape(logits.Shape, probs.Shape) {
		return fmt.Errorf("task: probabilities of shape %v for scores of shape %v", probs.Shape, logits.Shape)
	}
	for i, x := range logits.Data {
		probs.Data[i] = float32(1 / (1 + math.Exp(-float64(x))))
	}
	return nil
}

func (multiLabel) Activation(g *onnx.Graph, output string, logits onnx.Value) onnx.Value {
	return g.AddNode("Sigmoid", output, []onnx.Value{logits})
}

func (multiLabel) Decode(probs, thresholds []float32) []int {
	var chosen []int
	for k, p := range probs {
		if thresholds == nil && p > 0.5 || thresholds != nil && p > thresholds[k] {
			chosen = append(chosen, k)
		}
	}
	slices.SortStableFunc(chosen, func(a, b int) int { return cmp.Compare(probs[b], probs[a]) })
	return chosen
}

func (multiLabel) CheckProbs(probs []float32) error {
	for k, p := range probs {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("probability of label %d is %v; expected a number in 0..1 (NaN means that training diverged)", k, p)
		}
	}
	return nil
}

// ItemLoss is the binary cross-entropy, averaged over labels. Probabilities of 0
// and 1 are kept from giving an infinite loss by the rounding of float32.
func (multiLabel) ItemLoss(probs []float32, y target.Targets, i int) float32 {
	const least = 1e-7
	var sum float64
	for k, t := range y.Row(i) {
		p := math.Min(math.Max(float64(probs[k]), least), 1-least)
		sum -= float64(float64(t)*math.Log(p)) + float64((1-float64(t))*math.Log(1-p))
	}
	return float32(sum / float64(len(probs)))
}
