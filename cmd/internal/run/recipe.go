package run

import (
	"fmt"
	"strings"
)

// This file is --recipe: sets of settings that others published under a name.

// Recipe is a set of settings.
type Recipe struct {
	Name   string
	Source string    // where the settings come from
	Flags  []Setting // what it gives flags that are not given
	Scale  float64   // how the learning rate goes with the size of the batch: the power of the ratio
}

// Setting is a flag and its value, as on the command line.
type Setting struct{ Flag, Value string }

// settings reads flags as they stand on a command line, without dashes: "lr=1e-3 epochs=5".
func settings(line string) (all []Setting) {
	for _, word := range strings.Fields(line) {
		flag, value, _ := strings.Cut(word, "=")
		all = append(all, Setting{flag, value})
	}
	return all
}

// What recipes that begin with random weights have in common.
const scratch = "weights=none head=own freeze-epochs=0 schedule=cosine warmup-epochs=5 presize=0 min-scale=0.08 cutmix=1 "

// The tables of "ResNet strikes back" have RandAugment's magnitude out of ten; here it is out of thirty.
const (
	strikesBack  = "Wightman, Touvron and Jégou 2021, ResNet strikes back, table 2, https://arxiv.org/abs/2110.00476"
	strikingBack = scratch + "optimizer=lamb batch=2048 loss=bce crop-pct=0.95 interpolation=bicubic "
)

// Recipes are the choices of --recipe, in the order in which they are listed.
var Recipes = []Recipe{
	{"fastai", "fastai's fine_tune, which whippet train follows without a recipe", nil, 0},
	{"timm-a1", strikesBack, settings(strikingBack + "epochs=600 size=224 lr=5e-3 weight-decay=0.01 label-smoothing=0.1 drop-path=0.05 mixup=0.2 auto-augment=randaugment:2,21 aug-repeats=3"), 0.5},
	{"timm-a2", strikesBack, settings(strikingBack + "epochs=300 size=224 lr=5e-3 weight-decay=0.02 drop-path=0.05 mixup=0.1 auto-augment=randaugment:2,21 aug-repeats=3"), 0.5},
	{"timm-a3", strikesBack, settings(strikingBack + "epochs=100 size=160 lr=8e-3 weight-decay=0.02 mixup=0.1 auto-augment=randaugment:2,18"), 0.5},
	{"torchvision", "Vryniotis 2021, https://pytorch.org/blog/how-to-train-state-of-the-art-models-using-torchvision-latest-primitives",
		settings(scratch + "optimizer=sgd batch=1024 epochs=600 size=176 crop-pct=0.7586 lr=0.5 weight-decay=2e-5 label-smoothing=0.1 mixup=0.2 auto-augment=trivialaugment random-erase=0.1 aug-repeats=4 ema=0.99997 ema-warmup=true"), 1},
}

// RecipeNames lists what --recipe takes.
func RecipeNames() (names []string) {
	for _, r := range Recipes {
		names = append(names, r.Name)
	}
	return names
}

// RecipeNamed returns the recipe of a name.
func RecipeNamed(name string) (Recipe, error) {
	for _, r := range Recipes {
		if r.Name == name {
			return r, nil
		}
	}
	return Recipe{}, fmt.Errorf("--recipe %s: must be %s", name, strings.Join(RecipeNames(), ", "))
}

// Value returns what the recipe gives a flag; "" for nothing.
func (r Recipe) Value(flag string) string {
	for _, s := range r.Flags {
		if s.Flag == flag {
			return s.Value
		}
	}
	return ""
}
