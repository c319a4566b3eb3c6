package features

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
)

// Batch is how many pictures always go through the network at once. The last batch
// is filled up with empty pictures: how a network computes depends on the size of the
// batch, and so do the last bits of its result. So the features of a picture depend on nothing but
// the picture, whatever others are asked for with it and whatever is in the cache.
const Batch = 32

// Options are those of an Extractor. The zero value has defaults.
type Options struct {
	// Workers is how many goroutines decode pictures; 0 for as many as processors.
	Workers int
	// Damaged says what a picture does that cannot be read.
	Damaged data.Damaged
	// Cache is the folder in which features are kept from one call, and one program, to the next;
	// "" keeps none. See Of.
	Cache string
	// Progress, when set, is told how many pictures are done, those of the cache included.
	Progress func(done, total int)
}

// Extractor computes the features of pictures: what the body of a network makes of each,
// averaged over the places of the picture, before the first layer of the head. It
// is safe for concurrent use.
type Extractor struct {
	net   *nn.Inference
	width int
	pre   preprocess.Config
	item  data.ItemTransform
	batch data.BatchTransform
	cache *cache
	o     Options
}

// New returns the Extractor of the body of c, for pictures that are prepared as pre says.
// Weights are packed now; later changes of c's parameters do not reach it.
func New(c *models.Classifier, pre preprocess.Config, o Options) (*Extractor, error) {
	if o.Workers < 0 {
		return nil, fmt.Errorf("features: Options.Workers is %d: must be 0 or more", o.Workers)
	}
	if pre.Size < c.Arch.MinSize {
		return nil, fmt.Errorf("features: pictures of %d pixels a side; %s needs %d at least", pre.Size, c.Arch.Name, c.Arch.MinSize)
	}
	item, batch, err := vision.Transforms(pre, vision.NoAugmentation())
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	e := &Extractor{net: nn.Compile(c.FeatureNet()), width: c.Arch.Features, pre: pre, item: item, batch: batch, o: o}
	if o.Cache != "" {
		e.cache = newCache(o.Cache, c, pre)
	}
	return e, nil
}

// Width returns the number of features of a picture.
func (e *Extractor) Width() int { return e.width }

// Features are the features of pictures, row i those of item Index[i].
type Features struct {
	Index   []int          // the item of each row: 0, 1, … without damaged pictures
	Values  *tensor.Tensor // [N,Width]
	Damaged []*data.ItemError
	Cached  int // rows that were in the cache
}

// Of returns the features of items, which src opens, in the order of the items. The same
// picture has the same bits for any number of threads and workers and in any company, on one instruction set.
//
// With a cache, pictures that are files are looked for there first: by the SHA-256 of their
// content, the weights of the body, how pictures are prepared, the instruction set and the program's version.
// A cache that cannot be written is an error.
func (e *Extractor) Of(ctx context.Context, src data.Source, items []data.Item) (*Features, error) {
	rows := make([][]float32, len(items))
	out := &Features{}
	var keys []digest
	if e.cache != nil {
		var err error
		if keys, err = digests(ctx, items); err != nil {
			return nil, err
		}
		if err := e.cache.read(keys, e.width, rows); err != nil {
			return nil, err
		}
	}
	var missing []int
	for i, r := range rows {
		if r == nil {
			missing = append(missing, i)
		} else {
			out.Cached++
		}
	}
	damaged, err := e.compute(ctx, src, items, missing, rows)
	if err != nil {
		return nil, err
	}
	out.Damaged = damaged
	if e.cache != nil {
		if err := e.cache.add(keys, missing, rows); err != nil {
			return nil, err
		}
	}
	out.Values = tensor.New(0, e.width)
	for i, r := range rows {
		if r != nil {
			out.Index = append(out.Index, i)
			out.Values.Data = append(out.Values.Data, r...)
		}
	}
	out.Values.Shape[0] = len(out.Index)
	return out, nil
}

// compute fills the rows of the missing items.
func (e *Extractor) compute(ctx context.Context, src data.Source, items []data.Item, missing []int, rows [][]float32) ([]*data.ItemError, error) {
	if len(missing) == 0 {
		e.progress(len(items), len(items))
		return nil, nil
	}
	these := make([]data.Item, len(missing))
	for k, i := range missing {
		these[k] = items[i]
	}
	dl, err := data.NewLoader(data.LoaderConfig{Source: vision.Oriented(src, e.pre.RawEXIF), Items: these, ItemTransforms: e.item, BatchTransforms: e.batch,
		BatchSize: Batch, Workers: e.o.Workers, Damaged: e.o.Damaged})
	if err != nil {
		return nil, err
	}
	it := dl.Epoch(ctx, 0, 0)
	defer it.Close()
	size := e.pre.Size
	x := tensor.New(Batch, size, size, 3)
	for {
		b, err := it.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		n := len(b.Index)
		if n > 0 {
			copy(x.Data, b.X.Data)
			clear(x.Data[n*size*size*3:])
		}
		for _, k := range b.Index {
			rows[missing[k]] = make([]float32, e.width)
		}
		index := append([]int(nil), b.Index...)
		b.Release()
		if n == 0 {
			continue
		}
		y, err := e.net.Run(x)
		if err != nil {
			return nil, fmt.Errorf("features: %w", err)
		}
		for r, k := range index {
			row := rows[missing[k]]
			copy(row, y.Data[r*e.width:])
			for _, v := range row {
				if v-v != 0 {
					return nil, fmt.Errorf("features: those of %s are not finite: the weights of the network are broken", these[k].Path)
				}
			}
		}
		e.progress(len(items)-len(missing)+index[len(index)-1]+1, len(items))
	}
	return dl.Damaged(), ctx.Err()
}

func (e *Extractor) progress(done, total int) {
	if e.o.Progress != nil {
		e.o.Progress(done, total)
	}
}
