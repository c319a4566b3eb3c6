package data

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
)

// Block says how a folder becomes batches: where items come from, what they
// are called, which are for validation, and what is done to each picture and
// each batch. It is a plan and holds no data; one Block serves many folders.
type Block struct {
	Items Source   // what the examples are and how they are opened; required
	Label Labeler  // what they are called; required
	Split Splitter // which are for validation; nil is RandomSplit(0.2, Seed)

	// Task makes targets of labels (fastai's CategoryBlock and its like); nil is
	// task.SingleLabel.
	Task task.Task

	// ItemTransforms is done to each picture after it is opened, in the
	// loader's workers; nil does nothing. Chain makes one of several.
	ItemTransforms ItemTransform
	// BatchTransforms makes the network's input of a batch; nil is ToFloat.
	BatchTransforms BatchTransform

	// Vocab fixes the classes and their order, as for a model that is already
	// trained. nil takes the labels of the training items, sorted byte by byte
	// (fastai: by code point, which is the same order).
	Vocab []string

	// BatchSize is the number of pictures in a batch. 0 is DefaultBatchSize, or
	// less where there are fewer training pictures, which a note then says.
	BatchSize      int
	ValidBatchSize int    // the same for validation; 0 is BatchSize
	Balance        bool   // draw the training items of all classes equally often (BalancedItemWeights)
	Repeats        int    // how often a training item comes in a row, augmented anew (LoaderConfig.Repeats); 0 is once
	Seed           uint64 // of shuffling and augmentation; 0 is a seed like any other

	// Workers is how many goroutines open and transform pictures; 0 is as many
	// as GOMAXPROCS while a batch is waited for, and half as many while the
	// program computes. It changes the speed and nothing else.
	Workers int
	// Prefetch is how many batches are made ahead of the one in use; 0 is DefaultPrefetch.
	// Each costs its pictures' memory, decoded and as floats.
	Prefetch int
	// CacheBytes bounds the memory, in bytes, in which the loaders keep decoded
	// pictures from one epoch to the next (training and validation share it by
	// their number of items); 0 keeps none.
	CacheBytes int64

	Check   Check   // how much of each file is read when the loaders are built
	Damaged Damaged // what a picture that cannot be opened does
}

// Check is how much of the files is read before training starts.
type Check int

const (
	// CheckHeaders reads each file's header, which finds missing, empty and
	// foreign files in a second or two for ten thousand pictures.
	CheckHeaders Check = iota
	// CheckDecode opens every picture, which finds everything and takes about
	// as long as reading the data for one epoch.
	CheckDecode
	// CheckNone reads nothing.
	CheckNone
)

// Damaged is the policy for pictures that cannot be opened.
type Damaged int

const (
	// FailOnDamaged makes a damaged picture an error that names its file.
	FailOnDamaged Damaged = iota
	// SkipDamaged leaves damaged pictures out. They are counted and named in
	// DataLoaders.Skipped and Loader.Damaged. Leaving one out does not change
	// which other items are for training.
	SkipDamaged
)

// DataLoaders is the training and validation data of one run.
type DataLoaders struct {
	Train, Valid *Loader
	Vocab        []string // names of the model's outputs: the classes; Batch.Y goes by it

	Root    string       // the folder they were built from
	Block   Block        // the plan they were built by, defaults filled in
	Skipped []*ItemError // damaged pictures left out when the loaders were built

	// Notes say what was found out where the plan left it open, and which files
	// were left out, one line each.
	Notes []string
	// Warnings are things that are not wrong but worth knowing, one line each.
	Warnings []string
}

// Close gives back what the loaders hold (decoded pictures). Iterators under
// way are not affected; they are closed by their own Close or context.
func (d *DataLoaders) Close() error {
	for _, l := range []*Loader{d.Train, d.Valid} {
		if l != nil {
			l.cache.clear()
		}
	}
	return nil
}

// Task is what the data is for: the Block's, and SingleLabel where it names none.
func (d *DataLoaders) Task() task.Task { return task.Or(d.Block.Task) }

// NumClasses is the size of the vocabulary.
func (d *DataLoaders) NumClasses() int { return len(d.Vocab) }

// TestLoader returns a loader of other items, without labels, treated as the
// validation set is (fastai's test_dl): the model's guesses for them come in
// the items' order.
func (d *DataLoaders) TestLoader(items []Item) (*Loader, error) {
	cfg := d.Valid.Config()
	cfg.Items, cfg.Targets, cfg.CacheBytes = items, target.Targets{}, 0
	return NewLoader(cfg)
}

// LabeledLoader is TestLoader with labels, by the Block's Labeler: a label
// that is not in the vocabulary is an error.
func (d *DataLoaders) LabeledLoader(items []Item) (*Loader, error) {
	labels, err := labelAll(d.Root, items, d.Block.Label)
	if err != nil {
		return nil, err
	}
	y, err := d.encode(items, labels, "test")
	if err != nil {
		return nil, err
	}
	cfg := d.Valid.Config()
	cfg.Items, cfg.Targets, cfg.CacheBytes = items, y, 0
	return NewLoader(cfg)
}

// DataLoaders lists the items below root, labels, splits and checks them, and
// returns the loaders. Mistakes that would only show in a later epoch are found
// here: nothing to train on, labels that do not match, one class only, a
// validation label unknown in training, damaged files, pictures of different
// sizes and no resizing, items listed twice or in both sets, a batch larger
// than the training set. Each is an error that names files.
func (b Block) DataLoaders(ctx context.Context, root string) (*DataLoaders, error) {
	return b.build(ctx, root, nopTrace{})
}

// check reports what is missing or cannot be, before anything is read.
func (b Block) check() error {
	switch {
	case b.Items == nil:
		return errors.New("data: the Block has no Items; set a Source such as vision.ImageFiles")
	case b.Label == nil:
		return errors.New("data: the Block has no Label; set a Labeler such as RegexLabel or ParentLabel")
	case b.BatchSize < 0 || b.ValidBatchSize < 0:
		return mistakef(ErrBatchSize, "batch sizes must be positive, not %d and %d", b.BatchSize, b.ValidBatchSize)
	case b.Workers < 0 || b.Prefetch < 0 || b.CacheBytes < 0:
		return fmt.Errorf("data: Workers, Prefetch and CacheBytes must not be negative (they are %d, %d, %d)", b.Workers, b.Prefetch, b.CacheBytes)
	}
	return nil
}

// withDefaults puts the defaults in place of zero fields, but for the sizes of
// batches: they depend on the data (batchSizes).
func (b Block) withDefaults() Block {
	b.Task = task.Or(b.Task)
	if b.Split == nil {
		b.Split = RandomSplit(0.2, b.Seed)
	}
	if b.BatchTransforms == nil {
		b.BatchTransforms = ToFloat{}
	}
	return b
}
