package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/predict"
)

// errQueueFull says that a model has accepted as many pictures as it may.
var errQueueFull = errors.New("too many pictures are waiting")

// batcher sends the pictures of concurrent requests through one predictor
// together. A picture holds a place of the queue from reserve until release, so
// that those being decoded count as well as those waiting for the network.
type batcher struct {
	p       *predict.Predictor
	max     int
	wait    time.Duration
	places  *gate         // by pictures
	pace    *pace         // how long a picture takes
	coming  atomic.Int64  // places whose picture no worker has taken yet
	running atomic.Int64  // batches being computed
	ready   chan struct{} // a place for each picture that is prepared
	inputs  *mem.Buffers  // of prepared pictures
	jobs    chan *job     // never full: it is as long as ready
	workers sync.WaitGroup
	observe func(pictures int, took time.Duration)
}

// job is one prepared picture on its way through the network.
type job struct {
	ctx    context.Context
	x      []float32
	answer predict.Prediction
	err    error
	done   chan struct{}
}

// newBatcher starts the workers: as many as the predictor computes batches at a
// time. queue is the number of places, of which no more are taken than pictures
// can be answered within budget; observe is called after every batch.
func newBatcher(p *predict.Predictor, max int, wait time.Duration, queue int, budget time.Duration, observe func(int, time.Duration)) *batcher {
	// A prepared picture is several times as large as an encoded one, so only
	// those of the batches under way and of the next are prepared; the rest of
	// the queue waits as it came.
	ready := min((p.Options().Runs+1)*max, queue)
	b := &batcher{p: p, max: max, wait: wait, places: newGate(queue, queue), pace: &pace{},
		ready: make(chan struct{}, ready), inputs: mem.NewBuffers("prepared pictures of services", exactly, ready), jobs: make(chan *job, ready), observe: observe}
	b.places.most = func() int { return b.pace.within(budget) }
	for range p.Options().Runs {
		b.workers.Go(b.work)
	}
	return b
}

// exactly is the size of a prepared picture's buffer: all of a model have the same.
func exactly(n int) int { return n }

// close ends the workers after everything that was submitted. Nothing may be
// submitted afterwards.
func (b *batcher) close() {
	close(b.jobs)
	b.workers.Wait()
}

// reserve takes n places, waiting for them with the patience that is left;
// errQueueFull when there are none.
func (b *batcher) reserve(ctx context.Context, n int, wait *patience) error {
	if err := wait.enter(ctx, b.places, n); err != nil {
		if errors.Is(err, errFull) {
			return errQueueFull
		}
		return err
	}
	b.coming.Add(int64(n))
	return nil
}

// cancelReservation says that n places which are held get no run.
func (b *batcher) cancelReservation(n int) { b.coming.Add(int64(-n)) }

func (b *batcher) release(n int) { b.places.leave(n) }

// waiting is the number of places taken.
func (b *batcher) waiting() int { return b.places.inside() }

// run prepares a picture with fill and waits for its answer. The caller holds a
// place for it, and calls run once for it.
func (b *batcher) run(ctx context.Context, fill func(dst []float32) error) (predict.Prediction, error) {
	submitted := false
	defer func() { // also when fill panics
		if !submitted {
			b.cancelReservation(1)
		}
	}()
	select {
	case b.ready <- struct{}{}:
	case <-ctx.Done():
		return predict.Prediction{}, context.Cause(ctx)
	}
	defer func() { <-b.ready }() // also when fill panics
	x := b.inputs.Get(3 * b.p.InputSize() * b.p.InputSize())
	defer b.inputs.Put(x)
	if err := fill(x); err != nil {
		return predict.Prediction{}, err
	}
	j := &job{ctx: ctx, x: x, done: make(chan struct{})}
	submitted = true
	b.jobs <- j
	// A worker looks at the context too, so this wait is short once it ends; x is
	// in use until then.
	<-j.done
	return j.answer, j.err
}

// work collects batches and computes them until the jobs end.
func (b *batcher) work() {
	var x []float32
	batch := make([]*job, 0, b.max)
	for first := range b.jobs {
		batch = b.collect(append(batch[:0], first))
		x = x[:0]
		live := batch[:0]
		for _, j := range batch {
			if j.ctx.Err() != nil { // nobody waits for this one any more
				j.err = context.Cause(j.ctx)
				close(j.done)
				continue
			}
			live = append(live, j)
			x = append(x, j.x...)
		}
		if len(live) > 0 {
			b.compute(live, x)
		}
		clear(batch[:cap(batch)])
	}
}

// busyWait is how many times longer an incomplete batch waits while another is
// being computed: the processors have work meanwhile, and a larger batch is less
// of it.
const busyWait = 5

// collect adds jobs to a batch of one until it is full, nobody is coming, or
// the wait is over.
func (b *batcher) collect(batch []*job) []*job {
	b.coming.Add(-1)
	var timer *time.Timer
	for len(batch) < b.max {
		select {
		case j, ok := <-b.jobs: // what is there already
			if !ok {
				return batch
			}
			batch = append(batch, j)
			b.coming.Add(-1)
			continue
		default:
		}
		if b.wait <= 0 || b.coming.Load() <= 0 {
			return batch
		}
		if timer == nil {
			wait := b.wait
			if b.running.Load() > 0 {
				wait *= busyWait
			}
			timer = time.NewTimer(wait)
			defer timer.Stop()
		}
		select {
		case j, ok := <-b.jobs:
			if !ok {
				return batch
			}
			batch = append(batch, j)
			b.coming.Add(-1)
		case <-timer.C:
			return batch
		}
	}
	return batch
}

// compute runs the network on a batch and tells everyone.
func (b *batcher) compute(batch []*job, x []float32) {
	start := time.Now()
	b.running.Add(1)
	answers, err := b.inferences(x)
	b.running.Add(-1)
	b.observe(len(batch), time.Since(start))
	if errors.Is(err, predict.ErrNotFinite) && len(batch) > 1 {
		// One picture's tensor is broken: the others must not suffer.
		n := len(x) / len(batch)
		for i, j := range batch {
			b.compute([]*job{j}, x[i*n:(i+1)*n])
		}
		return
	}
	for i, j := range batch {
		if err == nil {
			j.answer = answers[i]
		}
		j.err = err
		close(j.done)
	}
}

// inferences is Predictor.Inputs; a panic in it must fail a batch and not the
// service.
func (b *batcher) inferences(x []float32) (answers []predict.Prediction, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("serve: the network failed: %v", p)
		}
	}()
	// Not the requests' contexts: one client that leaves must not end the batch.
	return b.p.Inputs(context.Background(), x)
}
