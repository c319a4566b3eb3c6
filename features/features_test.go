package features_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/vision"
)

func network(seed uint64) *models.Classifier {
	return models.NewClassifier(models.ResNet10Small, 2, rng.New(seed))
}

func prepared() preprocess.Config {
	return preprocess.Config{Method: preprocess.Squish, Size: 32, Stats: preprocess.ImageNetStats}
}

// pictures writes drawn pictures to a folder and lists them.
func pictures(t *testing.T) []data.Item {
	t.Helper()
	root := t.TempDir()
	if _, err := drawn.Write(t.Context(), root, drawn.Options{PerClass: 4, Size: 40}); err != nil {
		t.Fatal(err)
	}
	items, err := vision.ImageFiles.List(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func of(t *testing.T, o features.Options, items []data.Item) *features.Features {
	t.Helper()
	x, err := features.New(network(1), prepared(), o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := x.Of(t.Context(), vision.ImageFiles, items)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCompany: the features of a picture have the same bits whatever it is asked for with, and for
// any number of threads.
func TestCompany(t *testing.T) {
	items := pictures(t)
	all := of(t, features.Options{}, items)
	if all.Values.Shape[0] != len(items) || len(items) <= features.Batch || all.Cached != 0 {
		t.Fatalf("features of %d of %d pictures, %d from a cache that is not there", all.Values.Shape[0], len(items), all.Cached)
	}
	defer parallel.SetThreads(parallel.SetThreads(1))
	w := all.Values.Shape[1]
	for _, i := range []int{0, 17, len(items) - 1} {
		alone := of(t, features.Options{Workers: 1}, items[i:i+1])
		if !slices.Equal(alone.Values.Data, all.Values.Data[i*w:(i+1)*w]) {
			t.Errorf("picture %d has other features alone than among %d", i, len(items))
		}
	}
}

// TestCache: what was computed is found again, for the same network and content only, and a
// file of the cache that is damaged or cut off is made up for.
func TestCache(t *testing.T) {
	items := pictures(t)[:6]
	dir := t.TempDir()
	want := of(t, features.Options{}, items)
	o := features.Options{Cache: dir}
	cached := func(what string, n int) {
		t.Helper()
		f := of(t, o, items)
		if f.Cached != n || !slices.Equal(f.Values.Data, want.Values.Data) {
			t.Errorf("%s: %d of %d pictures were known, want %d; or they are others", what, f.Cached, len(items), n)
		}
	}
	of(t, o, items[:5])
	cached("five known", 5)
	cached("all known", len(items))

	other, err := features.New(network(2), prepared(), o)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := other.Of(t.Context(), vision.ImageFiles, items); err != nil || f.Cached != 0 || slices.Equal(f.Values.Data, want.Values.Data) {
		t.Errorf("another network's features: %v, %d of them known", err, f.Cached)
	}

	b, err := os.ReadFile(items[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(items[1].Path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	w := want.Values.Shape[1]
	copy(want.Values.Data[w:2*w], want.Values.Data[:w])
	cached("another content under the same name", len(items))

	files, err := filepath.Glob(filepath.Join(dir, "*.features"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v: want a file for each network", files, err)
	}
	for _, c := range []struct {
		what   string
		change func(b []byte) []byte
	}{
		{"a flipped bit", func(b []byte) []byte { b[len(b)-10] ^= 1; return b }},
		{"cut off", func(b []byte) []byte { return b[:len(b)-7] }},
		{"not a cache", func(b []byte) []byte { return []byte("something else altogether, of some length") }},
		{"empty", func(b []byte) []byte { return nil }},
	} {
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, c.change(b), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if f := of(t, o, items); f.Cached == len(items) || !slices.Equal(f.Values.Data, want.Values.Data) {
			t.Errorf("%s: %d of %d pictures were known; or they are others", c.what, f.Cached, len(items))
		}
		cached("after "+c.what, len(items))
	}
}

// TestDamaged: a picture that cannot be read stops or is left out, as asked, and the rows say whose they are.
func TestDamaged(t *testing.T) {
	items := pictures(t)[:3]
	if err := os.WriteFile(items[1].Path, []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	x, err := features.New(network(1), prepared(), features.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Of(t.Context(), vision.ImageFiles, items); err == nil || !strings.Contains(err.Error(), items[1].Path) {
		t.Errorf("%v; want an error that names %s", err, items[1].Path)
	}
	f := of(t, features.Options{Damaged: data.SkipDamaged, Cache: t.TempDir()}, items)
	if !slices.Equal(f.Index, []int{0, 2}) || len(f.Damaged) != 1 || f.Values.Shape[0] != 2 {
		t.Errorf("rows of %v, %v damaged", f.Index, f.Damaged)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Of(ctx, vision.ImageFiles, items[:1]); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after the context has ended", err)
	}
}

// TestNewRefuses: what cannot be is refused before anything is computed.
func TestNewRefuses(t *testing.T) {
	small := prepared()
	small.Size = 0
	for name, c := range map[string]struct {
		pre  preprocess.Config
		o    features.Options
		want string
	}{
		"a size too small": {small, features.Options{}, "Config.Size is 0"},
		"negative workers": {prepared(), features.Options{Workers: -1}, "Workers is -1"},
		"no preprocessing": {preprocess.Config{Size: 64}, features.Options{}, "preprocess"},
	} {
		if _, err := features.New(network(1), c.pre, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
	broken := network(1)
	for _, e := range broken.Groups()[0] {
		if e.Param != nil {
			e.Param.Value.Data[0] = float32(math.NaN())
		}
	}
	x, err := features.New(broken, prepared(), features.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Of(t.Context(), vision.ImageFiles, pictures(t)[:1]); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("%v of a network with NaN", err)
	}
}
