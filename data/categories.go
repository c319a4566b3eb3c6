package data

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
)

// vocabulary is what the task makes of the labels of the training items, in
// numerical order where the labeler's labels are numbers.
func (b Block) vocabulary(labels [][]string) []string {
	vocab := b.Task.Vocabulary(labels)
	if s, ok := b.Label.(interface{ sortVocab([]string) }); ok {
		s.sortVocab(vocab)
	}
	return vocab
}

// checkVocab refuses a given vocabulary that cannot be one.
func (b Block) checkVocab() error {
	if least := b.Task.MinClasses(); len(b.Vocab) < least {
		return mistakef(ErrOneClass, "the given vocabulary %q has fewer than %s", b.Vocab, plural(least, "class"))
	}
	s := slices.Clone(b.Vocab)
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

// encode makes the task's targets of labels. set names the items' part in errors.
func (d *DataLoaders) encode(items []Item, labels [][]string, set string) (target.Targets, error) {
	y, err := d.Task().Encode(d.Vocab, labels)
	var unknown task.UnknownLabels
	if err == nil {
		return y, nil
	}
	if !errors.As(err, &unknown) {
		return y, mistakef(ErrLabel, "the %s labels: %v", set, err)
	}
	var all []string
	for s := range unknown {
		all = append(all, s)
	}
	all = sorted(all)
	first := all[0]
	more := ""
	if len(all) > 1 {
		more = fmt.Sprintf(" (and %s like it)", plural(len(all)-1, "label"))
	}
	why := "is not in the vocabulary"
	next := "relabel or remove such items, or set a vocabulary that has it"
	if set == "validation" {
		why = "never occurs in training, so the model cannot learn it"
		next = "move such items, or split so that training has every class"
	}
	if like := slices.IndexFunc(d.Vocab, func(known string) bool { return skeleton(known) == skeleton(first) }); like >= 0 {
		why += fmt.Sprintf(" (it has %+q, which differs from %+q in %s)", d.Vocab[like], first, difference(d.Vocab[like], first))
		next = "spell them alike, or " + next
	}
	return y, mistakef(ErrUnknown, "the %s label %q%s %s: %s; %s", set, first, more, why, names(d.Root, pick(items, unknown[first])), next)
}
