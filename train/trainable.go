package train

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
)

// minBatch is how many pictures a batch needs at least: where a batch norm
// trains, the variance of one value is not defined, and the head's has one value
// a picture.
func (l *Learner) minBatch() int {
	if len(l.norms) > 0 {
		return 2
	}
	return 1
}

// checkBatchSize refuses a loader whose every batch is too small to train on.
func (l *Learner) checkBatchSize() error {
	if size, least := l.DLs.Train.BatchSize(), l.minBatch(); size < least {
		return fmt.Errorf("train: batches of %d: batch norm needs at least %d pictures in a batch to train: set BatchSize to %d or more", size, least, least)
	}
	if err := CheckShards(l.DLs.Train.BatchSize(), l.Shards, l.group.Size()); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// smallBatch is the error of a batch that step left out.
func (l *Learner) smallBatch(b *data.Batch) error {
	of := "batch"
	if l.Shards > 1 {
		of = "shard"
	}
	return fmt.Errorf("train: a batch of %d: batch norm needs at least %d pictures in a %s to train", b.X.Shape[0], l.minBatch(), of)
}

// checkSize refuses pictures that are too small for the network.
func (l *Learner) checkSize() error {
	least := l.Model.Arch.MinSize
	if h, w := l.Batch.X.Shape[1], l.Batch.X.Shape[2]; h < least || w < least {
		return fmt.Errorf("train: pictures of %d×%d are too small for %s, which needs %d×%d at least", w, h, l.Model.Arch.Name, least, least)
	}
	return nil
}

// tooSmall reports whether a batch is to be left out, because damaged pictures
// or the end of the data left fewer in it than minBatch.
func (l *Learner) tooSmall(b *data.Batch) bool { return b.X.Shape[0] < l.minBatch() }
