package predict

import (
	"context"
	"fmt"
	"iter"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/tensor"
)

// Embedder computes the features that a network's body has of pictures: vectors that are
// close to each other for pictures that the network finds alike. All its methods
// may be called from many goroutines at once.
//
// Options.Batch pictures always go through the network at once, empty ones where there are fewer: the last bits
// of a network's result depend on the size of the batch, and so a picture's features depend on nothing but
// the picture, the options and the instruction set. Who embeds one picture at a time wants a Batch of 1.
type Embedder struct {
	p *Predictor // whose network ends with the features
}

// Embedding is the features of one input, or why there are none.
type Embedding struct {
	Name     string
	Features []float32 // Embedder.Len values; the receiver's own
	Err      error     // the picture cannot be read or decoded; Features is nil
}

// NewEmbedder returns an embedder of c's body (see models.Classifier.FeatureNet) for
// pictures prepared as info.Preprocess says; of info, nothing else is needed. Later changes of c's parameters do
// not reach it.
func NewEmbedder(c *models.Classifier, info models.Info, o Options) (*Embedder, error) {
	p, err := newPredictor(c, c.FeatureNet(), info, o)
	if err != nil {
		return nil, err
	}
	return &Embedder{p}, nil
}

// Len returns how many features a picture has.
func (e *Embedder) Len() int { return e.p.model.Arch.Features }

// Options returns the options in force, defaults filled in.
func (e *Embedder) Options() Options { return e.p.opts }

// Each computes the features of any number of pictures and calls each with every
// one's, in the order of inputs, as Predictor.Each does.
func (e *Embedder) Each(ctx context.Context, inputs iter.Seq[Input], each func(Embedding) error) error {
	f := e.Len()
	return e.p.eachBatch(ctx, inputs, func(ctx context.Context, b *fileBatch, x []float32) error {
		features, err := e.features(ctx, x)
		if err != nil {
			return err
		}
		for i, in := range b.inputs {
			r := Embedding{Name: in.Name, Err: b.errs[i]}
			if r.Err == nil {
				r.Features, features = features[:f:f], features[f:]
			}
			if err := each(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// features runs the body on prepared pictures that lie one after the other in x.
func (e *Embedder) features(ctx context.Context, x []float32) ([]float32, error) {
	n, batch, s := len(x)/e.p.inputLen(), e.p.opts.Batch, e.p.InputSize()
	if n == 0 {
		return nil, nil
	}
	if n < batch {
		full := e.p.inputs.Get(batch * e.p.inputLen())
		defer e.p.inputs.Put(full)
		clear(full[copy(full, x):])
		x = full
	}
	out := make([]float32, batch*e.Len())
	if err := e.p.logits(ctx, tensor.FromSlice(x, batch, s, s, 3), out); err != nil {
		return nil, err
	}
	out = out[:n*e.Len()]
	for _, v := range out {
		if v-v != 0 {
			return nil, fmt.Errorf("predict: %w", ErrNotFinite)
		}
	}
	return out, nil
}
