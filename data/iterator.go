package data

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// Iterator yields the batches of one epoch in order. It is used by one
// goroutine, and Close must be called when it is not read to its end.
//
// Behind it, a dispatcher cuts the epoch into batches and hands their items to
// the workers; an assembler takes the batches in order, as each has all its
// pictures, and runs the batch transform. At most Prefetch batches are between
// the dispatcher and the caller, which bounds the memory. While the caller
// computes, half as many workers as there are processors open pictures, and the
// other processors are left to the computation; when the caller waits, as many
// workers as processors do.
type Iterator struct {
	l      *Loader
	epoch  uint64
	order  []int
	again  []int // how often the item of each place was drawn before; nil where each is drawn once
	first  int   // number of the next batch to dispatch
	last   int   // number after the last
	share  Share
	ctx    context.Context
	cancel context.CancelFunc
	start  sync.Once

	slots    chan struct{}  // one token for each batch under way
	tasks    chan opening   // items to open
	jobs     chan *pending  // batches in order, for the assembler
	ready    chan made      // batches for Next
	starving *gate          // open while Next waits
	wg       sync.WaitGroup // all goroutines of the iterator
	err      error          // what Next answers from now on
	wait     time.Duration  // time Next has waited
}

// pending is a batch whose pictures are being opened.
type pending struct {
	number int   // of the batch
	shard  int   // of the batch
	index  []int // items
	again  []int // see Iterator
	imgs   []*Image
	errs   []*ItemError
	left   atomic.Int32 // items not yet opened
	done   chan struct{}
}

type opening struct {
	b *pending
	i int
}

type made struct {
	b   *Batch
	err error
}

// Epoch starts an epoch at its batch number startBatch; the batches from there
// on are the same as if the epoch had been read from its beginning, so that a
// run resumes in the middle of one. Canceling ctx ends it.
func (l *Loader) Epoch(ctx context.Context, epoch, startBatch int) *Iterator {
	return l.EpochShare(ctx, epoch, startBatch, Share{})
}

// stopAfter limits the epoch to n batches; before the first Next.
func (it *Iterator) stopAfter(n int) { it.last = min(it.last, it.first+n) }

// Start begins to make batches before the first Next asks for one, so that they
// are there when it does: a training loop starts the validation's iterator
// while it computes its own last batches. Calling it again does nothing.
func (it *Iterator) Start() {
	if it.err == nil && it.ctx.Err() == nil {
		it.start.Do(it.launch)
	}
}

// launch starts the goroutines.
func (it *Iterator) launch() {
	depth := it.l.cfg.Prefetch
	it.order = it.l.Order(int(it.epoch))
	if it.l.cfg.repeats() {
		it.again = again(it.order)
	}
	it.slots = make(chan struct{}, depth)
	it.tasks = make(chan opening)
	it.jobs = make(chan *pending, depth)
	it.ready = make(chan made, depth)
	it.starving = newGate()
	it.wg.Go(it.dispatch)
	always, extra := it.l.workers()
	for range always {
		it.wg.Go(it.work)
	}
	for range extra {
		it.wg.Go(it.help)
	}
	it.wg.Go(it.assembleAll)
}

func (it *Iterator) dispatch() {
	defer it.starving.end()
	defer close(it.tasks)
	defer close(it.jobs)
	shards := it.share.Shards
	size := it.l.cfg.BatchSize / shards
	for n := it.first * shards; n < it.last*shards; n++ {
		from, to := min(len(it.order), n*size), min(len(it.order), (n+1)*size)
		index := it.order[from:to]
		if !it.share.has(n) || len(index) == 0 {
			continue
		}
		select {
		case it.slots <- struct{}{}:
		case <-it.ctx.Done():
			return
		}
		b := &pending{number: n / shards, shard: n % shards, index: index, done: make(chan struct{}),
			imgs: make([]*Image, len(index)), errs: make([]*ItemError, len(index))}
		if it.again != nil {
			b.again = it.again[from:to]
		}
		b.left.Store(int32(len(index)))
		it.jobs <- b // has room for as many as there are slots
		for i := range index {
			select {
			case it.tasks <- opening{b, i}:
			case <-it.ctx.Done():
				return
			}
		}
	}
}

// work opens items as they come.
func (it *Iterator) work() {
	for t := range it.tasks {
		it.do(t)
	}
}

// help is work while Next waits for a batch.
func (it *Iterator) help() {
	for it.starving.wait() {
		t, ok := <-it.tasks
		if !ok {
			return
		}
		it.do(t)
	}
}

func (it *Iterator) do(t opening) {
	if it.ctx.Err() == nil {
		again := 0
		if t.b.again != nil {
			again = t.b.again[t.i]
		}
		t.b.imgs[t.i], t.b.errs[t.i] = it.l.picture(it.epoch, t.b.index[t.i], again)
	}
	if t.b.left.Add(-1) == 0 {
		close(t.b.done)
	}
}

// picture opens and transforms one item. A panic in either is an error about
// the item: the pictures are strangers'.
func (l *Loader) picture(epoch uint64, item, again int) (img *Image, ierr *ItemError) {
	path := l.cfg.Items[item].Path
	defer func() {
		if r := recover(); r != nil {
			img, ierr = nil, &ItemError{Path: path, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	img = l.cache.get(item)
	if img == nil {
		var err error
		img, err = l.cfg.Source.Open(l.cfg.Items[item])
		if err == nil && (img == nil || img.Width < 1 || img.Height < 1 || len(img.Pix) != 3*img.Width*img.Height) {
			err = fmt.Errorf("the source gave a picture without pixels or of the wrong length")
		}
		if err != nil {
			return nil, &ItemError{Path: path, Err: err}
		}
		l.cache.put(item, img)
	}
	if l.cfg.ItemTransforms == nil {
		return img, nil
	}
	out, err := l.cfg.ItemTransforms.Apply(img, l.cfg.Train, l.itemStream(epoch, item, again))
	if out != img {
		img.Free()
	}
	if err != nil {
		return nil, &ItemError{Path: path, Err: err}
	}
	return out, nil
}

func (it *Iterator) assembleAll() {
	defer close(it.ready)
	for p := range it.jobs {
		select {
		case <-p.done:
		case <-it.ctx.Done():
			return
		}
		if it.ctx.Err() != nil {
			return
		}
		b, err := it.l.assemble(it.epoch, it.share.Shards, p)
		if b == nil && err == nil { // nothing of the batch is left
			<-it.slots
			continue
		}
		it.ready <- made{b, err} // has room for as many as there are slots
		if err != nil {
			return
		}
	}
}

// assemble makes the batch of opened pictures; nil when all were damaged and
// the policy leaves them out. shards is how many there are in a batch.
func (l *Loader) assemble(epoch uint64, shards int, p *pending) (b *Batch, err error) {
	imgs, index := p.imgs[:0], make([]int, 0, len(p.index))
	for i, img := range p.imgs {
		if e := p.errs[i]; e != nil {
			if l.cfg.Damaged != SkipDamaged {
				return nil, fmt.Errorf("data: batch %d: %w", p.number, e)
			}
			l.damage.add(e)
			continue
		}
		imgs, index = append(imgs, img), append(index, p.index[i])
	}
	defer func() {
		for _, img := range imgs {
			img.Free()
		}
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("data: batch %d: %s panicked: %v", p.number, describe(l.cfg.BatchTransforms), r)
		}
	}()
	if len(imgs) == 0 {
		return nil, nil
	}
	h, w := imgs[0].Height, imgs[0].Width
	for i, img := range imgs {
		if img.Height != h || img.Width != w {
			return nil, l.sizesError(index[0], imgs[0], index[i], img)
		}
	}
	oh, ow := l.cfg.BatchTransforms.OutSize(h, w)
	if oh < 1 || ow < 1 {
		return nil, fmt.Errorf("data: %s makes pictures of %d×%d", describe(l.cfg.BatchTransforms), ow, oh)
	}
	one := oh * ow * 3
	full := l.floats.Get(max(len(imgs), l.cfg.BatchSize/shards) * one)
	x := tensor.FromSlice(full[:len(imgs)*one], len(imgs), oh, ow, 3)
	r := rng.New(l.cfg.Seed, streamBatch, epoch, uint64(p.number*shards+p.shard))
	if err := l.cfg.BatchTransforms.Apply(x, imgs, l.cfg.Train, r); err != nil {
		return nil, fmt.Errorf("data: batch %d: %w", p.number, err)
	}
	b = &Batch{X: x, Y: l.cfg.Targets.Gather(index), Index: index, Number: p.number, Shard: p.shard, release: func() { l.floats.Put(full) }}
	return b, nil
}

// sizesError says that two pictures of a batch do not fit together.
func (l *Loader) sizesError(i int, a *Image, j int, b *Image) error {
	after := "as they are opened"
	if l.cfg.ItemTransforms != nil {
		after = "after " + l.cfg.ItemTransforms.String()
	}
	return mistakef(ErrSizes, "the pictures of a batch must have one size, but %s %s is %d×%d and %s is %d×%d; set ItemTransforms to a resize such as vision.Resize(460)",
		after, l.cfg.Items[i].Path, a.Width, a.Height, l.cfg.Items[j].Path, b.Width, b.Height)
}

// Next returns the next batch, which the caller releases, or io.EOF after the
// last. After an error it returns the same error again. With FailOnDamaged an
// error of a picture comes where its batch would have come.
func (it *Iterator) Next() (*Batch, error) {
	if it.err != nil {
		return nil, it.err
	}
	if err := it.ctx.Err(); err != nil {
		return nil, it.end(context.Cause(it.ctx))
	}
	it.Start()
	m, ok := it.receive()
	switch {
	case it.ctx.Err() != nil:
		if m.b != nil {
			m.b.Release()
		}
		return nil, it.end(context.Cause(it.ctx))
	case !ok:
		return nil, it.end(io.EOF)
	case m.err != nil:
		return nil, it.end(m.err)
	}
	<-it.slots
	return m.b, nil
}

// receive takes the next batch that was made; false when there is none left or
// the context ended.
func (it *Iterator) receive() (m made, ok bool) {
	select {
	case m, ok = <-it.ready:
		return m, ok
	default:
	}
	began := time.Now()
	it.starving.set(true)
	select {
	case m, ok = <-it.ready:
	case <-it.ctx.Done():
	}
	it.starving.set(false)
	it.wait += time.Since(began)
	return m, ok
}

// Waited is how long Next has waited for batches so far: compared with the
// time between calls it says whether loading or computing is the slower.
func (it *Iterator) Waited() time.Duration { return it.wait }

// end stops the goroutines and makes err the iterator's answer.
func (it *Iterator) end(err error) error {
	it.err = err
	it.cancel()
	if it.ready != nil {
		for m := range it.ready {
			if m.b != nil {
				m.b.Release()
			}
		}
	}
	it.wg.Wait()
	return err
}

// Close stops the work under way and waits for its goroutines. Batches already
// returned stay valid. Next then returns an error. Closing twice is harmless.
func (it *Iterator) Close() error {
	if it.err == nil {
		_ = it.end(errClosed)
	} else {
		it.cancel()
	}
	return nil
}

var errClosed = fmt.Errorf("data: the iterator is closed")
