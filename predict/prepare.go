package predict

import (
	"context"
	"fmt"
	"io"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/vision"
)

// Prepare decodes one encoded picture and writes the network's input to dst,
// S·S·3 values in rows of RGB pixels, normalized: what a validation picture
// becomes in training. It waits for a free slot (Options.Decoders) no longer
// than ctx. The limits of Options.Decode are checked before any pixel is decoded;
// see vision.ErrTooLarge and vision.ErrUnknownFormat. b is not kept.
func (p *Predictor) Prepare(ctx context.Context, dst []float32, b []byte) error {
	// The place among the large ones first, so that they keep no other waiting.
	if info, err := vision.Inspect(b, p.opts.Decode); err == nil && info.Width*info.Height > largePixels {
		if err := acquire(ctx, p.large); err != nil {
			return err
		}
		defer func() { <-p.large }()
	}
	return p.prepare(ctx, dst, func() (*data.Image, error) { return vision.DecodeBytes(b, p.opts.Decode) })
}

// largePixels is from where on pictures count as large; see Options.Decoders.
const largePixels = 16 << 20

// PrepareFile is Prepare for a file; errors name it.
func (p *Predictor) PrepareFile(ctx context.Context, dst []float32, path string) error {
	return p.prepare(ctx, dst, func() (*data.Image, error) { return vision.DecodeFile(path, p.opts.Decode) })
}

// PrepareImage is Prepare for a decoded picture, 8-bit RGB, which stays the
// caller's.
func (p *Predictor) PrepareImage(dst []float32, img *data.Image) error {
	if p.resize == nil {
		return p.PrepareView(dst, img)
	}
	view, err := p.resize.Apply(img, false, nil)
	if err != nil {
		return err
	}
	defer view.Free()
	return p.PrepareView(dst, view)
}

// PrepareView is PrepareImage for what View returned, which is resized already.
func (p *Predictor) PrepareView(dst []float32, view *data.Image) error {
	if len(dst) != p.inputLen() {
		return fmt.Errorf("predict: room for %d values; the network's input has %d", len(dst), p.inputLen())
	}
	s := p.InputSize()
	x := tensor.FromSlice(dst, 1, s, s, 3)
	return p.batch.Apply(x, []*data.Image{view}, false, nil)
}

func (p *Predictor) prepare(ctx context.Context, dst []float32, open func() (*data.Image, error)) error {
	if err := acquire(ctx, p.decode); err != nil {
		return err
	}
	defer func() { <-p.decode }()
	img, err := open()
	if err != nil {
		return err
	}
	defer img.Free()
	return p.PrepareImage(dst, img)
}

// readPicture reads at most the permitted number of bytes.
func (p *Predictor) readPicture(r io.Reader) ([]byte, error) {
	limit := p.opts.Decode.MaxBytes
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes, the limit (Options.Decode.MaxBytes)", vision.ErrTooLarge, limit)
	}
	return b, nil
}

// newInputs returns the storage of network inputs of the given number of values:
// of single pictures and of batches, whose number of pictures is rounded up to a
// power of two. At most keep that nobody uses are held.
func newInputs(size, keep int) *mem.Buffers {
	return mem.NewBuffers("inputs of predictors", func(n int) int {
		room := size
		for room < n {
			room *= 2
		}
		return room
	}, keep)
}
