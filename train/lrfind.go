package train

import (
	"context"
	"errors"

	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/target"
)

// LRFinding is what a learning-rate search found.
type LRFinding struct {
	schedule.Suggestions
	Curve schedule.LRCurve
}

// LRFind trains a copy of the state for up to 100 steps while the learning rate
// grows exponentially from 1e-7 to 10, until the smoothed loss passes four
// times its best, and puts everything back exactly: parameters, running
// statistics, optimizer, history (fastai's lr_find; Smith 2017). The zero
// Finder has fastai's settings. With layer groups, the rate is the same for all
// of them; with a LayerDecay it is that of the head.
//
// When the curve gives no suggestion (too short, flat, NaN from the start), the
// error is a *schedule.CurveError that has the curve; it is in the LRFinding
// too. A curve that never falls below its beginning gives suggestions with a
// Doubt.
//
// Callbacks are called for batches, from BeforeBatch to AfterBatch, and for no
// other event: a search has no epochs. ErrCancelFit ends it early, and what was
// seen until then counts.
func (l *Learner) LRFind(ctx context.Context, f schedule.Finder) (found LRFinding, err error) {
	err = l.onRanks(func() error {
		found, err = l.findLR(ctx, f)
		return err
	})
	return found, err
}

func (l *Learner) findLR(ctx context.Context, f schedule.Finder) (found LRFinding, err error) {
	if l.DLs == nil || l.DLs.Train == nil || l.DLs.Train.Len() == 0 {
		return found, errors.New("train: LRFind needs training data of at least one batch")
	}
	if err := f.Check(); err != nil {
		return found, err
	}
	if err := l.prepareTeaching(); err != nil {
		return found, err
	}
	if err := l.checkBatchSize(); err != nil {
		return found, err
	}
	if err := l.scaleRates(l.LayerDecay); err != nil {
		return found, err
	}
	saved := l.snapshot()
	iters, iter, hyper, lossNow := l.Iters, l.Iter, l.Hyper, l.LossNow
	history := l.Recorder
	l.Recorder = &Recorder{} // the steps of the search are not history
	defer func() {
		l.Recorder = history
		if e := l.restore(saved); err == nil {
			err = e
		}
		l.Iters, l.Iter, l.Hyper, l.LossNow = iters, iter, hyper, lossNow
		l.Batch, l.Logits, l.Targets = nil, nil, target.Targets{}
		l.state.ZeroGrad()
	}()
	l.active = l.Callbacks
	defer func() { l.active = nil }()
	l.Hyper = make([]optim.Hyper, len(l.groups))
	for epoch, done := 0, false; !done; epoch++ {
		before := len(f.Curve().LRs)
		done, err = l.sweepEpoch(ctx, &f, epoch)
		if errors.Is(err, ErrCancelFit) {
			break
		}
		if err != nil && !errors.Is(err, ErrCancelEpoch) {
			return found, err
		}
		if !done && len(f.Curve().LRs) == before {
			return found, errors.New("train: LRFind: a pass over the training data gave no batch")
		}
	}
	found.Curve = f.Curve()
	found.Suggestions, err = found.Curve.Suggest()
	return found, l.onAll(err)
}

// sweepEpoch continues the search over one pass of the training data.
func (l *Learner) sweepEpoch(ctx context.Context, f *schedule.Finder, epoch int) (done bool, err error) {
	src := l.feed(ctx, l.trainLoader(0), l.started+epoch, 0, l.trainShare())
	defer src.close()
	for l.Iter = 0; l.Iter < l.DLs.Train.Len(); l.Iter++ {
		if ctx.Err() != nil && l.group.Size() == 1 { // several ranks must agree first
			return false, interrupted(ctx)
		}
		for g := range l.Hyper {
			l.Hyper[g] = l.opt.Defaults()
			l.Hyper[g].LR, l.Hyper[g].WD = f.LR(), l.WD
		}
		err = l.step(ctx, src)
		if errors.Is(err, errLeftOut) {
			l.dropBatch()
			continue
		}
		// A loss that is not finite ends the search; it is no failure.
		if err == nil || errors.Is(err, ErrCancelBatch) || errors.Is(err, ErrDiverged) {
			err = l.call(AfterBatch)
		}
		l.dropBatch()
		if err != nil {
			return false, err
		}
		if f.Observe(l.LossNow) {
			return true, nil
		}
	}
	return false, nil
}
