package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/tensor"
)

// shardedStep is a step on a batch that is cut into shards, of which this rank computes
// its own.
//
// The ranks meet once before anything is added up: when each is through the forward pass of its
// last shard, they tell each other what their shards came to. If all are good, the sums
// begin while the backward pass of the last shard goes on, a bucket at a time. Otherwise no
// rank takes the step, and all are in the state before it.
type shardedStep struct {
	*accumulator
	l      *Learner
	shards []shardReport // of all shards
	own    error         // of this rank's part
	stop   error         // this rank's context has ended
	got    []bool        // buckets that are known to be complete

	// What the ranks have agreed on.
	abandoned error // the step is not taken, because of this
	final     error // the step is taken, and none after it, because of this
	weight    float64
	loss      float64
}

// sharded returns the learner's step in shards, laid out for the parameters that train.
func (l *Learner) sharded() (*shardedStep, error) {
	if l.inShards == nil {
		if err := CheckShards(0, l.Shards, l.group.Size()); err != nil { // in TrainBatch
			return nil, fmt.Errorf("train: %w", err)
		}
		a, err := newAccumulator(l.group, l.state)
		if err != nil {
			return nil, err
		}
		l.inShards = &shardedStep{accumulator: a, l: l, shards: make([]shardReport, l.Shards)}
	}
	s := l.inShards
	if s.buckets == nil {
		s.layOut(l.params, l.norms)
		s.got = make([]bool, len(s.buckets))
	}
	return s, nil
}

// stepInShards is step for a learner with shards.
func (l *Learner) stepInShards(ctx context.Context, src source) error {
	s, err := l.sharded()
	if err != nil {
		return err
	}
	defer l.tape.Reset()
	s.begin()
	out, dlogits, err := l.computeShards(ctx, src, s)
	s.own = err
	if ctx.Err() != nil {
		s.stop = interrupted(ctx)
	}
	if l.group.Size() == 1 {
		err = s.alone(out, dlogits)
	} else {
		err = s.together(out, dlogits)
	}
	switch {
	case err != nil:
		return err
	case s.abandoned != nil:
		s.restore()
		return s.abandoned
	case s.late != "":
		return fmt.Errorf("train: %s got a part of its gradient after what was the last one in earlier steps: a network must use its parameters equally often in every step", s.late)
	}
	s.end()
	l.LossNow = s.loss
	if err := l.update(); err != nil {
		return err
	}
	return s.final
}

// begin begins a step.
func (s *shardedStep) begin() {
	s.accumulator.begin()
	clear(s.shards)
	clear(s.told)
	clear(s.got)
	s.late = ""
	s.stop, s.abandoned, s.final = nil, nil, nil
}

// computeShards runs this rank's shards, all but the backward pass of the last one, of
// which it returns the result and its gradient, or nil if it had no pictures.
func (l *Learner) computeShards(ctx context.Context, src source, s *shardedStep) (out *autograd.Variable, dlogits *tensor.Tensor, err error) {
	if l.group.Size() > 1 && ctx.Err() != nil {
		return nil, nil, interrupted(ctx)
	}
	first, end := l.ownShards()
	for l.Shard = first; l.Shard < end; l.Shard++ {
		l.dropBatch()
		if l.Batch, err = src.take(ctx, l.Iter, l.Shard); err != nil {
			return nil, nil, err
		}
		j := l.Shard - first
		if out, dlogits, err = l.computeShard(s, s.array(j), src.size()); err != nil {
			return nil, nil, err
		}
		if l.Shard == end-1 {
			break
		}
		s.backward(out, dlogits, false)
		l.tape.Reset()
		s.merge(j, bucket{to: s.size})
	}
	return out, dlogits, nil
}

// computeShard runs the forward pass of l.Batch, a shard of a batch of full pictures. The
// gradients of its backward pass will be written to x.
func (l *Learner) computeShard(s *shardedStep, x []float32, full int) (out *autograd.Variable, dlogits *tensor.Tensor, err error) {
	s.restore()
	s.aim(x)
	if l.Batch == nil || l.tooSmall(l.Batch) {
		s.keepStats(x, 0)
		return nil, nil, nil
	}
	if out, dlogits, err = l.forward(); err != nil {
		return nil, nil, err
	}
	weight := float64(l.Batch.X.Shape[0]) / float64(full)
	s.shards[l.Shard] = shardReport{weight, l.LossNow}
	s.keepStats(x, float32(weight))
	if l.Loss.Reduce() == loss.Mean {
		for i := range dlogits.Data {
			dlogits.Data[i] *= float32(weight)
		}
	}
	return out, dlogits, nil
}

// backward is the backward pass of a shard; the gradients of one without pictures are
// zeros. In the watched one, complete buckets are told of.
func (s *shardedStep) backward(out *autograd.Variable, dlogits *tensor.Tensor, watched bool) {
	tp := s.l.tape
	if out == nil {
		s.fill()
		return
	}
	known := s.known
	tp.OnGrad = s.hook(watched)
	tp.Backward(out, dlogits)
	tp.OnGrad = nil
	s.known = true
	if !known || !watched {
		s.fill()
	}
}

// alone is what follows the shards when there is one rank.
func (s *shardedStep) alone(out *autograd.Variable, dlogits *tensor.Tensor) error {
	if s.judge([]report{newReport(s.own)}); s.abandoned != nil {
		return nil
	}
	s.backward(out, dlogits, false)
	return s.addUp()
}

// together is what follows the shards when there are several ranks. One goroutine makes all calls
// of the group, which block, while this one goes on with the backward pass.
func (s *shardedStep) together(out *autograd.Variable, dlogits *tensor.Tensor) error {
	done := make(chan error, 1)
	go func() {
		err := s.agree()
		if err == nil && s.abandoned == nil {
			err = s.addUp()
		}
		done <- err
	}()
	passed := false
	defer func() {
		if !passed { // a panic is under way, and no bucket will be complete
			close(s.ready)
		}
	}()
	if s.own == nil {
		s.backward(out, dlogits, true)
	}
	passed = true
	s.tellRest()
	err := <-done
	for len(s.ready) > 0 { // of a step that was abandoned
		<-s.ready
	}
	return err
}

// agree lets all ranks know what their shards came to.
func (s *shardedStep) agree() error {
	l := s.l
	first, end := l.ownShards()
	mine := newReport(s.own)
	mine.final, mine.shards = s.stop != nil, s.shards[first:end]
	all, err := l.group.AllGatherBytes(mine.append(nil))
	if err != nil {
		return err
	}
	reports := make([]report, len(all))
	for r, b := range all {
		if reports[r], _, err = parseReport(b, end-first); err != nil {
			return fmt.Errorf("rank %d: %w", r, err)
		}
		copy(s.shards[r*(end-first):], reports[r].shards)
	}
	s.judge(reports)
	return nil
}

// judge decides what becomes of the step.
func (s *shardedStep) judge(reports []report) {
	l := s.l
	s.weight, s.loss = 0, 0
	for _, sh := range s.shards {
		s.weight += sh.weight
		if l.Loss.Reduce() == loss.Mean {
			s.loss += float64(sh.weight * sh.loss)
		} else {
			s.loss += sh.loss
		}
	}
	if l.Loss.Reduce() == loss.Mean {
		s.loss /= s.weight
	}
	switch err := l.verdict(reports, s.own); {
	case err != nil && (errors.Is(err, ErrCancelBatch) || errors.Is(err, ErrCancelEpoch) || errors.Is(err, ErrCancelFit)):
		s.abandoned = err
	case err != nil:
		s.abandoned = notBegun{err}
	case s.weight == 0:
		s.abandoned = errLeftOut
	case notFinite(s.loss):
		s.abandoned = l.onAll(l.diverged(s.loss))
	}
	for r := range reports {
		if reports[r].final && s.final == nil {
			s.final = l.stoppedBy(r, s.stop)
		}
	}
}

// addUp sums the buckets of all shards, on all ranks, as they are complete.
func (s *shardedStep) addUp() error {
	first, end := s.l.ownShards()
	scale := float32(1 / s.weight)
	for b, k := range s.buckets {
		if b == 1 && s.l.Loss.Reduce() != loss.Mean {
			scale = 1 // gradients of a sum of losses
		}
		for s.l.group.Size() > 1 && b > 0 && !s.got[b] {
			ready, ok := <-s.ready
			if !ok {
				return errors.New("train: the backward pass has failed")
			}
			s.got[ready] = true
		}
		s.merge(end-first-1, k)
		if err := s.sum.AddScaled(s.stack[0][k.from:k.to], scale); err != nil {
			return err
		}
	}
	return nil
}
