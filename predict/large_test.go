package predict

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// TestLargePictures: a large picture waits for the one before it, an ordinary
// one does not.
func TestLargePictures(t *testing.T) {
	c := models.NewClassifier(models.ResNet10Small, 2, rng.New(5))
	info := models.Info{Vocab: []string{"cat", "dog"}, Preprocess: preprocess.Config{Presize: 40, Size: 32, Stats: preprocess.ImageNetStats}}
	p, err := New(c, info, Options{Decoders: 4})
	if err != nil {
		t.Fatal(err)
	}
	picture := func(w, h int) []byte {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	large, small := picture(5000, 4000), picture(50, 40)
	x := make([]float32, 3*p.InputSize()*p.InputSize())
	p.large <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Prepare(ctx, x, large); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second large picture: %v, want that it waits", err)
	}
	if err := p.Prepare(t.Context(), x, small); err != nil {
		t.Errorf("an ordinary picture beside a large one: %v", err)
	}
	<-p.large
	if err := p.Prepare(t.Context(), x, large); err != nil {
		t.Errorf("a large picture: %v", err)
	}
	if len(p.large) != 0 || len(p.decode) != 0 {
		t.Errorf("%d and %d places are still taken", len(p.large), len(p.decode))
	}
}
