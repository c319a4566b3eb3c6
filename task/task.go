// Package task says what a model is asked and what its answer means: how labels
// become targets, which loss is trained by, how scores become probabilities and
// these an answer, and which metrics make sense. Data, training, metrics,
// prediction, interpretation and export ask the task, and model files name it.
//
// A task is one file: a type with the methods of Task, and Register.
package task

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Task is one kind of question to a model. Implementations are small values
// without state, safe for concurrent use. C is the number of the model's outputs,
// which is the length of the vocabulary.
type Task interface {
	// Name is what model files call the task, such as "single_label".
	Name() string

	// Vocabulary returns the names of the model's outputs, in order, given the
	// labels of every training item: for classes their sorted set.
	Vocabulary(labels [][]string) []string

	// Exclusive reports whether each item has exactly one class, which the most
	// probable one answers.
	Exclusive() bool

	// MinClasses is the smallest vocabulary that can be trained.
	MinClasses() int

	// Encode returns the targets of items with these labels. Labels that the
	// vocabulary does not have are an UnknownLabels error; items with labels of
	// which the task makes nothing (two where one is asked for) are another.
	Encode(vocab []string, labels [][]string) (target.Targets, error)

	// Labels is the inverse of Encode for item i of y: what people call it.
	Labels(vocab []string, y target.Targets, i int) []string

	// Loss returns the loss to train by, fastai's default for the task but for
	// the options.
	Loss(LossOptions) (loss.Func, error)

	// Metrics returns the metrics that make sense, the usual one first.
	Metrics() metrics.Choices

	// Activate writes to probs what belongs to logits, both [N,C] and possibly
	// the same tensor: probabilities for classes, by softmax or sigmoid. It
	// allocates nothing.
	Activate(logits, probs *tensor.Tensor) error

	// Activation adds Activate to an exported graph and returns its output.
	Activation(g *onnx.Graph, output string, logits onnx.Value) onnx.Value

	// Decode returns the outputs that a row of probabilities answers with, best
	// first: the most probable class, or all above their thresholds. thresholds is
	// of length C, or nil for the task's own.
	Decode(probs, thresholds []float32) []int

	// CheckProbs returns an error for a row that Activate cannot have made.
	CheckProbs(probs []float32) error

	// ItemLoss returns the default loss of item i of y for a row of
	// probabilities: for those that are no single model's output, but a mean.
	ItemLoss(probs []float32, y target.Targets, i int) float32
}

// LossOptions chooses and changes a task's loss. The zero value is the task's usual
// loss with its defaults.
type LossOptions struct {
	Name      string    // of the loss, of those that suit the task, or "" for the usual one
	Smoothing float64   // of labels, in [0,1]; 0 means none
	Weight    []float32 // a weight for each class, 0 and up, or nil for 1
	PosWeight []float32 // for each label where it is present, 0 and up, or nil for 1; for tasks of several labels
}

// unknownLoss is the error of Loss for a name that t does not have.
func unknownLoss(name string, t Task, choices string) error {
	return fmt.Errorf("task: there is no loss %q for the task %s: choose from %s", name, t.Name(), choices)
}

var registry = struct {
	sync.RWMutex
	tasks map[string]Task
}{tasks: map[string]Task{}}

// Register makes a task known to ByName, so that model files that name it can
// be read. It returns an error for an empty name and for one that is taken.
func Register(t Task) error {
	registry.Lock()
	defer registry.Unlock()
	name := t.Name()
	if name == "" {
		return errors.New("task: a task needs a name, which model files hold")
	}
	if registry.tasks[name] != nil {
		return fmt.Errorf("task: there is already a task %q: give this one another name", name)
	}
	registry.tasks[name] = t
	return nil
}

// ByName returns the task of that name. The empty name is SingleLabel, since
// older model files, all of single-label classifiers, name none.
func ByName(name string) (Task, error) {
	if name == "" {
		return SingleLabel, nil
	}
	if t, ok, err := regressionByName(name); err != nil {
		return nil, err
	} else if ok {
		return t, nil
	}
	registry.RLock()
	defer registry.RUnlock()
	if t := registry.tasks[name]; t != nil {
		return t, nil
	}
	var known []string
	for n := range registry.tasks {
		known = append(known, n)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("the task %q is unknown to this program, which knows %s: use a version that has it, or the program that registers it", name, strings.Join(known, ", "))
}

// Or returns t, and SingleLabel for nil.
func Or(t Task) Task {
	if t == nil {
		return SingleLabel
	}
	return t
}

// UnknownLabels is the error of Encode for labels that are not in the vocabulary:
// for each of them the items that have it, in order.
type UnknownLabels map[string][]int

// Error implements error.
func (u UnknownLabels) Error() string {
	var all []string
	for l := range u {
		all = append(all, l)
	}
	slices.Sort(all)
	return fmt.Sprintf("task: labels that are not in the vocabulary: %.200q", all)
}

// SortedSet returns the different labels of all items, sorted byte by byte
// (fastai: by code point, which is the same order): the vocabulary of classes.
func SortedSet(labels [][]string) []string {
	var set []string
	seen := map[string]bool{}
	for _, of := range labels {
		for _, l := range of {
			if !seen[l] {
				seen[l] = true
				set = append(set, l)
			}
		}
	}
	slices.Sort(set)
	return set
}

// Lookup calls each with every item's labels as places in the vocabulary, and
// returns the unknown ones as an UnknownLabels error.
func Lookup(vocab []string, labels [][]string, each func(item, class int)) error {
	index := make(map[string]int, len(vocab))
	for i, v := range vocab {
		index[v] = i
	}
	unknown := UnknownLabels{}
	for i, of := range labels {
		for _, l := range of {
			k, ok := index[l]
			if !ok {
				unknown[l] = append(unknown[l], i)
				continue
			}
			each(i, k)
		}
	}
	if len(unknown) > 0 {
		return unknown
	}
	return nil
}
