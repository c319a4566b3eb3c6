package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/vision"
)

// TestErrorsNameFlags makes the errors of package data whose next step is a field,
// and wants the flag in its place.
func TestErrorsNameFlags(t *testing.T) {
	dir := twoClasses(t, 6)
	block := data.Block{Items: vision.ImageFiles, Label: data.RegexLabel(`(.+)_\d+.jpg$`), Split: data.RandomSplit(0.2, 1), ItemTransforms: vision.Resize(32)}
	fails := func(b data.Block) string {
		t.Helper()
		_, err := b.DataLoaders(context.Background(), dir)
		if err == nil {
			t.Fatal("no error")
		}
		return inFlags(err.Error())
	}
	large := block
	large.BatchSize = 500
	none := block
	none.Split = data.RandomSplit(0, 1)
	if s := fails(large); !strings.Contains(s, "set --batch to 10 or less") || strings.Contains(s, "BatchSize") {
		t.Error(s)
	}
	if s := fails(none); !strings.Contains(s, "--valid 0") || strings.Contains(s, "AllTrain") {
		t.Error(s)
	}
	if err := os.WriteFile(filepath.Join(dir, "blue_77.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := fails(block); !strings.Contains(s, "--damaged skip") || strings.Contains(s, "SkipDamaged") {
		t.Error(s)
	}
}
