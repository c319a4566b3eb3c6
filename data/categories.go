package data

import (
	"fmt"
	"slices"
	"sort"
)

// categories turns labels into class numbers.
type categories struct {
	vocab []string
	index map[string]int
}

func newCategories(vocab []string) *categories {
	c := &categories{vocab: vocab, index: make(map[string]int, len(vocab))}
	for i, v := range vocab {
		c.index[v] = i
	}
	return c
}

// vocabOf is the sorted set of the labels of the given items, as fastai's
// CategoryMap makes it from the training set. A labeler whose labels are
// numbers sorts them as such.
func vocabOf(labels []string, which []int, l Labeler) []string {
	seen := map[string]bool{}
	var vocab []string
	for _, i := range which {
		if s := labels[i]; !seen[s] {
			seen[s] = true
			vocab = append(vocab, s)
		}
	}
	sort.Strings(vocab)
	if s, ok := l.(interface{ sortVocab([]string) }); ok {
		s.sortVocab(vocab)
	}
	return vocab
}

// checkVocab refuses a given vocabulary that cannot be one.
func checkVocab(vocab []string) error {
	if len(vocab) < 2 {
		return mistakef(ErrOneClass, "the given vocabulary %q has fewer than two classes", vocab)
	}
	s := slices.Clone(vocab)
	sort.Strings(s)
	for i, v := range s {
		if v == "" {
			return mistakef(ErrLabel, "the given vocabulary has an empty class name")
		}
		if i > 0 && s[i-1] == v {
			return mistakef(ErrDuplicate, "the given vocabulary has the class %q twice", v)
		}
	}
	return nil
}

// encode gives the class of every label. set names the items' part in errors.
func (c *categories) encode(root string, items []Item, labels []string, set string) ([]int, error) {
	classes := make([]int, len(labels))
	bad := map[string][]Item{}
	for i, s := range labels {
		k, ok := c.index[s]
		if !ok {
			bad[s] = append(bad[s], items[i])
		}
		classes[i] = k
	}
	if len(bad) == 0 {
		return classes, nil
	}
	var unknown []string
	for s := range bad {
		unknown = append(unknown, s)
	}
	unknown = sorted(unknown)
	first := unknown[0]
	more := ""
	if len(unknown) > 1 {
		more = fmt.Sprintf(" (and %s like it)", plural(len(unknown)-1, "label"))
	}
	why := "is not in the vocabulary"
	next := "relabel or remove such items, or set a vocabulary that has it"
	if set == "validation" {
		why = "never occurs in training, so the model cannot learn it"
		next = "move such items, or split so that training has every class"
	}
	return nil, mistakef(ErrUnknown, "the %s label %q%s %s: %s; %s", set, first, more, why, names(root, bad[first]), next)
}
