package gradcam

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestTokens compares with pytorch-grad-cam: testdata/tokens.py.
func TestTokens(t *testing.T) {
	raw, err := os.ReadFile("testdata/tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Size, Side int
		Classes    []int
		Heat       []float64
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			a, err := models.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			c := models.NewOwnHead(a, 10, rng.New(1))
			for _, e := range nn.State(c) {
				v := make([]float32, tensor.Size(e.Shape...))
				scale, shift := 0.2, 0.0
				if n := len(e.Shape); n == 2 || n == 4 {
					scale = 0.15
				} else if n == 1 && strings.HasSuffix(e.Name, "weight") {
					shift = 1
				}
				for i, u := range golden.Uniform(e.Name, len(v)) {
					v[i] = float32(shift + scale*u)
				}
				if err := e.Set(v); err != nil {
					t.Fatal(err)
				}
			}
			side := want.Size
			x := tensor.New(2, side, side, 3)
			for i, u := range golden.Uniform("picture", len(x.Data)) { // counted in the order [N,C,H,W]
				n, ch, p := i/(3*side*side), i/(side*side)%3, i%(side*side)
				x.Data[(n*side*side+p)*3+ch] = float32(u)
			}
			m, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			maps, err := m.Maps(x, want.Classes)
			if err != nil {
				t.Fatal(err)
			}
			var got []float32
			for i, one := range maps {
				if one.H != want.Side || one.W != want.Side || one.Class != want.Classes[i] {
					t.Errorf("map %d is %d×%d of class %d, want %d×%d of %d", i, one.H, one.W, one.Class, want.Side, want.Side, want.Classes[i])
				}
				got = append(got, one.Heat...)
			}
			if len(got) != len(want.Heat) {
				t.Fatalf("%d values, want %d", len(got), len(want.Heat))
			}
			top := 0.0
			for _, v := range want.Heat {
				top = max(top, v)
			}
			for i, v := range want.Heat {
				if d := math.Abs(float64(got[i]) - v); !(d <= 2e-5*top) {
					t.Errorf("place %d: %v, pytorch-grad-cam has %v", i, got[i], v)
				}
			}
			for _, e := range nn.Parameters(c) {
				if e.Param.HasGrad || !e.Param.RequiresGrad {
					t.Fatalf("%s of the model got a gradient, or wants none any more", e.Name)
				}
			}
		})
	}
}

// TestNoPlaces is a body that ends in one row of numbers and has no tokens.
func TestNoPlaces(t *testing.T) {
	a := &models.Architecture{Name: "flat", Features: 4, Pooled: true, Units: func() *nn.Sequential {
		return nn.NewSequential(nn.NewConv2d(3, 4, 3, 1, 1, true), nn.GlobalAvgPool{})
	}}
	if _, err := New(models.NewClassifier(a, 2, rng.New(1))); !errors.Is(err, ErrPooled) {
		t.Errorf("New returns %v, want ErrPooled", err)
	}
}
