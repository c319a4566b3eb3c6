package train

import (
	"context"

	"github.com/whippet-ml/whippet/data"
)

// prefetched is an iterator that makes its first batches before its turn, so that
// validation need not wait for its first pictures, nor the next epoch for its
// own: the processor that loads is there while the last batch computes.
type prefetched struct {
	dl    *data.Loader
	epoch int
	it    *data.Iterator
	stop  context.CancelFunc
}

// prefetch starts on an epoch of dl.
func (l *Learner) prefetch(ctx context.Context, dl *data.Loader, epoch int) {
	l.dropPrefetched()
	// Like every loader of a fit it outlives ctx until the step is finished.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	it := dl.Epoch(ctx, epoch, 0)
	it.Start()
	l.prefetched = &prefetched{dl, epoch, it, stop}
}

// iterator returns an epoch of dl from batch first on, and what ends its work
// early. It takes the one that was started ahead if that is it.
func (l *Learner) iterator(ctx context.Context, dl *data.Loader, epoch, first int) (*data.Iterator, context.CancelFunc) {
	if a := l.prefetched; a != nil && a.dl == dl && a.epoch == epoch && first == 0 {
		l.prefetched = nil
		return a.it, a.stop
	}
	l.dropPrefetched()
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	return dl.Epoch(ctx, epoch, first), stop
}

// dropPrefetched ends what was started in vain.
func (l *Learner) dropPrefetched() {
	if l.prefetched != nil {
		l.prefetched.stop()
		_ = l.prefetched.it.Close()
		l.prefetched = nil
	}
}
