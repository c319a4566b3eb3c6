package data

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/whippet-ml/whippet/internal/mersenne"
)

// RandomSplit puts a random fraction (in [0,1)) of the items, rounded down,
// into validation. For the same list it picks exactly the items of fastai's
// RandomSplitter(frac, seed), in its order: a permutation as PyTorch's randperm
// makes it from the seed, whose first part is the validation set.
func RandomSplit(frac float64, seed uint64) Splitter { return randomSplit{frac, seed} }

type randomSplit struct {
	frac float64
	seed uint64
}

func (s randomSplit) Split(root string, items []Item) (train, valid []int, err error) {
	if err := checkFraction(s.frac); err != nil {
		return nil, nil, err
	}
	perm := mersenne.TorchPerm(s.seed, len(items))
	cut := int(s.frac * float64(len(items)))
	return perm[cut:], perm[:cut], nil
}

func (s randomSplit) String() string { return fmt.Sprintf("RandomSplit(%v, seed %d)", s.frac, s.seed) }

func checkFraction(f float64) error {
	if !(f >= 0 && f < 1) {
		return mistakef(ErrSplit, "a validation fraction must be at least 0 and below 1, not %v", f)
	}
	return nil
}

// GrandparentSplit splits by the name of the folder above the items' folder, as
// fastai's GrandparentSplitter does: train/<class>/x.jpg, valid/<class>/y.jpg.
// train names the training folder; the first of valid that holds any item is
// the validation set. Items elsewhere belong to neither. An empty train is
// "train"; no valid is "valid", "val", "test", in this order.
func GrandparentSplit(train string, valid ...string) Splitter {
	if train == "" {
		train = "train"
	}
	if len(valid) == 0 {
		valid = []string{"valid", "val", "test"}
	}
	return grandparentSplit{train, valid}
}

type grandparentSplit struct {
	train string
	valid []string
}

func (s grandparentSplit) Split(root string, items []Item) (train, valid []int, err error) {
	in := map[string][]int{}
	for i, it := range items {
		name := filepath.Base(filepath.Dir(filepath.Dir(it.Path)))
		in[name] = append(in[name], i)
	}
	train = in[s.train]
	for _, v := range s.valid {
		if valid = in[v]; len(valid) > 0 {
			break
		}
	}
	if len(train) == 0 || len(valid) == 0 {
		missing, want := "training", s.train
		if len(train) > 0 {
			missing, want = "validation", strings.Join(s.valid, " or ")
		}
		var have []string
		for k, v := range in {
			have = append(have, fmt.Sprintf("%s (%d)", k, len(v)))
		}
		have = sorted(have)
		if len(have) > shown {
			have = append(have[:shown], "…")
		}
		return nil, nil, mistakef(ErrEmptySplit, "no %s items: no picture lies in <folder>/<class>/ with the folder named %s; the folders there are %s",
			missing, want, strings.Join(have, ", "))
	}
	return train, valid, nil
}

func (s grandparentSplit) String() string {
	return fmt.Sprintf("GrandparentSplit(%s, %s)", s.train, strings.Join(s.valid, "|"))
}

// ColumnSplit takes the items whose column is true into validation (fastai's
// ColSplitter, whose column is is_valid). true, 1, yes, valid, val, validation
// and test are true; false, 0, no, train, training and the empty text are
// false, whatever the case; anything else is an error.
func ColumnSplit(column string) Splitter { return columnSplit(column) }

type columnSplit string

func (c columnSplit) Split(root string, items []Item) (train, valid []int, err error) {
	for i, it := range items {
		s, err := column(it, string(c))
		if err != nil {
			return nil, nil, mistakef(ErrSplit, "cannot split %s: %v", relative(root, it.Path), err)
		}
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true", "1", "1.0", "yes", "valid", "val", "validation", "test":
			valid = append(valid, i)
		case "false", "0", "0.0", "no", "train", "training", "":
			train = append(train, i)
		default:
			return nil, nil, mistakef(ErrSplit, "cannot split %s: the column %q is %q, which is neither true nor false", relative(root, it.Path), string(c), s)
		}
	}
	return train, valid, nil
}

func (c columnSplit) String() string { return fmt.Sprintf("ColumnSplit(%q)", string(c)) }

// IndexSplit takes the items at the given positions of the list, in the given
// order, into validation and the others into training (fastai's
// IndexSplitter).
func IndexSplit(valid ...int) Splitter { return indexSplit(valid) }

type indexSplit []int

func (s indexSplit) Split(root string, items []Item) (train, valid []int, err error) {
	in := make([]bool, len(items))
	for _, i := range s {
		if i < 0 || i >= len(items) {
			return nil, nil, mistakef(ErrSplit, "the validation index %d is outside the list of %s", i, plural(len(items), "item"))
		}
		if in[i] {
			return nil, nil, mistakef(ErrSplit, "the validation index %d is given twice", i)
		}
		in[i] = true
	}
	for i := range items {
		if !in[i] {
			train = append(train, i)
		}
	}
	return train, append([]int(nil), s...), nil
}

func (s indexSplit) String() string { return fmt.Sprintf("IndexSplit(%d indices)", len(s)) }

// FuncSplit takes the items for which isValid is true into validation (fastai's
// FuncSplitter).
func FuncSplit(isValid func(item Item) bool) Splitter { return funcSplit(isValid) }

type funcSplit func(item Item) bool

func (f funcSplit) Split(root string, items []Item) (train, valid []int, err error) {
	for i, it := range items {
		if f(it) {
			valid = append(valid, i)
		} else {
			train = append(train, i)
		}
	}
	return train, valid, nil
}

func (f funcSplit) String() string { return "FuncSplit" }

// AllTrain puts every item into training and leaves validation empty, on
// purpose: for the last training before a model is used.
var AllTrain Splitter = allSplit{}

// AllValid puts every item into validation and leaves training empty, on
// purpose: to judge a trained model on a folder. The vocabulary is the
// Block's, or that of all items.
var AllValid Splitter = allSplit{valid: true}

type allSplit struct{ valid bool }

func (s allSplit) Split(root string, items []Item) (train, valid []int, err error) {
	all := make([]int, len(items))
	for i := range all {
		all[i] = i
	}
	if s.valid {
		return nil, all, nil
	}
	return all, nil, nil
}

func (s allSplit) mayBeEmpty() bool { return true }

func (s allSplit) String() string {
	if s.valid {
		return "AllValid"
	}
	return "AllTrain"
}

// labeledSplitter is a Splitter that needs more than the items, which a Block gives it.
type labeledSplitter interface {
	splitLabeled(ctx context.Context, in splitInput) (splitResult, error)
}

// splitInput is what a Block knows when it splits.
type splitInput struct {
	source Source
	root   string
	items  []Item
	labels [][]string
}

// splitResult is a split, and what is to be said about it.
type splitResult struct {
	train, valid    []int
	notes, warnings []string
}

// splitBy splits by any kind of Splitter.
func splitBy(ctx context.Context, s Splitter, in splitInput) (r splitResult, err error) {
	if l, ok := s.(labeledSplitter); ok {
		return l.splitLabeled(ctx, in)
	}
	r.train, r.valid, err = s.Split(in.root, in.items)
	return r, err
}

var errNeedsBlock = errors.New("data: this split needs more than the items: use it in a Block")

// StratifiedSplit is RandomSplit that keeps the classes' shares: each class
// gives the fraction frac of its items to validation, rounded so that the total
// is that of RandomSplit (largest remainders, first class first on ties), and
// never its last item. Which items is decided by the permutation that
// RandomSplit uses. Of items with several labels, those with the same ones count
// as a class.
func StratifiedSplit(frac float64, seed uint64) Splitter { return stratified{frac, seed} }

type stratified struct {
	frac float64
	seed uint64
}

func (s stratified) Split(root string, items []Item) (train, valid []int, err error) {
	return nil, nil, errNeedsBlock
}

func (s stratified) splitLabeled(_ context.Context, in splitInput) (r splitResult, err error) {
	if err := checkFraction(s.frac); err != nil {
		return r, err
	}
	strata := make([]string, len(in.labels))
	for i, l := range in.labels {
		strata[i] = strings.Join(l, "\x00")
	}
	quota := s.quotas(strata)
	for _, i := range mersenne.TorchPerm(s.seed, len(strata)) {
		if quota[strata[i]] > 0 {
			quota[strata[i]]--
			r.valid = append(r.valid, i)
		} else {
			r.train = append(r.train, i)
		}
	}
	return r, nil
}

// quotas is how many items of each class go to validation.
func (s stratified) quotas(labels []string) map[string]int {
	count := map[string]int{}
	for _, l := range labels {
		count[l]++
	}
	var classes []string
	for c := range count {
		classes = append(classes, c)
	}
	classes = sorted(classes)
	quota := make(map[string]int, len(count))
	left := int(s.frac * float64(len(labels)))
	for _, c := range classes {
		quota[c] = int(s.frac * float64(count[c]))
		left -= quota[c]
	}
	for left > 0 {
		best, rest := "", -1.0
		for _, c := range classes {
			if r := float64(s.frac*float64(count[c])) - float64(quota[c]); r > rest && quota[c] < count[c]-1 {
				best, rest = c, r
			}
		}
		if rest < 0 {
			break
		}
		quota[best]++
		left--
	}
	return quota
}

func (s stratified) String() string {
	return fmt.Sprintf("StratifiedSplit(%v, seed %d)", s.frac, s.seed)
}
