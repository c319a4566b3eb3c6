package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/schedule"
)

// Fit trains for a number of epochs at a constant learning rate (fastai's fit).
// The zero Rate is the learner's LR for all groups.
func (l *Learner) Fit(ctx context.Context, epochs int, lr schedule.Rate, opts ...FitOption) error {
	return l.fitPhase(ctx, "constant", epochs, lr, opts)
}

// FitOneCycle trains with the one-cycle policy (fastai's fit_one_cycle; Smith
// 2018): lr is the highest rate of each group, div 25, div_final 1e5, pct_start
// 0.25, momenta l.Moms.
func (l *Learner) FitOneCycle(ctx context.Context, epochs int, lr schedule.Rate, opts ...FitOption) error {
	return l.fitPhase(ctx, "one-cycle", epochs, lr, opts)
}

// FitFlatCos trains at a flat rate for pct_start (0.75) of the time and then
// along a cosine down to lr/div_final (fastai's fit_flat_cos).
func (l *Learner) FitFlatCos(ctx context.Context, epochs int, lr schedule.Rate, opts ...FitOption) error {
	return l.fitPhase(ctx, "flat-cos", epochs, lr, opts)
}

// FitCosine trains along half a cosine from lr down to 0, or to lr/div_final, after a
// linear warm-up from lr/div (100) over the share pct_start (0): see schedule.Cosine.
func (l *Learner) FitCosine(ctx context.Context, epochs int, lr schedule.Rate, opts ...FitOption) error {
	return l.fitPhase(ctx, "cosine", epochs, lr, opts)
}

func (l *Learner) fitPhase(ctx context.Context, kind string, epochs int, lr schedule.Rate, opts []FitOption) error {
	o := gather(opts)
	p, err := l.phase(kind, epochs, lr, o)
	if err != nil {
		return err
	}
	return l.Run(ctx, []Phase{p}, o.callbacks...)
}

// FineTune is fastai's fine_tune: the head alone for FreezeEpochs (1) at
// slice(base), pct_start 0.99; then, unfrozen, epochs at half the base rate,
// spread over the groups by LRMult (100), pct_start 0.3, div 5. BaseLR is 2e-3
// by default. The optimizer's state is cleared in between. With a LayerDecay, that
// spreads the rates in place of LRMult.
func (l *Learner) FineTune(ctx context.Context, epochs int, opts ...FitOption) error {
	o := gather(opts)
	plan, err := l.fineTunePlan(epochs, o)
	if err != nil {
		return err
	}
	return l.Run(ctx, plan, o.callbacks...)
}

// FineTunePlan returns what FineTune carries out, as a plan for Run or
// Checkpoint.SetRates. Callbacks among the options are left out.
func (l *Learner) FineTunePlan(epochs int, opts ...FitOption) ([]Phase, error) {
	return l.fineTunePlan(epochs, gather(opts))
}

func (l *Learner) fineTunePlan(epochs int, o fitOptions) ([]Phase, error) {
	if decays(l.LayerDecay) && o.lrMult != 0 {
		return nil, fmt.Errorf("train: LRMult(%v) spreads the learning rates over the layer groups, and the layer decay of %v over the layers: leave one of them out", o.lrMult, l.LayerDecay)
	}
	ft := schedule.FineTuneOptions{BaseLR: o.baseLR, FreezeEpochs: o.freeze, LRMult: o.lrMult, PctStart: o.pctStart, Div: o.div, Moms: l.Moms}
	if o.moms != nil {
		ft.Moms = *o.moms
	}
	parts, err := schedule.FineTune(epochs, ft)
	if err != nil {
		return nil, err
	}
	var plan []Phase
	for _, s := range parts {
		lrs, err := s.LR.Groups(len(l.groups))
		if err != nil {
			return nil, err
		}
		if head := lrs[len(lrs)-1]; decays(l.LayerDecay) {
			for g := range lrs {
				lrs[g] = head
			}
		}
		to := 0
		if s.Frozen {
			to = len(l.groups) - 1
		}
		p := Phase{Schedule: "one-cycle", Epochs: s.Epochs, FreezeTo: &to, LR: lrs, Div: s.Div, DivFinal: s.DivFinal, PctStart: s.PctStart, Moms: s.Moms, WD: l.WD, LayerDecay: l.LayerDecay}
		if o.wd != nil {
			p.WD = *o.wd
		}
		if o.divFinal != 0 {
			p.DivFinal = o.divFinal
		}
		plan = append(plan, p)
	}
	return plan, nil
}

// cursor is a place in a plan: the next thing to do.
type cursor struct {
	Phase int `json:"phase"`
	Epoch int `json:"epoch"`
	Iter  int `json:"iter"`
	// Started counts the epochs begun before this one in all fits together.
	Started int `json:"started"`
	// Elapsed is what the current epoch has taken so far.
	Elapsed time.Duration `json:"elapsed"`
	// Ended tells that the phase's epochs are over, because all are done or a
	// callback wished so: only AfterFit is left of it.
	Ended bool `json:"ended,omitempty"`
}

// Run carries out a plan, phase after phase. Fit, FitOneCycle, FitFlatCos and
// FineTune all end here. When ctx ends, the step under way is finished and the
// error wraps ErrInterrupted; what was trained stays in the model.
func (l *Learner) Run(ctx context.Context, plan []Phase, extra ...Callback) error {
	return l.runFrom(ctx, plan, nil, extra)
}

func (l *Learner) runFrom(ctx context.Context, plan []Phase, at *cursor, extra []Callback) error {
	return l.onRanks(func() error { return l.runPlan(ctx, plan, at, extra) })
}

func (l *Learner) runPlan(ctx context.Context, plan []Phase, at *cursor, extra []Callback) error {
	if l.DLs == nil || l.DLs.Train == nil {
		return errors.New("train: the learner has no training data: it was loaded for prediction only")
	}
	if l.DLs.Train.Len() == 0 {
		return fmt.Errorf("train: %d training pictures give no batch of %d: take a smaller batch size", len(l.DLs.Train.Items()), l.DLs.Train.BatchSize())
	}
	if err := l.checkUpdates(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := l.prepareTeaching(); err != nil {
		return err
	}
	if err := l.checkStages(plan); err != nil {
		return err
	}
	if err := l.rehearse(plan); err != nil {
		return err
	}
	if l.saves() {
		if err := l.Checkpoints.begin(l, at != nil); err != nil {
			return err
		}
	}
	if l.EMA.Decay > 0 && at == nil {
		l.average = &average{EMA: l.EMA}
	}
	defer func() { l.average = nil }()
	l.plan = plan
	l.active = append(append([]Callback(nil), l.Callbacks...), extra...)
	l.Recorder.begin(l)
	defer func() { l.active = nil }()
	defer l.dropPrefetched()
	first := 0
	if at != nil {
		first = at.Phase
	}
	for i := first; i < len(plan); i++ {
		l.Phase, l.Phases = i, len(plan)
		if err := l.runPhase(ctx, plan[i], at); err != nil {
			return err
		}
		at = nil
	}
	return nil
}

func (l *Learner) runPhase(ctx context.Context, p Phase, at *cursor) (err error) {
	curves, err := p.curves()
	if err != nil {
		return err
	}
	if err := l.scaleRates(p.LayerDecay); err != nil {
		return err
	}
	if at != nil && at.Epoch == 0 && at.Iter == 0 && !at.Ended {
		l.started = at.Started
		at = nil // saved before the first step: the phase begins
	}
	if p.FreezeTo != nil && at == nil {
		if err := l.FreezeTo(*p.FreezeTo); err != nil {
			return err
		}
	}
	if err := l.checkBatchSize(); err != nil {
		return err
	}
	l.Epochs, l.Iters, l.Epoch, l.Iter = p.Epochs, l.DLs.Train.Len(), 0, 0
	l.Hyper = make([]optim.Hyper, len(l.groups))
	l.cur = cursor{Phase: l.Phase, Started: l.started}
	if at == nil {
		l.Recorder.smooth.Reset()
	} else {
		l.cur = *at
		l.Epoch, l.Iter, l.started = at.Epoch, at.Iter, at.Started
	}
	defer func() {
		if l.cur.Ended && l.Phase+1 == l.Phases {
			l.average.show(l.state, true)
		}
		if e := l.call(AfterFit); e != nil && err == nil && !isCancel(e) {
			err = e
		}
	}()
	if err := l.call(BeforeFit); err != nil {
		return l.fitEnd(err)
	}
	for ; l.Epoch < p.Epochs && !l.cur.Ended; l.Epoch++ {
		if err := l.epoch(ctx, p, curves); err != nil {
			return l.fitEnd(err)
		}
		l.Iter = 0
	}
	l.cur.Ended = true
	return nil
}

// fitEnd turns a callback's wish to stop into a normal end.
func (l *Learner) fitEnd(err error) error {
	if !errors.Is(err, ErrCancelFit) {
		return err
	}
	if l.cur.Ended { // the wish came after an epoch, and the end is saved
		return nil
	}
	if l.cur.Iter > 0 {
		l.started++ // the next fit must not see the same order again
	}
	l.cur = cursor{Phase: l.Phase, Epoch: l.Epoch, Iter: l.cur.Iter, Started: l.started, Ended: true}
	if l.saves() {
		return l.Checkpoints.Save(l)
	}
	return nil
}

func isCancel(err error) bool {
	return errors.Is(err, ErrCancelFit) || errors.Is(err, ErrCancelEpoch) || errors.Is(err, ErrCancelBatch)
}

// validates reports whether epochs end with a validation.
func (l *Learner) validates() bool { return validItems(l.DLs) > 0 }

// epoch runs one epoch from l.Iter on.
func (l *Learner) epoch(ctx context.Context, p Phase, curves *schedule.Schedule) error {
	begin := time.Now().Add(-l.cur.Elapsed)
	l.enterStage()
	if err := l.call(BeforeEpoch); err != nil {
		return err
	}
	err := l.trainEpoch(ctx, p, curves, begin)
	if e := l.call(AfterTrain); err == nil {
		err = e
	}
	if err != nil && !errors.Is(err, ErrCancelEpoch) {
		return err
	}
	l.ValidLoss = nan
	l.MetricValues = nil
	l.average.show(l.state, true)
	defer l.average.show(l.state, false)
	if l.validates() {
		if err := l.call(BeforeValidate); err != nil {
			return err
		}
		l.cur = cursor{Phase: l.Phase, Epoch: l.Epoch, Iter: l.Iters, Started: l.started, Elapsed: time.Since(begin)}
		if l.Epoch+1 < p.Epochs || l.Phase+1 < l.Phases {
			l.nextEpoch = l.started + 1
		}
		res, err := l.Validate(ctx)
		l.nextEpoch = 0
		if errors.Is(err, ErrInterrupted) {
			return l.saveThen(err)
		}
		if err != nil {
			return err
		}
		l.ValidLoss, l.MetricValues = res.Loss, res.Metrics
		if err := l.call(AfterValidate); err != nil {
			return err
		}
	}
	l.epochTime = time.Since(begin)
	l.started++
	l.cur = cursor{Phase: l.Phase, Epoch: l.Epoch + 1, Started: l.started, Ended: l.Epoch+1 == p.Epochs}
	l.Recorder.epochDone(l)
	err = l.call(AfterEpoch)
	if errors.Is(err, ErrCancelFit) {
		l.cur.Ended = true
	}
	if l.saves() && (err == nil || errors.Is(err, ErrCancelFit)) {
		if e := l.Checkpoints.Save(l); e != nil {
			return e
		}
	}
	return err
}

func (l *Learner) trainEpoch(ctx context.Context, p Phase, curves *schedule.Schedule, begin time.Time) error {
	if err := l.call(BeforeTrain); err != nil {
		return err
	}
	// The loader runs under its own context, so that the step under way can be
	// finished before the fit ends.
	src := l.feed(ctx, l.trainLoader(l.planEpoch()), l.started, l.Iter, l.trainShare())
	defer src.close()
	lr, mom := make([]float64, len(l.groups)), make([]float64, len(l.groups))
	for ; ; l.Iter++ {
		if ctx.Err() != nil && l.group.Size() == 1 { // several ranks must agree first
			return l.saveThen(interrupted(ctx))
		}
		if l.Iter >= l.Iters {
			return nil
		}
		for g := range mom {
			mom[g] = l.opt.Defaults().Mom
		}
		curves.At(schedule.Position(l.Epoch, p.Epochs, l.Iter, l.Iters), lr, mom)
		for g := range l.Hyper {
			l.Hyper[g] = optim.Hyper{LR: lr[g], Mom: mom[g], WD: p.WD}
		}
		if l.Iter == l.Iters-1 && l.validates() {
			l.prefetch(ctx, l.DLs.Valid, 0, l.batchShare())
		}
		err := l.step(ctx, src)
		switch {
		case errors.Is(err, errLeftOut):
			l.dropBatch()
			continue
		case errors.As(err, new(notBegun)):
			l.dropBatch()
			return l.saveThen(err)
		case errors.Is(err, ErrDiverged) && l.saves():
			if e := l.Checkpoints.removeDiverged(l); e != nil {
				err = fmt.Errorf("%w; and %w", err, e)
			}
		}
		l.cur = cursor{Phase: l.Phase, Epoch: l.Epoch, Iter: l.Iter + 1, Started: l.started, Elapsed: time.Since(begin)}
		final := errors.Is(err, ErrInterrupted) // the ranks agreed to stop after this step
		if err == nil || final || errors.Is(err, ErrCancelBatch) {
			if e := l.call(AfterBatch); e != nil || !final {
				err = e
			}
		}
		l.dropBatch()
		if errors.Is(err, ErrInterrupted) {
			return l.saveThen(err)
		}
		if err != nil {
			return err
		}
		if l.saves() {
			if err := l.Checkpoints.due(l); err != nil {
				return err
			}
		}
	}
}

// saves reports whether this rank writes checkpoints.
func (l *Learner) saves() bool { return l.Checkpoints != nil && l.first() }

// saveThen saves a checkpoint and returns err, with the reason when that could
// not be done: the fit ends, so there is no later try.
func (l *Learner) saveThen(err error) error {
	if !l.saves() {
		return err
	}
	if e := l.Checkpoints.save(l); e != nil {
		return fmt.Errorf("%w; and %w", err, e)
	}
	return err
}
