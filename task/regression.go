package task

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// Regression is the prediction of numbers: one or several for each item, whose names are
// the vocabulary (fastai's RegressionBlock). An item's labels are its numbers as text, in that order. The
// answers are the network's outputs themselves or, with a range, Low + (High-Low)·sigmoid(output) (fastai's y_range).
//
// Model files name it "regression", or with a range "regression(LOW,HIGH)".
type Regression struct {
	Low, High float64 // of the range, Low < High; both 0 for none
}

const regressionName = "regression"

// NewRegression returns the task with a range, or an error for one that is none.
func NewRegression(low, high float64) (Regression, error) {
	if !(low < high) || math.IsInf(low, 0) || math.IsInf(high, 0) {
		return Regression{}, fmt.Errorf("task: a range of %v to %v: it must be two finite numbers, the lower first", low, high)
	}
	return Regression{low, high}, nil
}

// Continuous reports whether a task answers with numbers and not with classes or labels.
func Continuous(t Task) bool {
	_, ok := t.(Regression)
	return ok
}

func init() {
	if err := Register(Regression{}); err != nil {
		panic(err) // a second file of the package took the name
	}
}

// regressionByName returns the task of a name with a range.
func regressionByName(name string) (t Regression, ok bool, err error) {
	arg, ok := strings.CutPrefix(name, regressionName+"(")
	if !ok {
		return t, false, nil
	}
	low, high, _ := strings.Cut(strings.TrimSuffix(arg, ")"), ",")
	a, errA := strconv.ParseFloat(low, 64)
	b, errB := strconv.ParseFloat(high, 64)
	if errA != nil || errB != nil || !strings.HasSuffix(arg, ")") {
		return t, true, fmt.Errorf("the task %.60q is unknown: regression with a range is regression(LOW,HIGH)", name)
	}
	t, err = NewRegression(a, b)
	return t, true, err
}

// Name implements Task.
func (r Regression) Name() string {
	if !r.ranged() {
		return regressionName
	}
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return regressionName + "(" + g(r.Low) + "," + g(r.High) + ")"
}

func (r Regression) ranged() bool { return r.Low != r.High }

// Vocabulary implements Task: the numbers are called by their places, as labels that are
// numbers have no names. Data with names gives them as its own vocabulary.
func (r Regression) Vocabulary(labels [][]string) []string {
	if len(labels) == 0 {
		return nil
	}
	names := make([]string, len(labels[0]))
	for i := range names {
		names[i] = fmt.Sprintf("number %d", i+1)
	}
	return names
}

// Exclusive implements Task.
func (r Regression) Exclusive() bool { return false }

// MinClasses implements Task.
func (r Regression) MinClasses() int { return 1 }

// Encode implements Task.
func (r Regression) Encode(vocab []string, labels [][]string) (target.Targets, error) {
	v := tensor.New(len(labels), len(vocab))
	for i, of := range labels {
		if len(of) != len(vocab) {
			return target.Targets{}, fmt.Errorf("item %d has %d numbers, and %d are asked for: %.200q", i, len(of), len(vocab), vocab)
		}
		for k, text := range of {
			x, err := strconv.ParseFloat(text, 32)
			if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
				return target.Targets{}, fmt.Errorf("%q of item %d is %q, which is no finite number", vocab[k], i, text)
			}
			v.Data[i*len(vocab)+k] = float32(x)
		}
	}
	return target.Targets{Values: v}, nil
}

// Labels implements Task: the numbers as text.
func (r Regression) Labels(_ []string, y target.Targets, i int) []string {
	texts := []string{}
	for _, v := range y.Row(i) {
		texts = append(texts, strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	return texts
}

// Loss implements Task.
func (r Regression) Loss(o LossOptions) (loss.Func, error) {
	switch {
	case o.Smoothing != 0:
		return nil, fmt.Errorf("task: numbers have no labels to smooth")
	case o.Weight != nil || o.PosWeight != nil:
		return nil, fmt.Errorf("task: numbers have no classes to weigh")
	}
	l := &loss.Regression{Low: r.Low, High: r.High}
	switch o.Name {
	case "", "mse":
	case "l1":
		l.Distance = loss.Absolute
	case "smooth_l1":
		l.Distance = loss.Smooth
	default:
		return nil, unknownLoss(o.Name, r, "mse, l1, smooth_l1")
	}
	return l, nil
}

// Metrics implements Task.
func (r Regression) Metrics() metrics.Choices { return metrics.Regression }

// Activate implements Task.
func (r Regression) Activate(outputs, answers *tensor.Tensor) error {
	if !tensor.SameShape(outputs.Shape, answers.Shape) {
		return fmt.Errorf("task: answers of shape %v for outputs of shape %v", answers.Shape, outputs.Shape)
	}
	l := loss.Regression{Low: r.Low, High: r.High}
	for i, x := range outputs.Data {
		v, _ := l.Answer(float64(x))
		answers.Data[i] = float32(v)
	}
	return nil
}

// Activation implements Task.
func (r Regression) Activation(g *onnx.Graph, output string, x onnx.Value) onnx.Value {
	if !r.ranged() {
		return g.Identity(output, x)
	}
	constant := func(name string, v float64) onnx.Value {
		return g.Initializer(&weights.Array{Name: name, F32: []float32{float32(v)}})
	}
	y := g.Sigmoid(output+"_share", x)
	y = g.Mul(output+"_scaled", y, constant("range_width", r.High-r.Low))
	return g.Add(output, y, constant("range_low", r.Low))
}

// Decode implements Task: all numbers, in order.
func (r Regression) Decode(answers, _ []float32) []int {
	all := make([]int, len(answers))
	for i := range all {
		all[i] = i
	}
	return all
}

// CheckProbs implements Task.
func (r Regression) CheckProbs(answers []float32) error {
	for k, v := range answers {
		if v-v != 0 {
			return fmt.Errorf("answer %d is %v; expected a finite number (NaN means that training diverged)", k, v)
		}
	}
	return nil
}

// ItemLoss implements Task: the mean squared error.
func (r Regression) ItemLoss(answers []float32, y target.Targets, i int) float32 {
	sum := 0.0
	for k, t := range y.Row(i) {
		d := float64(answers[k]) - float64(t)
		sum += float64(d * d)
	}
	return float32(sum / float64(len(answers)))
}
