package train

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/rng"
)

// Shards cuts every training batch into n shards of equal size, a power of two, that run
// through the network one after the other: gradient accumulation, for batches larger than
// memory. The step moves the parameters by the mean of the shards' gradients, as PyTorch
// does when each shard's loss is divided by their number. Where pictures were left out as damaged,
// shards count by their pictures.
//
// Batch norm sees a shard at a time, as on a GPU among several: a shard should have 16
// pictures or more, and must have 4. Each shard starts from the step's running statistics,
// which then become the mean of what the shards made of them. Dropout, mixup and batch
// transforms have random numbers of their own in each shard. So another number of shards is another
// run, as another batch size is; shards decide the bits of a run, ranks and threads do not.
//
// BeforeBatch, AfterPred and AfterLoss are called for each shard, the other events
// once for the step.
func Shards(n int) Option { return func(l *Learner) { l.Shards = n } }

// Distributed lets the learner train together with those of the other ranks of g, which are
// made alike. Each rank computes Shards/g.Size() of a step's shards, and opens only
// their pictures; it ends in the same bits as one rank that computes all of them. Validation and prediction are
// shared out too, by batches.
//
// All ranks make the same calls. They return the same results, and in general the same errors: when a rank
// cannot go on, or its context ends, all stop before the same step. What only one rank knows of, such as
// a checkpoint that cannot be written, ends the group (Group.Abort). Checkpoints are written by rank 0; other ranks
// ignore theirs. Callbacks must decide alike on all ranks.
func Distributed(g distributed.Group) Option { return func(l *Learner) { l.group = g } }

// Pictures that a shard must have, because the variances of a batch norm mean little
// below that (Wu & He 2018), and should have.
const (
	LeastShard       = 4
	RecommendedShard = 16
)

// CheckShards reports why batches of a size (0 when that is not known) cannot be trained in a number of shards on
// a number of ranks.
func CheckShards(batch, shards, ranks int) error {
	switch {
	case shards < 1 || shards > 1<<16 || shards&(shards-1) != 0:
		return fmt.Errorf("%d shards: must be a power of two, from 1 to 65536", shards)
	case ranks > shards:
		return fmt.Errorf("%d ranks for batches of %d shards: a rank computes whole shards: start at most %d ranks, or cut batches into at least as many shards as there are ranks", ranks, shards, shards)
	case shards%ranks != 0:
		return fmt.Errorf("%d ranks for batches of %d shards: the ranks must divide the shards: start a power of two of them", ranks, shards)
	case shards == 1 || batch == 0:
		return nil
	case batch%shards != 0:
		return fmt.Errorf("batches of %d cannot be cut into %d shards of equal size: take a batch size that %d divides", batch, shards, shards)
	case batch/shards < LeastShard:
		return fmt.Errorf("batches of %d in %d shards are %d pictures a shard; batch norm needs at least %d, and %d are recommended: take fewer shards or larger batches",
			batch, shards, batch/shards, LeastShard, RecommendedShard)
	}
	return nil
}

// Group returns the ranks that the learner trains with: distributed.Alone unless the
// option Distributed said otherwise.
func (l *Learner) Group() distributed.Group { return l.group }

// first reports whether this rank writes and tells what all know.
func (l *Learner) first() bool { return l.group.Rank() == 0 }

// ownShards returns the shards of a step that this rank computes, from first up to, not including,
// end.
func (l *Learner) ownShards() (first, end int) {
	n := l.Shards / l.group.Size()
	return l.group.Rank() * n, (l.group.Rank() + 1) * n
}

// trainShare is what this rank reads of the training data.
func (l *Learner) trainShare() data.Share {
	first, end := l.ownShards()
	return data.Share{Shards: l.Shards, Of: l.Shards, First: first, End: end}
}

// batchShare is what this rank reads of data that is shared out by batches.
func (l *Learner) batchShare() data.Share {
	r := l.group.Rank()
	return data.Share{Of: l.group.Size(), First: r, End: r + 1}
}

// random returns the random stream of the current step, and where there are several
// shards, of the current one.
func (l *Learner) random(purpose uint64) *rng.Stream {
	if l.Shards == 1 {
		return rng.New(l.Seed, purpose, uint64(l.Step))
	}
	return rng.New(l.Seed, purpose, uint64(l.Step), uint64(l.Shard))
}

// onRanks calls f, which all ranks do. When it ends alike on all of them, it returns on all when
// rank 0 has written what it has to write; an error of this rank alone ends the group.
func (l *Learner) onRanks(f func() error) error {
	err := f()
	if l.group.Size() == 1 {
		return err
	}
	if err != nil && !distributed.IsEverywhere(err) {
		l.group.Abort(err)
		return err
	}
	if e := l.group.Barrier(); e != nil && err == nil {
		err = e
	}
	return err
}

// onAll marks an error that all ranks return.
func (l *Learner) onAll(err error) error {
	if l.group.Size() == 1 {
		return err
	}
	return distributed.Everywhere(err)
}
