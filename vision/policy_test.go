package vision

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/rng"
)

// policyPicture is that of testdata/policy/reference.py, repeat times in each direction.
func policyPicture(repeat int) *data.Image {
	const w, h = 13, 9
	img := data.NewImage(w*repeat, h*repeat)
	for y := range img.Height {
		for x := range img.Width {
			for c := range 3 {
				img.Pix[3*(y*img.Width+x)+c] = uint8(127 + 100*math.Sin(0.7*float64((x%w+1)*(c+1))+0.9*float64(y%h)))
			}
		}
	}
	return img
}

type policyReference struct {
	Cases []struct {
		Operation string
		Magnitude float64
		Repeat    int
		Pixels    []uint16
	}
	Spaces map[string]map[string]struct {
		Signed     bool
		Magnitudes []float64
	}
}

func policyCases(t *testing.T) (f policyReference) {
	t.Helper()
	raw, err := os.ReadFile("testdata/policy/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestOperationsAreTorchvisions compares every sample. Where a pixel is moved from a
// place between two, as far from both, torchvision's float32 may take the other one:
// of 117 pixels that a rotation or shear moves, two may differ.
func TestOperationsAreTorchvisions(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range policyCases(t).Cases {
		tried[c.Operation] = true
		op := Operation(slices.Index(operationNames[:], c.Operation))
		img := policyPicture(max(1, c.Repeat))
		before := slices.Clone(img.Pix)
		out := op.Apply(img, c.Magnitude)
		wrong := 0
		for i, want := range c.Pixels {
			row, col := i/(3*13), i%(3*13)
			if got := out.Pix[3*row*img.Width+col]; uint16(got) != want {
				wrong++
			}
		}
		allowed := 0
		if op == Rotate || op == ShearX || op == ShearY {
			allowed = 2 * 3
		}
		if wrong > allowed {
			t.Errorf("%v at %v: %d of %d samples differ", op, c.Magnitude, wrong, len(c.Pixels))
		}
		if !slices.Equal(img.Pix, before) {
			t.Errorf("%v changed the picture that it was given", op)
		}
	}
	for _, name := range operationNames {
		if !tried[name] {
			t.Errorf("%s is not compared", name)
		}
	}
}

func TestSpacesAreTorchvisions(t *testing.T) {
	spaces := policyCases(t).Spaces
	for _, p := range []Policy{RandAugment(2, 9), TrivialAugmentWide()} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		want := spaces[p.Name]
		if len(want) != len(p.Space) {
			t.Errorf("%s has %d operations, torchvision's %d", p.Name, len(p.Space), len(want))
		}
		for _, s := range p.Space {
			w := want[s.Operation.String()]
			if s.Signed != w.Signed {
				t.Errorf("%s, %v: signed %v", p.Name, s.Operation, s.Signed)
			}
			for bin, v := range w.Magnitudes {
				if got := s.magnitude(bin, p.Bins, 300, 200); math.Abs(got-v) > 1e-5*max(1, v) {
					t.Errorf("%s, %v, bin %d: magnitude %v, torchvision's %v", p.Name, s.Operation, bin, got, v)
				}
			}
		}
	}
}

func TestPolicy(t *testing.T) {
	img := policyPicture(1)
	for _, p := range []Policy{RandAugment(2, 9), TrivialAugmentWide()} {
		if out, err := p.Apply(img, false, rng.New(1)); err != nil || out != img {
			t.Errorf("%s changed a picture outside of training: %v", p, err)
		}
		changed := 0
		for seed := range uint64(50) {
			a, err := p.Apply(img, true, rng.New(seed))
			if err != nil {
				t.Fatal(err)
			}
			b, _ := p.Apply(img, true, rng.New(seed))
			if !slices.Equal(a.Pix, b.Pix) {
				t.Fatalf("%s: one seed gave two pictures", p)
			}
			if !slices.Equal(a.Pix, img.Pix) {
				changed++
			}
		}
		if changed < 30 {
			t.Errorf("%s changed %d of 50 pictures", p, changed)
		}
	}
	if out, err := RandAugment(0, 9).Apply(img, true, rng.New(1)); err != nil || out != img {
		t.Errorf("no operations changed the picture: %v", err)
	}
	for _, p := range []Policy{RandAugment(-1, 9), RandAugment(2, 31), {Name: "none", Bins: 31}} {
		if _, err := p.Apply(img, true, rng.New(1)); err == nil {
			t.Errorf("%s was taken", p)
		}
	}
}
