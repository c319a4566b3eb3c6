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
	share data.Share
	it    *data.Iterator
	stop  context.CancelFunc
}

// prefetch starts on a share of an epoch of dl.
func (l *Learner) prefetch(ctx context.Context, dl *data.Loader, epoch int, share data.Share) {
	l.dropPrefetched()
	// Like every loader of a fit it outlives ctx until the step is finished.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	it := dl.EpochShare(ctx, epoch, 0, share)
	it.Start()
	l.prefetched = &prefetched{dl, epoch, share, it, stop}
}

// feed reads a share of an epoch of dl from batch first on. It takes the iterator that was
// started ahead if that is it.
func (l *Learner) feed(ctx context.Context, dl *data.Loader, epoch, first int, share data.Share) *feed {
	if a := l.prefetched; a != nil && a.dl == dl && a.epoch == epoch && a.share == share && first == 0 {
		l.prefetched = nil
		return &feed{it: a.it, batch: dl.BatchSize(), stop: a.stop}
	}
	l.dropPrefetched()
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	return &feed{it: dl.EpochShare(ctx, epoch, first, share), batch: dl.BatchSize(), stop: stop}
}

// dropPrefetched ends what was started in vain.
func (l *Learner) dropPrefetched() {
	if l.prefetched != nil {
		l.prefetched.stop()
		_ = l.prefetched.it.Close()
		l.prefetched = nil
	}
}
