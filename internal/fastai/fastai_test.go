package fastai

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
)

// tiny is the network of testdata/make_exports.py.
var tiny = &models.Architecture{
	Name: "tiny", Features: 6,
	Units: func() *nn.Sequential {
		return nn.NewNamed(
			nn.Child{Name: "first", Module: nn.NewConv2d(3, 4, 3, 2, 1, false)}, nn.Child{Name: "norm", Module: nn.NewBatchNorm(4)},
			nn.Child{Name: "relu", Module: nn.ReLU()}, nn.Child{Name: "last", Module: nn.NewConv2d(4, 6, 3, 1, 1, true)})
	},
}

func TestMain(m *testing.M) {
	if err := models.Register(tiny); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// unpacked writes a file of testdata without gzip.
func unpacked(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "export.pkl")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestExports reads what fastai exported and compares classes, preprocessing and
// the prediction for picture.png with fastai's.
func TestExports(t *testing.T) {
	b, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct {
		Vocab  []string
		Label  string
		Scores []float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		config preprocess.Config
		notes  []string
	}{
		"crop": {preprocess.Config{Presize: 40, Size: 24, Stats: preprocess.ImageNetStats, RawEXIF: true},
			[]string{"label_func labels items"}},
		"legacy": {preprocess.Config{Presize: 32, Method: preprocess.Squish, Size: 32, Stats: preprocess.NoStats, RawEXIF: true},
			[]string{"<lambda> labels items"}},
		"pad": {preprocess.Config{Presize: 32, Method: preprocess.Pad, PadMode: preprocess.Zeros, Size: 32, Stats: preprocess.ImageNetStats, RawEXIF: true},
			[]string{"<lambda> finds the file of an item", "partial of <lambda> labels items"}},
		"random_crop": {preprocess.Config{Presize: 32, Method: preprocess.Squish, CropPct: 0.8, Size: 32, Stats: preprocess.ImageNetStats, RawEXIF: true},
			[]string{"TrainingOnly in item_tfms acts in training only", "<lambda> labels items", "callback Counter has no event of prediction"}},
	} {
		l, err := Load(unpacked(t, name), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		fastai := cases[name]
		if !slices.Equal(l.Vocab, fastai.Vocab) || l.Preprocess != want.config || l.Arch != "tiny" {
			t.Errorf("%s: %q, %+v, %q; want %q, %+v, tiny", name, l.Vocab, l.Preprocess, l.Arch, fastai.Vocab, want.config)
		}
		if len(l.Notes) != len(want.notes) {
			t.Errorf("%s: notes %q", name, l.Notes)
		}
		for _, n := range want.notes {
			if !slices.ContainsFunc(l.Notes, func(s string) bool { return strings.HasPrefix(s, n) }) {
				t.Errorf("%s: no note begins with %q: %q", name, n, l.Notes)
			}
		}
		c, err := l.Classifier(nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p, err := predict.New(c, models.Info{Vocab: l.Vocab, Preprocess: l.Preprocess}, predict.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := p.File(t.Context(), "testdata/picture.png")
		if err != nil {
			t.Fatal(err)
		}
		if got.Label() != fastai.Label {
			t.Errorf("%s: %s, fastai says %s", name, got.Label(), fastai.Label)
		}
		for i, s := range got.Probs {
			if d := math.Abs(float64(s) - fastai.Scores[i]); d > 2e-6 {
				t.Errorf("%s: class %d has %v, fastai says %v", name, i, s, fastai.Scores[i])
			}
		}
	}
}

// TestRefusals: what has no equal is an error that names it.
func TestRefusals(t *testing.T) {
	for name, want := range map[string]string{
		"x_transform": `the transform Own in item_tfms runs at prediction too and may change the picture; its code is not run here. If it leaves pictures as they are, pass over it with --ignore "Own"`,
		"x_callback":  `the callback Mixer is called at prediction too`,
		"x_several":   "a classifier of several labels for a picture (MultiCategorize",
		"x_gray":      "opened by PILImageBW.create",
	} {
		if _, err := Load(unpacked(t, name), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", name, err, want)
		}
	}
	for _, name := range []string{"Own", "Mixer"} {
		l, err := Load(unpacked(t, map[string]string{"Own": "x_transform", "Mixer": "x_callback"}[name]), Options{Ignore: []string{name}})
		if err != nil || !slices.ContainsFunc(l.Notes, func(s string) bool {
			return strings.Contains(s, name+" in item_tfms: passed over, as asked") || strings.Contains(s, name+": passed over, as asked")
		}) {
			t.Errorf("%s is not passed over: %v", name, err)
		}
	}
	l, err := Load(unpacked(t, "x_stride"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Classifier(nil); err == nil || !strings.Contains(err.Error(), "shape [4 3 3 3] and stride 1, padding 1×1, where that of tiny has stride 2") {
		t.Errorf("a network of other strides: %v", err)
	}
	if _, err := Load("../../weights/testdata/whole_zip.pth", Options{}); !errors.Is(err, ErrNoLearner) {
		t.Errorf("a network without a learner: %v", err)
	}
	if _, err := Load("testdata/picture.png", Options{}); !errors.Is(err, ErrNoLearner) {
		t.Errorf("a picture: %v", err)
	}
}
