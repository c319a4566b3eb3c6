package pretrained

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// What WriteFolder writes is what Open reads, also where timm has other names.
func TestWriteFolder(t *testing.T) {
	for name, timm := range map[string]string{"resnet10t": "resnet10t", "mobilenet_v2": "mobilenetv2_100", "efficientnet_b0": "efficientnet_b0"} {
		a, err := models.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		c := models.NewOwnHead(a, 3, rng.New(1))
		info := models.Info{Vocab: []string{"cat", "dog", "o|wl"}, Preprocess: want,
			Training: []byte(`{"config": {"data": "/home/me/pets", "epochs": 3, "lr": "2e-3"}, "history": [{"epoch": 0, "error_rate": 0.25, "train_loss": 1}]}`)}
		dir := filepath.Join(t.TempDir(), "new", "folder")
		differ, err := WriteFolder(dir, c, info, "cc-by-4.0")
		if err != nil || differ != "" {
			t.Fatalf("%s: %q, %v", name, differ, err)
		}
		got, read, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Arch.Name != timm || read.Preprocess != want || !slices.Equal(read.Vocab, info.Vocab) {
			t.Errorf("%s is read as %s: %+v", name, got.Arch, read)
		}
		ours := nn.State(c)
		for i, e := range nn.State(got) {
			if e.Count == nil && !slices.Equal(e.Get(), ours[i].Get()) {
				t.Errorf("%s: %s has other values than %s", name, e.Name, ours[i].Name)
			}
		}
		card, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, says := range []string{`license: "cc-by-4.0"`, "library_name: timm", "`cat`, `dog`, `o|wl`", "`pets`", "| error_rate | 0.25 |", "| learning rate | 2e-3 |"} {
			if !strings.Contains(string(card), says) {
				t.Errorf("%s: the card does not say %q:\n%s", name, says, card)
			}
		}
		if strings.Contains(string(card), "/home/me") || strings.Contains(string(card), "train_loss") {
			t.Errorf("%s: the card says too much:\n%s", name, card)
		}
	}
}

func TestWriteFolderMistakes(t *testing.T) {
	net := func(name string, own bool) *models.Classifier {
		a, err := models.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if own {
			return models.NewOwnHead(a, 2, rng.New(1))
		}
		return models.NewClassifier(a, 2, rng.New(1))
	}
	pad := want
	pad.Method, pad.CropPct = preprocess.Pad, 0
	for says, c := range map[string]struct {
		c    *models.Classifier
		info models.Info
	}{
		"the head is fastai's":              {net("resnet10t", false), models.Info{Vocab: []string{"a", "b"}, Preprocess: want}},
		"timm has no network that computes": {net("squeezenet1_1", true), models.Info{Vocab: []string{"a", "b"}, Preprocess: want}},
		"pictures are padded to squares":    {net("resnet10t", true), models.Info{Vocab: []string{"a", "b"}, Preprocess: pad}},
		"1 names for 2 classes":             {net("resnet10t", true), models.Info{Vocab: []string{"a"}, Preprocess: want}},
	} {
		dir := filepath.Join(t.TempDir(), "folder")
		if _, err := WriteFolder(dir, c.c, c.info, ""); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not say %q", err, says)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a folder was made", says)
		}
	}
}
