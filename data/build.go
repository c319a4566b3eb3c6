package data

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
)

// tracer is told what the building of loaders does, step by step; Summary
// prints it, DataLoaders does not listen.
type tracer interface {
	step(name, format string, args ...any)
}

type nopTrace struct{}

func (nopTrace) step(string, string, ...any) {}

// build does the work of DataLoaders and of Summary.
func (b Block) build(ctx context.Context, root string, tr tracer) (*DataLoaders, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	b = b.withDefaults()
	if b.Vocab != nil {
		if err := b.checkVocab(); err != nil {
			return nil, err
		}
	}
	tr.step("Items", "%s below %s", describe(b.Items), root)
	items, notes, err := b.list(ctx, root)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		tr.step("", "%s", n)
	}
	tr.step("", "%s, the first %s", plural(len(items), "item"), relative(root, items[0].Path))

	tr.step("Label", "%s", describe(b.Label))
	labels, err := labelAll(root, items, b.Label)
	if err != nil {
		return nil, err
	}
	tr.step("", "%s → %s", relative(root, items[0].Path), strings.Join(quoted(labels[0], 8), ", "))

	tr.step("Split", "%s", describe(b.Split))
	parts, err := b.split(ctx, splitInput{source: b.Items, root: root, items: items, labels: labels})
	if err != nil {
		return nil, err
	}
	train, valid := parts.train, parts.valid
	tr.step("", "%d for training, %d for validation", len(train), len(valid))

	d := &DataLoaders{Root: root, Block: b, Notes: append(notes, parts.notes...), Warnings: parts.warnings, Vocab: b.Vocab}
	of := train
	if len(train) == 0 {
		of = valid
	}
	if d.Vocab == nil {
		d.Vocab = b.vocabulary(pick(labels, of))
	}
	if n := len(d.Vocab); n < b.Task.MinClasses() {
		left := ""
		for _, n := range notes {
			left += " (" + n + ")"
		}
		if all := b.vocabulary(labels); n == 1 && len(all) > 1 {
			return nil, mistakef(ErrOneClass, "all %s for training have the label %q, though there are %d labels: %s leaves the others to validation; take another share for it",
				plural(len(of), "picture"), d.Vocab[0], len(all), describe(b.Split))
		}
		if n == 0 {
			return nil, mistakef(ErrOneClass, "no item has a label (%s): is the labeler %s right, and the folder?%s", names(root, pick(items, of)), describe(b.Label), left)
		}
		return nil, mistakef(ErrOneClass, "every item has the label %q (%s); a classifier needs at least two classes: is the labeler %s right, and the folder?%s",
			d.Vocab[0], names(root, pick(items, of)), describe(b.Label), left)
	}
	tr.step("Vocabulary", "%s: %s", plural(len(d.Vocab), "class"), listed(d.Vocab, 8))
	trainY, err := d.encode(pick(items, train), pick(labels, train), "training")
	if err != nil {
		return nil, err
	}
	set := "validation"
	if b.Vocab != nil || len(train) == 0 {
		set = "given"
	}
	validY, err := d.encode(pick(items, valid), pick(labels, valid), set)
	if err != nil {
		return nil, err
	}

	kept, sizes, err := b.checkItems(ctx, root, pick(items, slices.Concat(train, valid)), d)
	if err != nil {
		return nil, err
	}
	part := func(from int, which []int, y target.Targets) ([]Item, target.Targets, []check) {
		if kept == nil {
			return pick(items, which), y, nil
		}
		var keep []int
		var good []check
		for k, i := range kept {
			if i >= from && i < from+len(which) {
				keep, good = append(keep, i-from), append(good, sizes[k])
			}
		}
		return pick(pick(items, which), keep), y.Gather(keep), good
	}
	trainItems, trainY, trainSizes := part(0, train, trainY)
	validItems, validY, validSizes := part(len(train), valid, validY)
	if b.Check != CheckNone {
		tr.step("Check", "%s left out as damaged", plural(len(d.Skipped), "file"))
	}
	b = b.batchSizes(len(trainItems), d)
	d.Block = b
	if err := b.sizes(root, trainItems, validItems, len(items)); err != nil {
		return nil, err
	}
	if err := d.loaders(trainItems, validItems, trainY, validY); err != nil {
		return nil, err
	}
	if err := d.sameSize(trainSizes, validSizes); err != nil {
		return nil, err
	}
	d.warn()
	if !task.Continuous(b.Task) {
		d.Warnings = append(d.Warnings, lookAlikes(slices.Concat(labels...))...)
		d.Warnings = append(d.Warnings, missing(slices.Concat(labels...))...)
		d.Warnings = append(d.Warnings, labelWarnings(b.Label, root, items, labels)...)
	}
	if b.Label == ParentLabel {
		d.Warnings = append(d.Warnings, depths(root, items)...)
	}
	if err := d.warnDuplicates(ctx); err != nil {
		return nil, err
	}
	for _, w := range d.Warnings {
		tr.step("Warning", "%s", w)
	}
	return d, nil
}

// list lists the items, with the source's notes, and refuses none and doubles.
func (b Block) list(ctx context.Context, root string) (items []Item, notes []string, err error) {
	if s, ok := b.Items.(NotedSource); ok {
		items, notes, err = s.ListNoted(ctx, root)
	} else {
		items, err = b.Items.List(ctx, root)
	}
	if err != nil {
		return nil, nil, err
	}
	if len(items) == 0 {
		return nil, nil, mistakef(ErrNoItems, "%s lists no items below %s", describe(b.Items), root)
	}
	first := make(map[string]int, len(items))
	for i, it := range items {
		p := filepath.Clean(it.Path)
		if j, ok := first[p]; ok {
			return nil, nil, mistakef(ErrDuplicate, "%s is listed twice, as items %d and %d; if it were for training and for validation the result would be too good, so list it once", relative(root, it.Path), j, i)
		}
		first[p] = i
	}
	return items, notes, nil
}

// split divides the items and refuses an index out of range, given twice or
// in both parts, and empty parts that nobody asked for.
func (b Block) split(ctx context.Context, of splitInput) (splitResult, error) {
	r, err := splitBy(ctx, b.Split, of)
	if err != nil {
		return r, err
	}
	root, items := of.root, of.items
	in := make([]string, len(items))
	for _, set := range []struct {
		name    string
		indices []int
	}{{"training", r.train}, {"validation", r.valid}} {
		for _, i := range set.indices {
			if i < 0 || i >= len(items) {
				return r, mistakef(ErrSplit, "%s gives the %s index %d, outside the list of %s", describe(b.Split), set.name, i, plural(len(items), "item"))
			}
			if in[i] != "" {
				return r, mistakef(ErrSplit, "%s puts %s into %s and again into %s", describe(b.Split), relative(root, items[i].Path), in[i], set.name)
			}
			in[i] = set.name
		}
	}
	if e, ok := b.Split.(interface{ mayBeEmpty() bool }); ok && e.mayBeEmpty() {
		return r, nil
	}
	if len(r.train) == 0 {
		return r, mistakef(ErrEmptySplit, "%s leaves none of the %s for training (AllValid does so on purpose)", describe(b.Split), plural(len(items), "item"))
	}
	if len(r.valid) == 0 {
		return r, mistakef(ErrEmptySplit, "%s leaves none of the %s for validation; take a larger share, or use AllTrain to train on everything on purpose", describe(b.Split), plural(len(items), "item"))
	}
	return r, nil
}

// DefaultBatchSize is fastai's, and what a BatchSize of 0 means where there are as
// many pictures.
const DefaultBatchSize = 64

// batchSizes fills in the batch sizes that were left open. Of fewer training
// pictures than a batch of 64, which would leave nothing to train on, batches
// are made so small that an epoch has some steps: the largest power of two that
// goes twice into them.
func (b Block) batchSizes(train int, d *DataLoaders) Block {
	if b.BatchSize == 0 {
		b.BatchSize = DefaultBatchSize
		if train > 0 && train < DefaultBatchSize {
			for b.BatchSize = 2; 4*b.BatchSize <= train; {
				b.BatchSize *= 2
			}
			d.Notes = append(d.Notes, fmt.Sprintf("batches of %d, as there are only %s for training", b.BatchSize, plural(train, "picture")))
		}
	}
	b.ValidBatchSize = cmp.Or(b.ValidBatchSize, b.BatchSize)
	return b
}

// sizes refuses sets that checking emptied and batches larger than training.
func (b Block) sizes(root string, train, valid []Item, listed int) error {
	e, ok := b.Split.(interface{ mayBeEmpty() bool })
	allowed := ok && e.mayBeEmpty()
	if !allowed && (len(train) == 0 || len(valid) == 0) || len(train)+len(valid) == 0 {
		return mistakef(ErrDamaged, "of %s below %s, leaving out the damaged ones leaves %d for training and %d for validation", plural(listed, "item"), root, len(train), len(valid))
	}
	if len(train) > 0 && len(train) < b.BatchSize {
		return mistakef(ErrBatchSize, "a batch of %d is larger than the training set of %s, and the last, partial batch is left out, so there would be nothing to train on; set BatchSize to %d or less",
			b.BatchSize, plural(len(train), "picture"), len(train))
	}
	return nil
}

// loaders makes the two loaders as fastai does: training shuffled and without
// a last, partial batch, validation in order and whole.
func (d *DataLoaders) loaders(train, valid []Item, trainY, validY target.Targets) error {
	b := d.Block
	all := int64(len(train) + len(valid))
	cfg := LoaderConfig{
		Source: b.Items, Items: train, Targets: trainY,
		ItemTransforms: b.ItemTransforms, BatchTransforms: b.BatchTransforms,
		BatchSize: b.BatchSize, Train: true, Shuffle: true, DropLast: true,
		Repeats: b.Repeats, Seed: b.Seed, Workers: b.Workers, Prefetch: b.Prefetch, Damaged: b.Damaged,
		CacheBytes: b.CacheBytes / all * int64(len(train)),
	}
	var err error
	if b.Balance {
		if cfg.Weights, err = BalancedItemWeights(trainY, len(d.Vocab)); err != nil {
			return err
		}
	}
	if d.Train, err = NewLoader(cfg); err != nil {
		return err
	}
	cfg.Items, cfg.Targets, cfg.Weights, cfg.Repeats = valid, validY, nil, 0
	cfg.BatchSize, cfg.Train, cfg.Shuffle, cfg.DropLast = b.ValidBatchSize, false, false, false
	cfg.CacheBytes = b.CacheBytes / all * int64(len(valid))
	d.Valid, err = NewLoader(cfg)
	return err
}

// warn notes what is not wrong but worth knowing.
func (d *DataLoaders) warn() {
	if n := len(d.Skipped); n > 0 {
		items := make([]Item, n)
		for i, e := range d.Skipped {
			items[i].Path = e.Path
		}
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s left out: %s", plural(n, "damaged picture"), names(d.Root, items)))
	}
	if task.Continuous(d.Task()) {
		d.warnEqualNumbers()
		return // numbers have no classes that could be rare
	}
	rare := func(l *Loader, least int) (few []string) {
		count := map[string]int{}
		for i := range l.Items() {
			for _, label := range d.Task().Labels(d.Vocab, l.Targets(), i) {
				count[label]++
			}
		}
		for _, c := range d.Vocab {
			if count[c] < least {
				few = append(few, c)
			}
		}
		if len(few) == len(d.Vocab) && len(count) > len(few) {
			return nil // the labels are numbers, not classes
		}
		return few
	}
	d.warnConstant()
	if len(d.Train.Items()) > 0 {
		if few := rare(d.Train, 2); len(few) > 0 {
			d.Warnings = append(d.Warnings, fmt.Sprintf("%s with fewer than two training pictures: %s", plural(len(few), "class"), listed(few, shown)))
		}
	}
	if len(d.Valid.Items()) > 0 {
		if few := rare(d.Valid, 1); len(few) > 0 {
			d.Warnings = append(d.Warnings, fmt.Sprintf("%s without a validation picture, so not judged: %s", plural(len(few), "class"), listed(few, shown)))
		}
	}
}

// warnConstant warns of labels that every training picture has, where pictures may have several: from
// them nothing is learned, and they are often a folder above all classes.
func (d *DataLoaders) warnConstant() {
	n := len(d.Train.Items())
	if d.Task().Exclusive() || n == 0 {
		return
	}
	count := map[string]int{}
	for i := range n {
		for _, label := range d.Task().Labels(d.Vocab, d.Train.Targets(), i) {
			count[label]++
		}
	}
	var all []string
	for _, c := range d.Vocab {
		if count[c] == n {
			all = append(all, c)
		}
	}
	if len(all) > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("every training picture has the label %s: there is nothing to learn about it", listed(quoted(all, shown), shown)))
	}
}

// pick is s at the given indices.
func pick[T any](s []T, which []int) []T {
	out := make([]T, len(which))
	for i, k := range which {
		out[i] = s[k]
	}
	return out
}

// listed joins at most n of s.
func listed(s []string, n int) string {
	if len(s) > n {
		return strings.Join(s[:n], ", ") + fmt.Sprintf(", … (%d more)", len(s)-n)
	}
	return strings.Join(slices.Clone(s), ", ")
}
