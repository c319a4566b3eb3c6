package models

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/weights"
)

// TestNeighborsHead keeps a head of nearest pictures through files and copies, and refuses files that say what cannot be.
func TestNeighborsHead(t *testing.T) {
	for _, a := range []*Architecture{ResNet10Small, registered(t, "vit_tiny_patch16_224")} {
		r := rng.New(1)
		c := &Classifier{Arch: a, Classes: 2, Body: a.Body(r), Head: a.newHead(2, nil, HeadNeighbors(5))}
		near, vote := c.NeighborsHead()
		if vote == nil || c.LinearHead() != nil {
			t.Fatalf("%s: the head is not known again", a.Name)
		}
		for i := range near.Weight.Value.Data {
			near.Weight.Value.Data[i] = float32(r.Normal())
		}
		copy(vote.Class, []float32{0, 1, 1, 0, 1})
		vote.Neighbors[0] = 3
		info := Info{Vocab: []string{"a", "b"}, Preprocess: preprocess.Config{Method: preprocess.Crop, Size: max(a.MinSize, 32), Stats: preprocess.ImageNetStats}}
		x := tensor.New(2, info.Preprocess.Size, info.Preprocess.Size, 3)
		for i := range x.Data {
			x.Data[i] = float32(r.Normal())
		}
		run := func(m nn.Module) []float32 {
			t.Helper()
			y, err := nn.Compile(m).Run(x)
			if err != nil {
				t.Fatal(err)
			}
			return y.Data
		}
		want := run(c)
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := Save(path, c, info); err != nil {
			t.Fatal(err)
		}
		loaded, info, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Head != NeighborsHead || !slices.Equal(run(loaded), want) {
			t.Errorf("%s: loaded with the head %q, or it computes something else", a.Name, info.Head)
		}
		if frozen, err := c.Frozen(); err != nil || !slices.Equal(run(frozen), want) {
			t.Errorf("%s: frozen: %v, or it computes something else", a.Name, err)
		}
		if _, err := Grow(c, info, []string{"a", "b", "c"}, rng.New(3)); err == nil || !strings.Contains(err.Error(), "nearest pictures") {
			t.Errorf("%s: grown: %v", a.Name, err)
		}
		for wrong, change := range map[string]func(){
			"point 4 has the class 2, of 2":   func() { vote.Class[4] = 2 },
			"point 0 has the class 0.5, of 2": func() { vote.Class[0] = 0.5 },
			"point 1 has the class -1, of 2":  func() { vote.Class[1] = -1 },
			"6 neighbors of 5 points":         func() { vote.Neighbors[0] = 6 },
			"0 neighbors of 5 points":         func() { vote.Neighbors[0] = 0 },
		} {
			copy(vote.Class, []float32{0, 1, 1, 0, 1})
			vote.Neighbors[0] = 3
			change()
			f, err := File(c, info)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := FromFile(f); err == nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("%s: error %v, want one with %q", a.Name, err, wrong)
			}
		}
		copy(vote.Class, []float32{0, 1, 1, 0, 1})
		vote.Neighbors[0] = 3
		f, err := File(c, info)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(f.Arrays, func(x weights.Array) bool { return strings.HasSuffix(x.Name, ".class") })
		f.Arrays[at].Shape, f.Arrays[at].F32 = []int{4}, f.Arrays[at].F32[:4]
		if _, _, err := FromFile(f); err == nil || !strings.Contains(err.Error(), "of 5 values") {
			t.Errorf("%s: classes of other pictures: %v", a.Name, err)
		}
	}
}
