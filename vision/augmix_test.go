package vision

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

// TestAugMixIsTorchvisions blends what torchvision's AugMix drew. Rounding to bytes after each
// interpolation may fall to the other side in torchvision's float32, and a later operation may spread that.
func TestAugMixIsTorchvisions(t *testing.T) {
	raw, err := os.ReadFile("testdata/policy/augmix.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Cases []struct {
			Own     float32
			Weights []float32
			Chains  [][]struct {
				Operation string
				Magnitude float64
			}
			Pixels []uint16
		}
		Space map[string]struct {
			Signed     bool
			Magnitudes []float64
		}
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	samples, wrong := 0, 0
	for k, c := range f.Cases {
		chains := make([][]augStep, len(c.Chains))
		for i, chain := range c.Chains {
			for _, s := range chain {
				op := Operation(slices.Index(operationNames[:], s.Operation))
				chains[i] = append(chains[i], augStep{op, s.Magnitude})
			}
		}
		out := blendChains(policyPicture(1), c.Own, c.Weights, chains)
		for i, want := range c.Pixels {
			samples++
			d := int(out.Pix[i]) - int(want)
			if d != 0 {
				wrong++
			}
			if d < -1 || d > 1 {
				t.Errorf("case %d, sample %d: %d, torchvision's %d; chains %v", k, i, out.Pix[i], want, c.Chains)
				break
			}
		}
	}
	if wrong*200 > samples {
		t.Errorf("%d of %d samples differ", wrong, samples)
	}
	if len(f.Space) != len(augMixSpace) {
		t.Errorf("%d operations, torchvision's %d", len(augMixSpace), len(f.Space))
	}
	for _, s := range augMixSpace {
		w, ok := f.Space[s.Operation.String()]
		if !ok || s.Signed != w.Signed {
			t.Errorf("%v: known to torchvision %v, signed %v", s.Operation, ok, s.Signed)
		}
		for bin, v := range w.Magnitudes {
			if got := s.magnitude(bin, augMixBins, 300, 200); math.Abs(got-v) > 1e-5*max(1, v) {
				t.Errorf("%v, bin %d: magnitude %v, torchvision's %v", s.Operation, bin, got, v)
			}
		}
	}
}

func TestAugMix(t *testing.T) {
	img := policyPicture(2)
	before := slices.Clone(img.Pix)
	if out, err := (AugMix{}).Apply(img, false, rng.New(1)); err != nil || out != img {
		t.Errorf("a picture was changed outside of training: %v", err)
	}
	changed := 0
	for seed := range uint64(20) {
		a, err := AugMix{}.Apply(img, true, rng.New(seed))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := AugMix{Severity: 3, Chains: 3}.Apply(img, true, rng.New(seed))
		if !slices.Equal(a.Pix, b.Pix) {
			t.Fatal("one seed gave two pictures")
		}
		if !slices.Equal(a.Pix, img.Pix) {
			changed++
		}
	}
	if changed < 15 || !slices.Equal(img.Pix, before) {
		t.Errorf("%d of 20 pictures changed; the picture itself was kept: %v", changed, slices.Equal(img.Pix, before))
	}
	for _, a := range []AugMix{{Severity: 11}, {Severity: -1}, {Chains: -1}, {Depth: -1}} {
		if _, err := a.Apply(img, true, rng.New(1)); err == nil {
			t.Errorf("%v was taken", a)
		}
	}
}

// TestOnSimplex compares means and variances with those of a Dirichlet distribution.
func TestOnSimplex(t *testing.T) {
	r, n := rng.New(7), 20000
	var sum, squares float64
	for range n {
		w := onSimplex(r, 3)
		if s := w[0] + w[1] + w[2]; math.Abs(float64(s)-1) > 1e-6 {
			t.Fatalf("weights sum to %v", s)
		}
		sum += float64(w[0])
		squares += float64(w[0]) * float64(w[0])
	}
	mean := sum / float64(n)
	variance := squares/float64(n) - mean*mean
	if math.Abs(mean-1.0/3) > 0.005 || math.Abs(variance-2.0/36) > 0.002 {
		t.Errorf("mean %v, variance %v; want 0.333 and 0.056", mean, variance)
	}
}
