package command

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/pretrained"
	"github.com/whippet-ml/whippet/rng"
)

// TestDistill learns from a model whose classes have another order, and which another size, and refuses ones that cannot teach.
func TestDistill(t *testing.T) {
	dir, runs := twoClasses(t, 12), t.TempDir()
	save := func(name string, seed uint64, vocab ...string) string {
		path := filepath.Join(runs, name+".safetensors")
		pre := preprocess.Config{Size: 40, Stats: preprocess.CIFARStats}
		if err := models.Save(path, models.NewClassifier(models.SqueezeNet1_1, len(vocab), rng.New(seed)), models.Info{Vocab: vocab, Preprocess: pre}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	teacher := save("teacher", 1, "red", "blue")
	args := []string{"train", "--data", dir, "--arch", "resnet10_small", "--weights", "none", "--presize", "36", "--size", "32", "--batch", "4", "--epochs", "1", "--seed", "2"}
	text, err := runCommand(t, nil, append(args, "--distill", teacher, "--out", filepath.Join(runs, "taught"))...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "learns from "+teacher+" besides the labels") {
		t.Errorf("it says\n%s", text)
	}
	c, err := run.ReadConfig(filepath.Join(runs, "taught", run.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	if c.DistillDigest == 0 {
		t.Error("the settings do not say which model taught")
	}
	save("teacher", 3, "red", "blue")
	if err := c.PrepareTeacher(t.Context(), pretrained.Options{}); err == nil || !strings.Contains(err.Error(), "the model is another one than the run began with") {
		t.Errorf("a teacher that has changed: %v", err)
	}
	out := filepath.Join(runs, "refused")
	for name, want := range map[string]string{
		save("other", 1, "red", "green"):         "does not know blue; the data has no green",
		save("more", 1, "blue", "green", "red"):  "a teacher of 3 classes for data of 2: the data has no green",
		runs:                                     "--distill: " + runs + ": the folder has no model.safetensors",
		filepath.Join(runs, "taught", "nowhere"): "there is no",
	} {
		if _, err := runCommand(t, nil, append(args, "--distill", name, "--out", out)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--distill %s: %v, want %q", name, err, want)
		}
		if exists(out) || exists(out+run.PartialSuffix) {
			t.Fatalf("--distill %s: there is an output folder", name)
		}
	}
}
