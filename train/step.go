package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
)

// Keys that keep the learner's random streams apart.
const (
	streamDropout = 101 + iota
	streamMixup
)

// ErrDiverged is what a fit returns, wrapped, when the loss is NaN or infinite.
// The parameters are those before the step that gave it.
var ErrDiverged = errors.New("the loss is not finite")

// nextBatch waits for the next batch, but not longer than ctx.
func nextBatch(ctx context.Context, it *data.Iterator, stop func()) (*data.Batch, error) {
	unhook := context.AfterFunc(ctx, stop)
	defer unhook()
	return it.Next()
}

// step trains on one batch.
func (l *Learner) step(b *data.Batch) error {
	l.Batch, l.Targets = b, b.Y
	if err := l.call(BeforeBatch); err != nil {
		return err
	}
	if err := l.checkBatch(); err != nil {
		return err
	}
	tp := l.tape
	defer tp.Reset()
	tp.Record, tp.Training, tp.Profile = true, true, l.Profile
	tp.Rand = rng.New(l.Seed, streamDropout, uint64(l.Step))
	l.state.ZeroGrad()
	if l.programOf != l.Model {
		l.program, l.programOf = nn.NewProgram(l.Model), l.Model
	}
	out, err := l.program.Forward(tp, tp.Input(l.Batch.X, false))
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	l.Logits = out.Value
	if err := l.call(AfterPred); err != nil {
		return err
	}
	value, dlogits, err := l.lossGrad(out)
	if err != nil {
		return err
	}
	l.LossNow = value
	if err := l.call(AfterLoss); err != nil {
		return err
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("train: %w: %v at epoch %d, batch %d (step %d), learning rate %.3g: use a smaller learning rate (LRFind suggests one), or look for damaged pictures and labels",
			ErrDiverged, value, l.Epoch, l.Iter, l.Step, l.Hyper[len(l.Hyper)-1].LR)
	}
	tp.Backward(out, dlogits)
	if err := l.call(AfterBackward); err != nil {
		return err
	}
	start := time.Now()
	if err := l.opt.Step(l.trainable(), l.Hyper); err != nil {
		return err
	}
	l.Profile.Add("optimizer", time.Since(start))
	l.Step++
	l.Recorder.stepDone(l)
	return l.call(AfterStep)
}
