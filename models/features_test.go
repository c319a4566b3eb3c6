package models

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestFeatureNet: features are the averages of the body's map, or what the body gives
// where that is one row a picture.
func TestFeatureNet(t *testing.T) {
	for _, name := range []string{"resnet10_small", "vit_tiny_patch16_224"} {
		a, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		c := NewClassifier(a, 2, rng.New(1))
		size := max(a.MinSize, 32)
		x, r := tensor.New(2, size, size, 3), rng.New(2)
		for i := range x.Data {
			x.Data[i] = float32(r.Normal())
		}
		got, err := nn.Compile(c.FeatureNet()).Run(x)
		if err != nil || !tensor.SameShape(got.Shape, []int{2, a.Features}) {
			t.Errorf("%s: features of shape %v, %v; want 2 rows of %d", name, got.Shape, err, a.Features)
			continue
		}
		body, err := nn.Compile(c.Body).Run(x)
		if err != nil {
			t.Fatal(err)
		}
		places := body.Len() / got.Len()
		for i, v := range got.Data {
			var sum float64
			for p := range places {
				sum += float64(body.Data[(i/a.Features*places+p)*a.Features+i%a.Features])
			}
			if want := sum / float64(places); math.Abs(float64(v)-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("%s: feature %d is %v, the mean over %d places %v", name, i, v, places, want)
			}
		}
	}
}
