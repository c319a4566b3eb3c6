package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/tensor"
)

// Keys that keep the learner's random streams apart.
const (
	streamDropout = 101 + iota
	streamMixup
	streamCutMix
	streamErase
)

// ErrDiverged is what a fit returns, wrapped, when the loss is NaN or infinite.
// The parameters are those before the step that gave it.
var ErrDiverged = errors.New("the loss is not finite")

// diverged is the error of a step whose loss is not finite.
func (l *Learner) diverged(loss float64) error {
	return fmt.Errorf("train: %w: %v at epoch %d, batch %d (step %d), learning rate %.3g: use a smaller learning rate (LRFind suggests one), or look for damaged pictures and labels",
		ErrDiverged, loss, l.Epoch, l.Iter, l.Step, l.Hyper[len(l.Hyper)-1].LR)
}

// errLeftOut is what a step returns that had too few pictures: they were damaged,
// or the data ended.
var errLeftOut = errors.New("no pictures")

// notBegun is the error of a step for want of its batch: the state is good, and
// once the cause is mended, training can go on from there.
type notBegun struct{ error }

func (e notBegun) Unwrap() error { return e.error }

// step trains on batch number l.Iter of src. l.Batch stays until dropBatch.
func (l *Learner) step(ctx context.Context, src source) error {
	if l.Shards > 1 || l.group.Size() > 1 {
		return l.stepInShards(ctx, src)
	}
	b, err := src.take(ctx, l.Iter, 0)
	if err != nil {
		return notBegun{err}
	}
	l.Batch = b
	if b == nil || l.tooSmall(b) {
		return errLeftOut
	}
	defer l.tape.Reset()
	l.state.ZeroGrad()
	out, dlogits, err := l.forward()
	if err != nil {
		return err
	}
	if notFinite(l.LossNow) {
		return l.diverged(l.LossNow)
	}
	l.tape.Backward(out, dlogits)
	return l.update()
}

// forward runs l.Batch through the network up to the gradient of its loss. The tape is
// ready for the backward pass.
func (l *Learner) forward() (out *autograd.Variable, dlogits *tensor.Tensor, err error) {
	l.Targets = l.Batch.Y
	if err := l.call(BeforeBatch); err != nil {
		return nil, nil, err
	}
	if err := l.checkSize(); err != nil {
		return nil, nil, err
	}
	if err := l.lookAtBatch(); err != nil { // before the model's own activations are there, whose memory it uses
		return nil, nil, err
	}
	tp := l.tape
	tp.Record, tp.Training, tp.Profile = true, true, l.Profile
	tp.Rand = l.random(streamDropout)
	out, err = l.programFor().Forward(tp, tp.Input(l.Batch.X, false))
	if err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	l.Logits = out.Value
	if err := l.call(AfterPred); err != nil {
		return nil, nil, err
	}
	if l.LossNow, dlogits, err = l.lossGrad(out); err != nil {
		return nil, nil, err
	}
	return out, dlogits, l.call(AfterLoss)
}

// programFor returns the model's program.
func (l *Learner) programFor() *graph.Program {
	if l.programOf != l.Model {
		l.program, l.programOf = nn.NewProgram(l.Model), l.Model
	}
	return l.program
}

// update moves the parameters by their gradients.
func (l *Learner) update() error {
	if err := l.call(AfterBackward); err != nil {
		return err
	}
	start := time.Now()
	params := l.trainable()
	if l.ClipNorm > 0 {
		if norm := optim.ClipGradNorm(params, l.ClipNorm); notFinite(norm) {
			return fmt.Errorf("%w (the gradient's norm)", l.diverged(norm))
		}
	}
	if err := l.opt.Step(params, l.Hyper); err != nil {
		return err
	}
	l.average.update(l.state)
	l.Profile.Add("optimizer", time.Since(start))
	l.Step++
	l.Recorder.stepDone(l)
	return l.call(AfterStep)
}

// dropBatch gives back what a step has left for callbacks to look at.
func (l *Learner) dropBatch() {
	if l.Batch != nil {
		l.Batch.Release()
	}
	l.Batch, l.Logits = nil, nil
}

// checkUpdates reports an option about updates that cannot be.
func (l *Learner) checkUpdates() error {
	if !(l.ClipNorm >= 0) || math.IsInf(l.ClipNorm, 0) {
		return fmt.Errorf("ClipNorm is %v: it must be 0 (none) or a finite norm above 0", l.ClipNorm)
	}
	return l.EMA.Check()
}

func notFinite(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
