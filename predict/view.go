package predict

import (
	"context"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/vision"
)

// View decodes a picture and returns the part of it that the network gets to
// see, resized as in Prepare but for the last reduction to InputSize: for
// showing a person what an answer, or a heat map, is about. PrepareView takes
// the result. The caller frees it. Limits and waiting are those of Prepare.
func (p *Predictor) View(ctx context.Context, b []byte) (*data.Image, error) {
	if err := acquire(ctx, p.decode); err != nil {
		return nil, err
	}
	defer func() { <-p.decode }()
	img, err := vision.DecodeBytes(b, p.opts.Decode)
	if err != nil || p.resize == nil {
		return img, err
	}
	defer img.Free()
	return p.resize.Apply(img, false, nil)
}
