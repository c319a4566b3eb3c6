package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/models"
)

// TestTrainFrom goes on from a saved model at a rate of almost nothing: the head
// is the saved one, not a new one, and the input's size is taken over.
func TestTrainFrom(t *testing.T) {
	dir, runs := twoClasses(t, 12), t.TempDir()
	first, second := filepath.Join(runs, "first"), filepath.Join(runs, "second")
	if _, err := runCommand(t, nil, "train", "--data", dir, "--arch", "squeezenet1_1", "--weights", "none", "--presize", "40", "--size", "32",
		"--batch", "4", "--epochs", "1", "--seed", "1", "--out", first); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(first, "model.safetensors")
	if _, err := runCommand(t, nil, "train", "--data", dir, "--from", saved, "--batch", "4", "--epochs", "1", "--lr", "1e-12", "--weight-decay", "0",
		"--seed", "2", "--out", second); err != nil {
		t.Fatal(err)
	}
	a, _, err := models.Load(saved)
	if err != nil {
		t.Fatal(err)
	}
	b, info, err := models.Load(filepath.Join(second, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Preprocess.Size != 32 || info.Preprocess.Presize != 40 {
		t.Errorf("input of %d and %d pixels, want the first model's 32 and 40", info.Preprocess.Size, info.Preprocess.Presize)
	}
	ea, eb := a.Groups()[2], b.Groups()[2]
	for i, e := range ea {
		if e.Param == nil {
			continue // running statistics move
		}
		for k, v := range e.Param.Value.Data {
			if d := v - eb[i].Param.Value.Data[k]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%s[%d] was %v and is %v", e.Name, k, v, eb[i].Param.Value.Data[k])
			}
		}
	}
	// With the same seed, the second run must not repeat the first one's random numbers.
	c, err := run.ReadConfig(filepath.Join(second, run.ConfigFile))
	if err != nil || c.FromDigest == 0 || c.From != saved {
		t.Errorf("the settings say from %q, digest %d, %v", c.From, c.FromDigest, err)
	}
	before, after := run.Config{Seed: 5}, run.Config{Seed: 5, FromDigest: c.FromDigest}
	a1, e1 := blockSeed(before)
	a2, e2 := blockSeed(after)
	if e1 != nil || e2 != nil || a1 != 5 || a2 == 5 {
		t.Errorf("loaders are seeded with %d and %d (%v, %v), want 5 and another", a1, a2, e1, e2)
	}
	other := twoClasses(t, 12)
	if err := os.Rename(filepath.Join(other, "red_00.jpg"), filepath.Join(other, "green_00.jpg")); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"architecture too": {[]string{"--data", dir, "--arch", "resnet18"}, "--arch does not go with --from"},
		"other classes":    {[]string{"--data", other, "--batch", "4", "--split-seed", "1"}, "green"},
	} {
		args := append([]string{"train", "--from", saved, "--out", filepath.Join(runs, name)}, tc.args...)
		if _, err := runCommand(t, nil, args...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tc.want)
		}
	}
}

// blockSeed returns what the loaders of a run are seeded with.
func blockSeed(c run.Config) (uint64, error) {
	full := run.Default()
	full.Seed, full.FromDigest, full.Data, full.Label, full.Valid = c.Seed, c.FromDigest, "x", "folder", "0.2"
	b, err := full.Block("x")
	return b.Seed, err
}
