// Package data turns files and labels into batches: items and their labels,
// splits into training and validation, and loaders that decode and transform in
// parallel with training.
//
// The package knows nothing of pixels beyond the Image type; how a picture is
// decoded, resized and augmented is package vision's, through the interfaces
// here.
package data

import (
	"context"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Item is one example before it is opened: a file, and the columns of its row
// when it came from a table.
type Item struct {
	Path   string            // the file, as given or joined to the root
	Fields map[string]string // columns by header name; nil for plain files
}

// Source lists the items below a root and opens one of them. Open is called
// from several goroutines at once. The caller owns the picture that Open
// returns and may Free it; a source that keeps its pictures returns ones that
// did not come from NewImage, which Free leaves alone.
type Source interface {
	List(ctx context.Context, root string) ([]Item, error)
	Open(item Item) (*Image, error)
}

// NotedSource is what a Source may implement besides, so that nothing is left
// out in silence. ListNoted is List with notes: what was found out, and which
// files were left out and why, one line each.
type NotedSource interface {
	ListNoted(ctx context.Context, root string) ([]Item, []string, error)
}

// Checker is what a Source may implement besides, so that damaged files are
// found when the loaders are built. Check reads no more of the file than its
// header and returns the size that Open would give, or 0, 0 when the source
// cannot tell without decoding. Called from several goroutines at once.
type Checker interface {
	Check(item Item) (width, height int, err error)
}

// Labeler gives the labels of an item: what the task makes targets of, one for
// single-label classification. An error says what is wrong with the item, whose
// path the caller adds.
type Labeler interface {
	Labels(root string, item Item) ([]string, error)
}

// Splitter divides items into training and validation indices.
type Splitter interface {
	Split(root string, items []Item) (train, valid []int, err error)
}

// ItemTransform changes one picture (Resize). train is false for validation,
// where the transform must be deterministic; r is the item's own stream.
// It may return img itself, but neither writes to img nor frees it: img may be
// shared, and the loader frees what it no longer needs. Called from several
// goroutines at once.
type ItemTransform interface {
	Apply(img *Image, train bool, r *rng.Stream) (*Image, error)
	String() string
}

// BatchTransform turns pictures of one size into the network's input: scaled,
// augmented and normalized, NHWC. It writes to dst, whose shape is
// [len(imgs), OutSize..., 3]. r is the batch's stream.
type BatchTransform interface {
	// OutSize returns the height and width of the result for pictures of the
	// given height and width.
	OutSize(h, w int) (oh, ow int)
	Apply(dst *tensor.Tensor, imgs []*Image, train bool, r *rng.Stream) error
	String() string
}

// Batch is what a Loader yields: pictures, their targets and which items they
// are. It may be used until Release.
type Batch struct {
	X     *tensor.Tensor // [N,H,W,3], normalized
	Y     target.Targets // what each picture is, as the task encodes it; not Known without labels
	Index []int          // index of each picture in the loader's Items

	// Number is the batch's position in its epoch, from 0. It skips a number
	// where every picture of a batch was damaged and left out.
	Number int
	// Shard is which part of the batch this is, when a reader asked for parts
	// (Share); 0 otherwise.
	Shard int

	release func()
}

// Release gives the batch's buffers back to the loader. The batch must not be
// used afterwards. Calling it twice is harmless.
func (b *Batch) Release() {
	if b.release != nil {
		b.release()
		b.release = nil
	}
}
