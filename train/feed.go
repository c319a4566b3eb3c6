package train

import (
	"context"
	"io"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/tensor"
)

// source hands out the batches that steps train on, whole or in shards.
type source interface {
	// take returns a shard of a batch, which the caller releases; nil when all its
	// pictures were left out.
	take(ctx context.Context, number, shard int) (*data.Batch, error)
	// size is the number of pictures in a full batch.
	size() int
}

// feed takes shards from an iterator, which leaves out those without pictures.
type feed struct {
	it    *data.Iterator
	batch int                // its size
	stop  context.CancelFunc // ends the iterator's work early
	ahead *data.Batch        // the iterator's next one, when it is of a later turn
	err   error
}

func (f *feed) take(ctx context.Context, number, shard int) (*data.Batch, error) {
	if f.ahead == nil && f.err == nil {
		f.ahead, f.err = nextBatch(ctx, f.it, f.stop)
	}
	if f.err != nil && f.err != io.EOF {
		return nil, f.err
	}
	b := f.ahead
	if b == nil || b.Number != number || b.Shard != shard {
		return nil, nil
	}
	f.ahead = nil
	return b, nil
}

func (f *feed) size() int { return f.batch }

// close ends the iterator and gives back what was not taken.
func (f *feed) close() {
	if f.ahead != nil {
		f.ahead.Release()
	}
	_ = f.it.Close()
	f.stop()
}

// nextBatch waits for the next batch, but not longer than ctx.
func nextBatch(ctx context.Context, it *data.Iterator, stop func()) (*data.Batch, error) {
	unhook := context.AfterFunc(ctx, stop)
	defer unhook()
	b, err := it.Next()
	if err != nil && err != io.EOF && ctx.Err() != nil {
		err = interrupted(ctx)
	}
	return b, err
}

// given is a source of one batch that is there already. Its shards are parts of the batch's memory.
type given struct {
	b      *data.Batch
	shards int
}

func (g *given) size() int { return g.b.X.Dim(0) }

func (g *given) take(_ context.Context, _, shard int) (*data.Batch, error) {
	if g.shards == 1 {
		return g.b, nil
	}
	n := g.b.X.Dim(0)
	from, to := n*shard/g.shards, n*(shard+1)/g.shards
	if from == to {
		return nil, nil
	}
	shape := append([]int{to - from}, g.b.X.Shape[1:]...)
	each := g.b.X.Len() / n
	return &data.Batch{X: tensor.FromSlice(g.b.X.Data[from*each:to*each], shape...), Y: g.b.Y.Slice(from, to), Number: g.b.Number, Shard: shard}, nil
}
