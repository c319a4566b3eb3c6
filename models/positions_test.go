package models

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// fileFor returns weights from the formula as timm has them of a network for pictures of
// size pixels.
func fileFor(t *testing.T, a *Architecture, size int) *weights.File {
	t.Helper()
	c := NewOwnHead(a, 10, rng.New(1))
	shapes := shapesOf(nn.State(c))
	walkPositions(c.Body, func(name string, tok *nn.Tokens) {
		side := size / a.MinSize // of a patch
		shapes.Get(name).Shape = []int{1, tok.Prefix() + side*side, a.Features}
	})
	if undo := c.FitPositions(shapes); undo == nil && size != a.inputSize() {
		t.Fatalf("%s has the positions of pictures of %d pixels already", a.Name, size)
	}
	for _, e := range nn.State(c) {
		fillByFormula(e, e.Name, 1.6)
	}
	return &weights.File{Arrays: nn.State(c).Arrays()}
}

func scoresOf(t *testing.T, c *Classifier, size int) []float32 {
	t.Helper()
	x := tensor.New(1, size, size, 3)
	for i, u := range golden.Uniform("picture", 3*size*size) {
		x.Data[i%(size*size)*3+i/(size*size)] = float32(1.5 * u)
	}
	y, err := nn.Compile(c).Run(x)
	if err != nil {
		t.Fatal(err)
	}
	return y.Data
}

// TestPositionsAreTimms compares networks whose file is for pictures of another size than
// the architecture's, given pictures of a third size, with timm: testdata/positions.py.
func TestPositionsAreTimms(t *testing.T) {
	raw, err := os.ReadFile("testdata/positions.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]float64
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			var arch string
			var file, picture int
			if _, err := fmt.Sscan(name, &arch, &file, &picture); err != nil {
				t.Fatal(err)
			}
			if name != "vit_tiny_patch16_224 96 64" {
				slow.Test(t)
			}
			a, err := ByName(arch)
			if err != nil {
				t.Fatal(err)
			}
			f := fileFor(t, a, file)
			c, err := ImportOwnHead(f, a)
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, c *Classifier) {
				t.Helper()
				if d := relL2(scoresOf(t, c, picture), want); !(d <= 5e-6) {
					t.Errorf("%s: scores are off by %.1e of their norm", what, d)
				}
			}
			check("imported", c)
			frozen, err := c.Frozen()
			if err != nil {
				t.Fatal(err)
			}
			check("frozen", frozen)
			path := filepath.Join(t.TempDir(), "model.safetensors")
			if err := Save(path, c, Info{Vocab: strings.Split("abcdefghij", ""), Preprocess: preprocess.Config{Size: picture, Stats: preprocess.ImageNetStats}}); err != nil {
				t.Fatal(err)
			}
			saved, _, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			check("saved", saved)
			body := NewOwnHead(a, 10, rng.New(2))
			if err := body.SetBody(f); err != nil {
				t.Fatal(err)
			}
			body.Head = c.Head
			check("the body alone", body)
			if found, err := candidates(f); err != nil || !slices.Contains(found, a) {
				t.Errorf("the file's own architecture is not among %v (%v)", found, err)
			}
		})
	}
}

// TestPositionsThatFitNothing: a number of positions that is of no square of patches is
// named, and the network stays as it was.
func TestPositionsThatFitNothing(t *testing.T) {
	f := fileFor(t, ViTTiny16, 64)
	x := f.Get("pos_embed")
	x.Shape = []int{1, 16, 192}
	x.F32 = x.F32[:16*192]
	c := NewOwnHead(ViTTiny16, 10, rng.New(1))
	before := scoresOf(t, c, 64)
	if err := c.SetBody(f); err == nil || !strings.Contains(err.Error(), "pos_embed") {
		t.Errorf("16 positions with that of the class token: %v", err)
	}
	for i, v := range scoresOf(t, c, 64) {
		if v != before[i] {
			t.Fatal("the network has changed despite the error")
		}
	}
}
