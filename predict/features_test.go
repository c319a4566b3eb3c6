package predict_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/predict"
)

// TestEmbedder compares an embedder's features, which come in batches with an
// unreadable picture among them, with each picture's alone: they have the same bits.
func TestEmbedder(t *testing.T) {
	p, ctx, files := small(t, predict.Options{}), context.Background(), []string(nil)
	for k := range 3 {
		files = append(files, filepath.Join(t.TempDir(), "picture.png"))
		if err := os.WriteFile(files[k], encode(t, pattern(70, 50+k, k), "png"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, err := predict.NewEmbedder(p.Model(), p.Info(), predict.Options{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	inputs := slices.Insert(slices.Clone(files), 1, "missing.png")
	var got [][]float32
	var names []string
	if err := e.Each(ctx, predict.Files(inputs), func(r predict.Embedding) error {
		names, got = append(names, r.Name), append(got, r.Features)
		if (r.Err != nil) != (r.Name == "missing.png") || (r.Features == nil) != (r.Err != nil) {
			t.Errorf("%s: %d features, %v", r.Name, len(r.Features), r.Err)
		}
		return nil
	}); err != nil || !slices.Equal(names, inputs) {
		t.Fatalf("%v, %v", names, err)
	}
	for i, file := range inputs {
		if got[i] == nil {
			continue
		}
		if err := e.Each(ctx, predict.Files([]string{file}), func(r predict.Embedding) error {
			if len(r.Features) != e.Len() {
				t.Errorf("%s: %d features, want %d", file, len(r.Features), e.Len())
			}
			for k, v := range r.Features {
				if v != got[i][k] {
					t.Fatalf("%s: feature %d is %v alone and %v in a batch", file, k, v, got[i][k])
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
