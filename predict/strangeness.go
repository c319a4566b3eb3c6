package predict

import (
	"context"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/tensor"
)

// strangeLogits writes the logits of x to dst, as logits does, and appends how strange each picture is. Both are of one
// pass of the network.
func (p *Predictor) strangeLogits(ctx context.Context, x *tensor.Tensor, dst []float32, strange []float64) ([]float64, error) {
	n, c, f := x.Shape[0], p.model.Classes, p.model.Arch.Features
	both := make([]float32, n*(c+f))
	if err := p.logits(ctx, x, both); err != nil {
		return nil, err
	}
	from := len(strange)
	strange = append(strange, make([]float64, n)...)
	parallel.For(n, func(i int) {
		row := both[i*(c+f) : (i+1)*(c+f)]
		copy(dst[i*c:(i+1)*c], row[:c])
		strange[from+i] = p.measure.Distance(row[c:])
	})
	return strange, nil
}

// Strange reports whether the model measures how unlike those of training pictures are; see
// Prediction.Strangeness.
func (p *Predictor) Strange() bool { return p.decoder.Strangeness != nil }
