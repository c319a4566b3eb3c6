package interpret_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/train"
)

// drawnPlan is three pictures of each breed at 64 pixels.
func drawnPlan(split data.Splitter) data.Block {
	return data.Block{Items: drawn.Source{Options: drawn.Options{PerClass: 3, Size: 64}}, Label: data.RegexLabel(`(.+)_\d+.jpg$`),
		Split: split, BatchSize: 4}
}

func randomModel() (*models.Classifier, models.Info) {
	vocab := drawn.Breeds.Classes()
	c := models.NewClassifier(models.SqueezeNet1_1, len(vocab), rng.New(7))
	return c, models.Info{Vocab: vocab, Preprocess: preprocess.Config{Presize: 56, Method: preprocess.Crop, Size: 48, Stats: preprocess.ImageNetStats}}
}

// TestFromLearner compares the table with what the learner's own validation says.
func TestFromLearner(t *testing.T) {
	model, info := randomModel()
	table, l, err := interpret.FromModel(t.Context(), model, info, drawnPlan(data.RandomSplit(0.4, 1)), "root")
	if err != nil {
		t.Fatal(err)
	}
	defer l.DLs.Close()
	l.Metrics = append(l.Metrics, metrics.Accuracy())
	want, err := l.Validate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if table.Len() != 12 || len(l.DLs.Valid.Items()) != 12 {
		t.Fatalf("%d rows for %d validation pictures", table.Len(), len(l.DLs.Valid.Items()))
	}
	if d := table.MeanLoss() - want.Loss; math.Abs(d) > 1e-6*want.Loss {
		t.Errorf("mean loss %v, validation says %v", table.MeanLoss(), want.Loss)
	}
	if table.Accuracy() != want.Metrics[0] {
		t.Errorf("accuracy %v, validation says %v", table.Accuracy(), want.Metrics[0])
	}
	for i, r := range table.Rows {
		if item := l.DLs.Valid.Items()[i]; r.Path != item.Path || !strings.HasPrefix(filepath.Base(r.Path), table.Name(r.Actual)+"_") {
			t.Errorf("row %d is %s of class %s, the item %s", i, r.Path, table.Name(r.Actual), item.Path)
		}
	}
	again, err := interpret.FromLearner(t.Context(), l)
	if err != nil || again.Rows[3].Loss != table.Rows[3].Loss {
		t.Errorf("a second table differs: %v", err)
	}
	img, err := interpret.OpenFrom(l.DLs.Block.Items)(table.Rows[0].Path)
	if err != nil || img.Bounds().Dx() != 64 {
		t.Errorf("opening %s again: %v", table.Rows[0].Path, err)
	}
}

// TestFromTTA checks that the mean over augmented passes moves the predictions,
// that beta 1 gives the plain ones, and that the table fits them.
func TestFromTTA(t *testing.T) {
	model, info := randomModel()
	plain, l, err := interpret.FromModel(t.Context(), model, info, drawnPlan(data.RandomSplit(0.4, 1)), "root")
	if err != nil {
		t.Fatal(err)
	}
	defer l.DLs.Close()
	for _, tc := range []struct {
		beta float64
		same bool
	}{{1, true}, {0.25, false}} {
		got, err := interpret.FromTTA(t.Context(), l, 2, tc.beta)
		if err != nil || got.Len() != plain.Len() {
			t.Fatalf("%d rows, %v", got.Len(), err)
		}
		far := 0.0
		for i, r := range got.Rows {
			for c, p := range r.Probs {
				far = max(far, math.Abs(float64(p-plain.Rows[i].Probs[c])))
			}
		}
		if (far < 1e-6) != tc.same {
			t.Errorf("beta %v: probabilities differ by %v from the plain ones", tc.beta, far)
		}
	}
}

func TestFromModelOnAll(t *testing.T) {
	model, info := randomModel()
	table, l, err := interpret.FromModel(t.Context(), model, info, drawnPlan(data.AllValid), "root")
	if err != nil {
		t.Fatal(err)
	}
	defer l.DLs.Close()
	if table.Len() != 3*len(info.Vocab) {
		t.Errorf("%d rows, want %d", table.Len(), 3*len(info.Vocab))
	}
}

func TestFromModelMistakes(t *testing.T) {
	model, info := randomModel()
	unknown := info
	unknown.Vocab = append([]string{"zebra"}, info.Vocab[1:]...)
	method := info
	method.Preprocess.Method = 7
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx   context.Context
		info  models.Info
		split data.Splitter
		want  string
	}{
		"class unknown to the model": {t.Context(), unknown, data.AllValid, info.Vocab[0]},
		"resize method":              {t.Context(), method, data.AllValid, "ResizeMethod(7)"},
		"nothing to judge":           {t.Context(), info, data.AllTrain, "no validation set"},
		"canceled":                   {ended, info, data.AllValid, "canceled"},
	} {
		if _, _, err := interpret.FromModel(tc.ctx, model, tc.info, drawnPlan(tc.split), "root"); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
	if _, err := interpret.FromLearner(t.Context(), &train.Learner{}); err == nil {
		t.Error("a learner without data gave a table")
	}
}

func TestLook(t *testing.T) {
	model, info := randomModel()
	table, l, err := interpret.FromModel(t.Context(), model, info, drawnPlan(data.AllValid), "root")
	if err != nil {
		t.Fatal(err)
	}
	defer l.DLs.Close()
	top := table.TopLosses(6) // more than a batch
	looked, err := interpret.Look(t.Context(), l, top, preprocess.Stats{})
	if err != nil || len(looked) != 6 {
		t.Fatalf("%d maps, %v", len(looked), err)
	}
	for i, k := range looked {
		if k.Map.Class != top[i].Predicted || k.Seen.Bounds().Dx() != 48 || k.Heat.Bounds() != k.Seen.Bounds() {
			t.Errorf("example %d: class %d of %d, pictures %v and %v", i, k.Map.Class, top[i].Predicted, k.Seen.Bounds(), k.Heat.Bounds())
		}
	}
	if none, err := interpret.Look(t.Context(), l, nil, preprocess.Stats{}); none != nil || err != nil {
		t.Errorf("no examples gave %v, %v", none, err)
	}
}
