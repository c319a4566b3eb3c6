package train

import (
	"context"
	"errors"
	"time"
)

// FitBy is a fit of one epoch that takes no steps: fit changes the model's parameters in some other
// way, such as a head that is solved for, and returns the training loss. validate says how good the model is
// then, where there are pictures for that; nil is Validate. Callbacks are called
// for everything but batches; validation and history are those of any epoch. Checkpoints are not
// written, since there is nothing between the beginning and the end.
func (l *Learner) FitBy(ctx context.Context, fit func(ctx context.Context) (loss float64, err error), validate func(ctx context.Context) (Result, error)) (err error) {
	if validate == nil {
		validate = l.Validate
	}
	if l.DLs == nil || l.DLs.Train == nil {
		return errors.New("train: the learner has no training data: it was loaded for prediction only")
	}
	if l.group.Size() > 1 {
		return errors.New("train: a fit without steps is not divided among ranks: run it on one")
	}
	begin := time.Now()
	l.plan, l.active = nil, l.Callbacks
	defer func() { l.active = nil }()
	l.Recorder.begin(l)
	l.Phase, l.Phases, l.Epoch, l.Epochs, l.Iter, l.Iters = 0, 1, 0, 1, 0, 0
	defer func() {
		if e := l.call(AfterFit); e != nil && err == nil && !isCancel(e) {
			err = e
		}
	}()
	for _, e := range []Event{BeforeFit, BeforeEpoch, BeforeTrain} {
		if err := l.call(e); err != nil {
			return notCancel(err)
		}
	}
	loss, err := fit(ctx)
	if e := l.call(AfterTrain); err == nil {
		err = notCancel(e)
	}
	if err != nil {
		return err
	}
	l.Recorder.smooth.Reset()
	l.Recorder.smooth.Add(loss)
	l.ValidLoss, l.MetricValues = nan, nil
	if l.validates() {
		if err := l.call(BeforeValidate); err != nil {
			return notCancel(err)
		}
		res, err := validate(ctx)
		if err != nil {
			return err
		}
		l.ValidLoss, l.MetricValues = res.Loss, res.Metrics
		if err := l.call(AfterValidate); err != nil {
			return notCancel(err)
		}
	}
	l.epochTime = time.Since(begin)
	l.started++
	l.Recorder.epochDone(l)
	return notCancel(l.call(AfterEpoch))
}

// notCancel is err unless it is a callback's wish to stop early, which a fit of one epoch has
// nothing left to skip for.
func notCancel(err error) error {
	if isCancel(err) {
		return nil
	}
	return err
}
