package vision

import (
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
)

func TestDenormalizeUndoesNormalize(t *testing.T) {
	img := noise(13, 9, 4)
	dst := tensor.New(1, 9, 13, 3)
	for _, s := range []preprocess.Stats{{}, preprocess.CIFARStats, preprocess.NoStats} {
		if err := (Normalize{Stats: s}).Apply(dst, []*data.Image{img}, false, nil); err != nil {
			t.Fatal(err)
		}
		got, err := Denormalize(dst, 0, s)
		if err != nil {
			t.Fatal(err)
		}
		if n, worst := comparePixels(t, got, img); n != 0 {
			t.Errorf("%v: %d samples differ, by up to %d", s, n, worst)
		}
	}
}

func TestImageRoundTrip(t *testing.T) {
	img := noise(5, 7, 1)
	if n, _ := comparePixels(t, FromImage(ToImage(img)), img); n != 0 {
		t.Errorf("%d samples changed", n)
	}
}

func TestDenormalizeRefuses(t *testing.T) {
	if _, err := Denormalize(tensor.New(2, 3), 0, preprocess.Stats{}); err == nil {
		t.Error("a matrix was accepted")
	}
	if _, err := Denormalize(tensor.New(1, 2, 2, 3), 1, preprocess.Stats{}); err == nil {
		t.Error("a picture beyond the batch was accepted")
	}
}
