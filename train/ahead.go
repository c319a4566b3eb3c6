package train

import (
	"context"

	"github.com/whippet-ml/whippet/data"
)

// ahead is an iterator that makes its first batches before its turn, so that
// validation need not wait for its first pictures, nor the next epoch for its
// own: the processor that loads is there while the last batch computes.
type ahead struct {
	dl    *data.Loader
	epoch int
	it    *data.Iterator
	stop  context.CancelFunc
}

// lookAhead starts on an epoch of dl.
func (l *Learner) lookAhead(ctx context.Context, dl *data.Loader, epoch int) {
	l.dropAhead()
	// Like every loader of a fit it outlives ctx until the step is finished.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	it := dl.Epoch(ctx, epoch, 0)
	it.Start()
	l.ahead = &ahead{dl, epoch, it, stop}
}

// iterator returns an epoch of dl from batch first on, and what ends its work
// early. It takes the one that was started ahead if that is it.
func (l *Learner) iterator(ctx context.Context, dl *data.Loader, epoch, first int) (*data.Iterator, context.CancelFunc) {
	if a := l.ahead; a != nil && a.dl == dl && a.epoch == epoch && first == 0 {
		l.ahead = nil
		return a.it, a.stop
	}
	l.dropAhead()
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	return dl.Epoch(ctx, epoch, first), stop
}

// dropAhead ends what was started in vain.
func (l *Learner) dropAhead() {
	if l.ahead != nil {
		l.ahead.stop()
		_ = l.ahead.it.Close()
		l.ahead = nil
	}
}
