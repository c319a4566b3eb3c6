// Package train fits classifiers: the Learner, its events and callbacks, the
// fit loops (Fit, FitOneCycle, FitFlatCos, FineTune), the learning-rate finder,
// validation and prediction, the recorder, and checkpoints from which an
// interrupted run goes on.
//
// It follows fastai's recipe to the number: see the documentation of each
// function for the rule and its source.
package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// Learner brings a model, data, a loss and an optimizer together and trains.
// Its fields may be set between calls; during a fit only callbacks, which run
// on the fitting goroutine, may touch them. A Learner is not safe for
// concurrent use.
type Learner struct {
	Model   *models.Classifier
	DLs     *data.DataLoaders
	Loss    loss.Func
	Metrics []metrics.Metric

	// Thresholds, for a task that answers with every class above its threshold,
	// are those of Predict and of what is saved; nil is the task's own.
	Thresholds []float32

	// Temperature divides the scores of GetPreds, TTA and Predict, and is saved with
	// the model; 0 is 1. Training and Validate do not use it. See package confidence.
	Temperature float64

	// Abstention says when Predict answers "unknown", and is saved with the model; nil is
	// never. See package confidence.
	Abstention *confidence.Abstention

	// Conformal makes the sets of Predict's answers, and is saved with the model; nil makes none.
	Conformal *confidence.Conformal

	// Strangeness measures how unlike those of training a picture is, and is saved with the model;
	// nil is unmeasured. Predict does not use it, package predict does.
	Strangeness *confidence.Strangeness

	// LR is the default highest learning rate, WD the weight decay, Moms the
	// momentum at the start, middle and end of a one-cycle. Defaults: 1e-3, the
	// optimizer's own (0.01 for Adam, 0 for SGD), and 0.95, 0.85, 0.95 (fastai's).
	LR   float64
	WD   float64
	Moms [3]float64

	// LayerDecay is how much lower the learning rate of a layer is than that of the
	// layer above it, as a factor; 0 and 1 mean no lower. See the option.
	LayerDecay float64

	// TrainBN lets the batch norms of frozen groups train, as fastai does and
	// by default. When it is false, frozen groups keep their statistics and
	// nothing below the first trainable group has gradients.
	TrainBN bool

	// Shards is the number of shards that a training batch is cut into; see the option.
	// It must not be set between calls.
	Shards int

	// ClipNorm is the highest norm of the gradient of all parameters together; a longer
	// one is scaled down to it before the step (optim.ClipGradNorm). 0 means none.
	ClipNorm float64

	// EMA says whether an average of the weights is kept, validated with, and the
	// result; see the type. It must not be set during a fit.
	EMA EMA

	// Stages are sizes that training pictures have one after the other; see the option. None
	// trains on those of DLs.Train throughout.
	Stages []Stage

	// Teacher, when set, is a trained network that the model learns from besides the labels; see Distill.
	Teacher *Teacher

	// Seed is the source of every random number of training (dropout, mixup);
	// the loaders have their own.
	Seed uint64

	// Callbacks are called at every event of every fit, in this order.
	Callbacks []Callback

	// Checkpoints, when set, saves the state of training after every epoch, at
	// intervals, and when a fit is interrupted.
	Checkpoints *Checkpoints

	// Profile, when set, collects where the time of training steps goes.
	Profile *autograd.Profile

	State   // of the fit under way, for callbacks
	Results // of what was trained so far

	// The machinery of steps.
	opt       optim.Optimizer
	groups    []nn.StateDict       // layer groups with all their state, lowest first
	state     nn.StateDict         // of all groups
	params    [][]parameter        // of each layer group
	withGrad  [][]*optim.Param     // those that have a gradient; see trainable
	norms     []*op.BatchNormState // that train, so that a batch needs two pictures
	frozenTo  int                  // groups below this one are frozen
	decayed   float64              // the layer decay that the parameters' rates have
	arena     *autograd.Arena
	tape      *autograd.Tape // of all steps, one after the other
	program   *graph.Program // of programOf, on tape
	programOf *models.Classifier
	group     distributed.Group
	teaching  *teaching    // of Teacher, prepared when a fit begins
	inShards  *shardedStep // nil until the first step of a learner with shards

	// The fit under way: what Resume has to know, too.
	active     []Callback
	plan       []Phase
	started    int // epochs begun in all fits together, the loader's epoch number
	epochTime  time.Duration
	average    *average // of a plan under way with EMA
	cur        cursor   // what comes next in the plan
	dlogits    *tensor.Tensor
	prefetched *prefetched // an iterator started before its turn
	nextEpoch  int         // while a fit validates: the epoch that follows, or 0
}

// parameter is one that training may move, and how the optimizer knows it.
type parameter struct {
	nn.Entry
	opt *optim.Param
}

// Option sets something of a Learner when it is made.
type Option func(*Learner)

// Metrics sets what is measured on the validation set after every epoch.
func Metrics(m ...metrics.Metric) Option { return func(l *Learner) { l.Metrics = m } }

// Loss sets the loss function; the default is the task's (cross-entropy for
// single-label classification).
func Loss(f loss.Func) Option { return func(l *Learner) { l.Loss = f } }

// Optimizer sets the optimizer; the default is Adam with fastai's settings.
func Optimizer(o optim.Optimizer) Option { return func(l *Learner) { l.opt = o } }

// WeightDecay sets the weight decay; the default is the optimizer's own.
func WeightDecay(wd float64) Option { return func(l *Learner) { l.WD = wd } }

// ClipNorm sets the highest norm of the gradient; there is none by default.
func ClipNorm(limit float64) Option { return func(l *Learner) { l.ClipNorm = limit } }

// TrainBN sets whether batch norms of frozen groups train; true by default.
func TrainBN(on bool) Option { return func(l *Learner) { l.TrainBN = on } }

// Seed sets the seed of training's own random numbers.
func Seed(s uint64) Option { return func(l *Learner) { l.Seed = s } }

// Callbacks adds callbacks.
func Callbacks(c ...Callback) Option {
	return func(l *Learner) { l.Callbacks = append(l.Callbacks, c...) }
}

// SeedOf returns the seed that options set, 0 by default: for what has to be
// drawn before there is a learner.
func SeedOf(opts ...Option) uint64 {
	var l Learner
	for _, o := range opts {
		o(&l)
	}
	return l.Seed
}

// New returns a learner with all layer groups trainable. It returns an error
// when the loaders' vocabulary does not match the model's classes.
func New(dls *data.DataLoaders, model *models.Classifier, opts ...Option) (*Learner, error) {
	if n := len(dls.Vocab); n != model.Classes {
		return nil, fmt.Errorf("train: the data has %d classes, the model %d", n, model.Classes)
	}
	byTask, err := dls.Task().Loss(task.LossOptions{})
	if err != nil {
		return nil, err
	}
	l := &Learner{
		Model: model, DLs: dls, Loss: byTask,
		LR: 1e-3, WD: nan, Moms: [3]float64{0.95, 0.85, 0.95}, TrainBN: true, Shards: 1,
		group: distributed.Alone{}, Results: Results{Recorder: &Recorder{}}, opt: &optim.Adam{},
		arena: autograd.NewArena(),
	}
	for _, o := range opts {
		o(l)
	}
	if err := CheckShards(0, l.Shards, 1); err != nil { // of the ranks, only those that train must divide them
		return nil, fmt.Errorf("train: %w", err)
	}
	if err := l.checkUpdates(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if err := checkLayerDecay(l.LayerDecay); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if math.IsNaN(l.WD) {
		l.WD = l.opt.Defaults().WD
	}
	if err := l.prepareTeaching(); err != nil {
		return nil, err
	}
	l.collect()
	l.tape = autograd.NewTape(l.arena)
	l.setTrainable()
	return l, nil
}

// collect finds the state of the model, anew after its shapes have changed.
func (l *Learner) collect() {
	l.groups, l.params, l.state = l.Model.Groups(), nil, nil
	for _, g := range l.groups {
		var ps []parameter
		for _, e := range g.Parameters() {
			ps = append(ps, parameter{e, &optim.Param{Name: e.Name, Data: e.Param.Value.Data, NoDecay: !e.Decays()}})
		}
		l.params = append(l.params, ps)
		l.state = append(l.state, g...)
	}
	l.decayed, l.withGrad, l.programOf, l.inShards = 0, nil, nil, nil
}

// Groups returns the number of layer groups.
func (l *Learner) Groups() int { return len(l.groups) }

// FreezeTo freezes the layer groups below n, so that the groups from n on
// train; negative n counts from the end. The batch norms of frozen groups train
// all the same unless TrainBN is false. It clears the optimizer's state, as
// fastai does.
func (l *Learner) FreezeTo(n int) error {
	if n < 0 {
		n += len(l.groups)
	}
	if n < 0 || n >= len(l.groups) {
		return fmt.Errorf("train: FreezeTo(%d): the model has layer groups 0 to %d", n, len(l.groups)-1)
	}
	l.frozenTo = n
	l.opt.Reset()
	l.setTrainable()
	return nil
}

// Freeze leaves only the head (the last layer group) to train, fastai's
// freeze().
func (l *Learner) Freeze() error { return l.FreezeTo(len(l.groups) - 1) }

// Unfreeze lets all layer groups train.
func (l *Learner) Unfreeze() error { return l.FreezeTo(0) }

// FrozenTo returns the first layer group that trains.
func (l *Learner) FrozenTo() int { return l.frozenTo }

func (l *Learner) setTrainable() {
	for g, ps := range l.params {
		frozen := g < l.frozenTo
		for _, p := range ps {
			p.Param.RequiresGrad = !frozen || (l.TrainBN && p.IsNorm())
			p.Param.ZeroGrad()
		}
	}
	l.norms = l.norms[:0]
	nn.Walk(l.Model, func(_ string, m nn.Module) {
		if b, ok := m.(*nn.BatchNorm); ok {
			b.S.UseRunning = !b.S.Weight.RequiresGrad
			if !b.S.UseRunning {
				l.norms = append(l.norms, &b.S)
			}
		}
	})
	if l.inShards != nil {
		l.inShards.buckets = nil // other parameters train
	}
}

// trainable returns the parameters that have a gradient, per group, in slices
// that the next call uses again.
func (l *Learner) trainable() [][]*optim.Param {
	if l.withGrad == nil {
		l.withGrad = make([][]*optim.Param, len(l.groups))
	}
	out := l.withGrad
	for g, ps := range l.params {
		out[g] = out[g][:0]
		for _, p := range ps {
			if p.Param.RequiresGrad && p.Param.HasGrad {
				p.opt.Grad = p.Param.Grad.Data
				out[g] = append(out[g], p.opt)
			}
		}
	}
	return out
}

// ArenaBytes returns how much memory the learner's activations and gradients
// of activations take, in bytes.
func (l *Learner) ArenaBytes() int64 { return l.arena.Bytes() }

// ErrInterrupted is what a fit returns, wrapped, when its context ended: the
// step under way was finished and the learner is in a good state.
var ErrInterrupted = errors.New("training was interrupted")

func interrupted(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
}
