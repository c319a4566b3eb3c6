package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
)

// DefaultPrefetch is what a Prefetch of 0 means.
const DefaultPrefetch = 2

// LoaderConfig says what a Loader yields. Block fills two of them; a program
// with items of its own may fill one directly.
type LoaderConfig struct {
	Source          Source         // opens the items; required (List is not used)
	Items           []Item         // the examples, in the order that Index refers to
	Targets         target.Targets // what each item is; the zero value for unlabeled items
	ItemTransforms  ItemTransform  // per picture, in the workers; nil does nothing
	BatchTransforms BatchTransform // per batch; nil is ToFloat

	BatchSize int  // pictures in a batch; 0 is DefaultBatchSize
	Train     bool // transforms in their random, training form
	Shuffle   bool // items in a new random order each epoch
	DropLast  bool // leave out a last batch smaller than BatchSize

	// Weights say how often each item is drawn in a shuffled epoch, in proportion; an epoch has as many
	// draws as items. Nil takes every item once.
	Weights []float64
	// Repeats is how often each item that a shuffled epoch takes comes in a row, augmented anew each time; an
	// epoch still has as many draws as items, so it takes the 1/Repeats part of them. 0 is 1. It does not go with Weights.
	Repeats int

	Seed       uint64  // of shuffling and transforms
	Workers    int     // goroutines that open and transform; 0 is GOMAXPROCS, half of them while nobody waits
	Prefetch   int     // batches made ahead; 0 is DefaultPrefetch
	CacheBytes int64   // bound on decoded pictures kept; 0 keeps none
	Damaged    Damaged // what a picture that cannot be opened does
}

// Loader yields the batches of an epoch, made in parallel ahead of their use.
// What it yields depends on its configuration and the epoch alone: not on the
// number of workers, nor on what was yielded before. A Loader is safe for
// concurrent use; several epochs may be under way at once.
type Loader struct {
	cfg    LoaderConfig
	cache  *imageCache
	damage *damageLog
	floats *mem.Buffers
}

// Check reports what is missing, negative or contradicts itself.
func (c LoaderConfig) Check() error {
	switch {
	case c.Source == nil:
		return errors.New("data: the loader has no Source to open items with")
	case c.Targets.Known() && c.Targets.Len() != len(c.Items):
		return fmt.Errorf("data: %d labels for %s", c.Targets.Len(), plural(len(c.Items), "item"))
	case c.BatchSize < 0 || c.Workers < 0 || c.Prefetch < 0 || c.CacheBytes < 0:
		return fmt.Errorf("data: BatchSize, Workers, Prefetch and CacheBytes must not be negative (they are %d, %d, %d, %d)",
			c.BatchSize, c.Workers, c.Prefetch, c.CacheBytes)
	}
	if c.Repeats < 0 || c.Repeats > 1 && c.Weights != nil {
		return fmt.Errorf("data: %d Repeats: must be 0 or more, and 0 or 1 where items have Weights", c.Repeats)
	}
	return checkWeights(c.Weights, len(c.Items))
}

// repeats reports whether an item may be in an epoch several times.
func (c LoaderConfig) repeats() bool { return c.Shuffle && (c.Weights != nil || c.Repeats > 1) }

// withDefaults puts the defaults in place of zero fields.
func (c LoaderConfig) withDefaults() LoaderConfig {
	c.BatchSize = cmp.Or(c.BatchSize, DefaultBatchSize)
	c.Prefetch = cmp.Or(c.Prefetch, DefaultPrefetch)
	if c.BatchTransforms == nil {
		c.BatchTransforms = ToFloat{}
	}
	return c
}

// NewLoader returns a Loader, or an error when the configuration contradicts
// itself.
func NewLoader(c LoaderConfig) (*Loader, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	return &Loader{cfg: c, cache: newImageCache(c.CacheBytes), damage: &damageLog{}, floats: newBatchBuffers(c)}, nil
}

// Config returns the configuration, with its defaults filled in. Its slices
// are the loader's own and must not be written to.
func (l *Loader) Config() LoaderConfig { return l.cfg }

// Items returns the examples; Batch.Index indexes it. Do not write to it.
func (l *Loader) Items() []Item { return l.cfg.Items }

// Targets returns what each item is, as the task encodes it; they are not Known
// for unlabeled items. Do not write to them.
func (l *Loader) Targets() target.Targets { return l.cfg.Targets }

// BatchSize is the number of pictures in a full batch.
func (l *Loader) BatchSize() int { return l.cfg.BatchSize }

// Train reports whether transforms are in their training form.
func (l *Loader) Train() bool { return l.cfg.Train }

// Len is the number of batches of an epoch.
func (l *Loader) Len() int {
	n, bs := len(l.cfg.Items), l.cfg.BatchSize
	if l.cfg.DropLast {
		return n / bs
	}
	return (n + bs - 1) / bs
}

// With returns a loader of the same items changed by f, which may set anything
// but Source, Items, Targets and CacheBytes: those stay, and the decoded
// pictures kept are shared between the two.
func (l *Loader) With(f func(c *LoaderConfig)) (*Loader, error) {
	c := l.cfg
	f(&c)
	c.Source, c.Items, c.Targets, c.CacheBytes = l.cfg.Source, l.cfg.Items, l.cfg.Targets, l.cfg.CacheBytes
	n, err := NewLoader(c)
	if err != nil {
		return nil, err
	}
	n.cache, n.damage = l.cache, l.damage
	return n, nil
}

// WithTransforms returns a loader of the same items in their order, none left
// out, whose transforms are in training form or not: the validation set with
// train true is test-time augmentation, where each epoch number gives another
// variant; the training set with train false is for judging how well it was
// learned.
func (l *Loader) WithTransforms(train bool) *Loader {
	c := l.cfg
	c.Train, c.Shuffle, c.DropLast = train, false, false
	return &Loader{cfg: c, cache: l.cache, damage: l.damage, floats: newBatchBuffers(c)}
}

// Streams of random numbers are keyed by purpose first, so that an item and a
// batch of the same number do not draw the same numbers.
const (
	streamShuffle = 1 + iota
	streamItem
	streamBatch
)

// itemStream is the stream that an item's transforms draw from. An item that is drawn
// again in an epoch, which Weights and Repeats do, has another one.
func (l *Loader) itemStream(epoch uint64, item, again int) *rng.Stream {
	if again > 0 {
		return rng.New(l.cfg.Seed, streamItem, epoch, uint64(item), uint64(again))
	}
	return rng.New(l.cfg.Seed, streamItem, epoch, uint64(item))
}

// Order returns the items' indices in the order of an epoch, including those
// that DropLast leaves out. Without Shuffle it is 0, 1, …. With Weights or Repeats an item may be
// there several times, or not at all.
func (l *Loader) Order(epoch int) []int {
	n := len(l.cfg.Items)
	if l.cfg.Shuffle && l.cfg.Weights != nil {
		return draw(l.cfg.Weights, rng.New(l.cfg.Seed, streamShuffle, uint64(epoch)))
	}
	if l.cfg.repeats() {
		return repeated(rng.New(l.cfg.Seed, streamShuffle, uint64(epoch)).Perm(n), l.cfg.Repeats)
	}
	if l.cfg.Shuffle {
		return rng.New(l.cfg.Seed, streamShuffle, uint64(epoch)).Perm(n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// OneBatch returns the first batch of epoch 0 (fastai's one_batch). The caller
// releases it.
func (l *Loader) OneBatch(ctx context.Context) (*Batch, error) {
	one := *l
	it := one.Epoch(ctx, 0, 0)
	it.stopAfter(1)
	defer it.Close()
	b, err := it.Next()
	if err == io.EOF {
		return nil, mistakef(ErrEmptySplit, "the loader has no batch: %s in batches of %d", plural(len(l.cfg.Items), "item"), l.cfg.BatchSize)
	}
	return b, err
}

// workers is how many goroutines always open pictures, and how many more do
// while a batch is waited for.
func (l *Loader) workers() (always, extra int) {
	if l.cfg.Workers > 0 {
		return l.cfg.Workers, 0
	}
	n := runtime.GOMAXPROCS(0)
	always = (n + 1) / 2
	return always, n - always
}

// Damaged returns the pictures that could not be opened so far and were left
// out of their batches, each once.
func (l *Loader) Damaged() []*ItemError { return l.damage.list() }

// damageLog collects damaged items, each once, in the order they were met.
type damageLog struct {
	mu   sync.Mutex
	seen map[string]bool
	errs []*ItemError
}

func (d *damageLog) add(e *ItemError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[e.Path] {
		return
	}
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	d.seen[e.Path] = true
	d.errs = append(d.errs, e)
}

func (d *damageLog) list() []*ItemError {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.errs)
}

// newBatchBuffers returns the storage of a loader's batches. A batch that is not
// full has the room of a full one, so that all serve each other; the pictures of
// another size that a loader may have later get buffers of their own.
func newBatchBuffers(c LoaderConfig) *mem.Buffers {
	return mem.NewBuffers("batches of loaders", func(n int) int { return n }, c.Prefetch+1)
}
