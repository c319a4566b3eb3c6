package command

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// settled returns the settings of `whippet train` with flags, and the notes.
func settled(t *testing.T, flags ...string) (run.Config, string, error) {
	t.Helper()
	f := &trainFlags{learnerFlags: learnerFlags{Config: run.Default()}}
	cmd := &cobra.Command{Use: "train"}
	f.fitFlags(cmd)
	if err := cmd.Flags().Parse(flags); err != nil {
		t.Fatal(err)
	}
	err := f.followRecipe(cmd)
	if err == nil {
		err = f.settle(t.Context(), cmd.Flags().Changed)
	}
	return f.Config, strings.Join(f.notes, "\n"), err
}

func TestRecipes(t *testing.T) {
	data := t.TempDir()
	base := []string{"--data", data, "--arch", "resnet18", "--seed", "1"}
	for _, name := range run.RecipeNames() {
		c, said, err := settled(t, append(base, "--recipe", name)...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.Recipe != name || !strings.Contains(said, "recipe "+name+": ") {
			t.Errorf("%s: recipe %q, notes %q", name, c.Recipe, said)
		}
	}
	plain, _, err := settled(t, base...)
	if err != nil {
		t.Fatal(err)
	}
	c, _, _ := settled(t, append(base, "--recipe", "fastai")...)
	if c.Recipe = ""; !reflect.DeepEqual(c, plain) {
		t.Errorf("the recipe of fastai changed the settings: %+v, without %+v", c, plain)
	}

	c, _, _ = settled(t, append(base, "--recipe", "timm-a2")...)
	if c.Optimizer != "lamb" || c.LR != "5e-3" || c.WeightDecay != 0.02 || c.Loss != "bce" || c.Epochs != 300 || c.Batch != 2048 || c.Weights != "none" || c.Head != "own" ||
		c.Schedule != "cosine" || c.WarmUpEpochs != 5 || c.MixUp != 0.1 || c.CutMix != 1 || c.AutoAugment != "randaugment:2,21" || c.DropPath != "0.05" || c.Repeats != 3 || c.FreezeEpochs != 0 || c.MinScale != 0.08 {
		t.Errorf("timm-a2: %+v", c)
	}

	// What is given stays, and what depends on it follows.
	c, said, err := settled(t, append(base, "--recipe", "timm-a3", "--epochs", "10", "--batch", "128", "--mixup", "0", "--optimizer", "lamb")...)
	if err != nil || c.Epochs != 10 || c.WarmUpEpochs != 2 || c.Batch != 128 || c.LR != "0.002" || c.MixUp != 0 || c.CutMix != 1 {
		t.Errorf("timm-a3 with flags: %v, %+v", err, c)
	}
	for _, want := range []string{"otherwise here: --optimizer --batch --epochs --mixup", "--warmup-epochs 2, a fifth", "--lr 0.002: the recipe's 8e-3"} {
		if !strings.Contains(said, want) {
			t.Errorf("notes without %q:\n%s", want, said)
		}
	}
	c, _, err = settled(t, append(base, "--recipe", "torchvision", "--batch", "256", "--lr", "0.1", "--warmup-epochs", "0")...)
	if err != nil || c.LR != "0.1" || c.WarmUpEpochs != 0 || c.EMA != 0.99997 || !c.L2 {
		t.Errorf("torchvision with flags: %v, %+v", err, c)
	}
	if c, _, err = settled(t, append(base, "--recipe", "torchvision", "--schedule", "one-cycle")...); err != nil || c.WarmUpEpochs != 0 {
		t.Errorf("with another schedule: %v, a warm-up of %v epochs", err, c.WarmUpEpochs)
	}
	if _, _, err = settled(t, append(base, "--recipe", "timm-a1", "--warmup-epochs", "700")...); err == nil || !strings.Contains(err.Error(), "--warmup-epochs 700") {
		t.Errorf("a warm-up that is too long: %v", err)
	}
	if _, _, err = settled(t, append(base, "--recipe", "timm")...); err == nil || !strings.Contains(err.Error(), "--recipe timm: must be") {
		t.Errorf("an unknown recipe: %v", err)
	}
}

// TestRecipeRuns trains by a recipe for an epoch.
func TestRecipeRuns(t *testing.T) {
	dir, out := patches(t, 48), filepath.Join(t.TempDir(), "run")
	args := []string{"train", "--data", dir, "--label", "csv:labels.csv:tags", "--label-delim", ";", "--arch", "resnet10_small", "--recipe", "timm-a3", "--epochs", "1", "--batch", "16",
		"--size", "32", "--seed", "1", "--auto-augment", "augmix"}
	if said, err := runCommand(t, nil, append(args, "--out", out)...); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	c, err := run.ReadConfig(filepath.Join(out, run.ConfigFile))
	if err != nil || c.Recipe != "timm-a3" || c.Optimizer != "lamb" || c.AutoAugment != "augmix" {
		t.Errorf("the settings of the run: %v, %+v", err, c)
	}
}

// TestLRFindFollowsRecipes searches with the settings of a recipe that say how steps are made, and at the first of several sizes.
func TestLRFindFollowsRecipes(t *testing.T) {
	dir := twoClasses(t, 12)
	text, err := runCommand(t, nil, "lr-find", "--data", dir, "--arch", "resnet10_small", "--recipe", "timm-a1", "--batch", "4", "--size", "32", "--sizes", "24,32", "--aug-repeats", "2", "--steps", "9", "--seed", "1")
	if err != nil && !strings.Contains(err.Error(), "curve") { // nine steps may suggest nothing
		t.Fatalf("%v\n%s", err, text)
	}
	f := &lrFindFlags{learnerFlags: learnerFlags{Config: run.Default()}}
	cmd := &cobra.Command{Use: "lr-find"}
	f.flags(cmd)
	optimizerFlags(cmd, &f.Updates)
	dropPathFlag(cmd, &f.Course)
	recipeFlag(cmd, &f.Config)
	if err := cmd.Flags().Parse([]string{"--data", dir, "--recipe", "timm-a1", "--batch", "4"}); err != nil {
		t.Fatal(err)
	}
	if err := f.followRecipe(cmd); err != nil {
		t.Fatal(err)
	}
	if f.Optimizer != "lamb" || f.Loss != "bce" || f.DropPath != "0.05" || f.MixUp != 0.2 || f.Weights != "none" || f.Head != "own" || f.Epochs != run.Default().Epochs {
		t.Errorf("lr-find --recipe timm-a1 searches with %+v", f.Config)
	}
}
