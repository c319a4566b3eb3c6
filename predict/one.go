package predict

import (
	"context"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/tensor"
)

// Picture classifies one encoded picture of any format that vision
// reads from r, of which it reads no more than Options.Decode.MaxBytes.
func (p *Predictor) Picture(ctx context.Context, r io.Reader) (Prediction, error) {
	b, err := p.readPicture(r)
	if err != nil {
		return Prediction{}, err
	}
	return p.Bytes(ctx, b)
}

// Bytes classifies one encoded picture in memory.
func (p *Predictor) Bytes(ctx context.Context, b []byte) (Prediction, error) {
	return p.one(ctx, func(dst []float32) error { return p.Prepare(ctx, dst, b) })
}

// File classifies one picture file.
func (p *Predictor) File(ctx context.Context, path string) (Prediction, error) {
	return p.one(ctx, func(dst []float32) error { return p.PrepareFile(ctx, dst, path) })
}

// Image classifies one decoded picture, 8-bit RGB.
func (p *Predictor) Image(ctx context.Context, img *data.Image) (Prediction, error) {
	return p.one(ctx, func(dst []float32) error { return p.PrepareImage(dst, img) })
}

func (p *Predictor) one(ctx context.Context, prepare func(dst []float32) error) (Prediction, error) {
	in := p.inputs.Get(p.inputLen())
	defer p.inputs.Put(in)
	if err := prepare(in); err != nil {
		return Prediction{}, err
	}
	a, err := p.Inputs(ctx, in)
	if err != nil {
		return Prediction{}, err
	}
	return a[0], nil
}

// Inputs classifies prepared pictures that lie one after the other in x, as
// Prepare writes them: N·S·S·3 values.
func (p *Predictor) Inputs(ctx context.Context, x []float32) ([]Prediction, error) {
	n := len(x) / p.inputLen()
	if n < 1 || len(x) != n*p.inputLen() {
		return nil, fmt.Errorf("predict: %d values; want a positive multiple of %d, one picture's", len(x), p.inputLen())
	}
	j, err := p.judge(ctx, tensor.FromSlice(x, n, p.InputSize(), p.InputSize(), 3))
	if err != nil {
		return nil, err
	}
	return p.predictions(j), nil
}
