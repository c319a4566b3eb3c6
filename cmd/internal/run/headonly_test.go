package run

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// TestHeadIsJudgedByFeatures compares the validation of a head that was fitted, which sees the features alone, with one
// that runs the whole network over the pictures.
func TestHeadIsJudgedByFeatures(t *testing.T) {
	photos := t.TempDir()
	if _, err := drawn.Write(t.Context(), photos, drawn.Options{PerClass: 4, Size: 40}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "body.safetensors")
	if err := models.Save(path, models.NewClassifier(models.SqueezeNet1_1, 1, rng.New(3)), models.Info{Vocab: []string{"any"}, Preprocess: preprocess.Config{Size: 32, Stats: preprocess.ImageNetStats}}); err != nil {
		t.Fatal(err)
	}
	c := Default()
	c.Data, c.Presize = photos, 0
	c.Arch, c.Weights, c.Size, c.HeadOnly, c.Head, c.Epochs, c.FreezeEpochs, c.Augment = "squeezenet1_1", path, 32, headLinear, models.LinearHead, 1, 0, false
	c.Metrics = "error_rate,f1,brier"
	root, err := c.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	block, err := c.Block(root)
	if err != nil {
		t.Fatal(err)
	}
	dls, err := block.DataLoaders(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	defer dls.Close()
	l, err := c.Learner(t.Context(), dls)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.FitHead(t.Context(), l, features.Options{}); err != nil {
		t.Fatal(err)
	}
	want, err := l.Validate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, _ := l.Recorder.Last()
	if math.Abs(row.ValidLoss-want.Loss) > 1e-5*want.Loss {
		t.Errorf("the loss by features is %v, by pictures %v", row.ValidLoss, want.Loss)
	}
	for i, v := range want.Metrics {
		if math.Abs(row.Metrics[i]-v) > 3e-3 {
			t.Errorf("%s by features is %v, by pictures %v", l.Recorder.MetricNames[i], row.Metrics[i], v)
		}
	}
}
