package data

import (
	"context"
	"fmt"
)

// Share is the part of an epoch that one reader of several reads. Batches are cut into
// shards, consecutive parts of equal size, and the epoch's shards are numbered through;
// of every Of of them the reader gets those from First up to, not including, End. A shard is
// made as a batch is: a batch transform sees its pictures only, and has random numbers of
// its own.
//
//	Share{}                                     everything
//	Share{Shards: 4}                            everything, in quarters of batches
//	Share{Shards: 4, Of: 4, First: 2, End: 4}   the second half of each batch, in quarters
//	Share{Of: 3, First: 1, End: 2}              every third batch, from the second on
//
// What readers get together is what one reader of all shards gets, whatever their number.
type Share struct {
	Shards     int // in a batch; 0 means 1
	Of         int // shards that are shared out in turn; 0 means 1
	First, End int // which of them are the reader's; End 0 means Of
}

// withDefaults fills in zero fields.
func (s Share) withDefaults() Share {
	s.Shards, s.Of = max(s.Shards, 1), max(s.Of, 1)
	if s.End == 0 {
		s.End = s.Of
	}
	return s
}

// check reports a share that cannot be of batches of the given size.
func (s Share) check(batchSize int) error {
	switch {
	case s.First < 0 || s.First >= s.End || s.End > s.Of:
		return fmt.Errorf("data: shards %d to %d of every %d: First must be 0 or more, and less than End, which is at most Of", s.First, s.End, s.Of)
	case batchSize%s.Shards != 0:
		return fmt.Errorf("data: batches of %d cannot be cut into %d shards of equal size", batchSize, s.Shards)
	}
	return nil
}

// has reports whether the reader gets shard number n of the epoch.
func (s Share) has(n int) bool { return n%s.Of >= s.First && n%s.Of < s.End }

// EpochShare is Epoch for one reader of several.
func (l *Loader) EpochShare(ctx context.Context, epoch, startBatch int, s Share) *Iterator {
	s = s.withDefaults()
	it := &Iterator{l: l, epoch: uint64(epoch), first: startBatch, last: l.Len(), share: s}
	it.ctx, it.cancel = context.WithCancel(ctx)
	if startBatch < 0 {
		it.err = fmt.Errorf("data: an epoch cannot start at batch %d", startBatch)
	} else {
		it.err = s.check(l.cfg.BatchSize)
	}
	return it
}
