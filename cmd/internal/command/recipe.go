package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// recipeFlag adds --recipe.
func recipeFlag(cmd *cobra.Command, c *run.Config) {
	cmd.Flags().StringVar(&c.Recipe, "recipe", c.Recipe, "settings that others published under this `NAME`, for flags that are not given: "+strings.Join(run.RecipeNames(), ", ")+" (default fastai's)")
}

// followRecipe gives the flags that a recipe names its values, as if they stood on the command line, but
// for those that do. Where epochs or the batch are given, warm-up and learning rate go with them.
func (f *learnerFlags) followRecipe(cmd *cobra.Command) error {
	if f.Recipe == "" {
		return nil
	}
	r, err := run.RecipeNamed(f.Recipe)
	if err != nil {
		return err
	}
	fl := cmd.Flags()
	given := map[string]bool{}
	var own []string
	for _, s := range r.Flags {
		if given[s.Flag] = fl.Changed(s.Flag); given[s.Flag] {
			own = append(own, "--"+s.Flag)
		}
	}
	note := fmt.Sprintf("recipe %s: %s", r.Name, r.Source)
	if len(own) > 0 {
		note += "; otherwise here: " + strings.Join(own, " ")
	}
	f.notes = append(f.notes, note)
	for _, s := range r.Flags {
		value := s.Value
		switch {
		case given[s.Flag]:
			continue
		case fl.Lookup(s.Flag) == nil:
			continue // lr-find has no epochs
		case f.From != "" && (s.Flag == "weights" || s.Flag == "head"):
			continue // the saved model's
		case s.Flag == "warmup-epochs" && given["schedule"] && f.Schedule != "cosine":
			continue
		case s.Flag == "warmup-epochs" && given["epochs"]:
			value = f.shorterWarmUp(value)
		case s.Flag == "lr" && given["batch"] && f.Batch > 0:
			value = f.scaledRate(r)
		}
		if err := fl.Set(s.Flag, value); err != nil {
			return fmt.Errorf("--recipe %s: %w", r.Name, err)
		}
	}
	return nil
}

// shorterWarmUp is a recipe's warm-up, but at most a fifth of the epochs.
func (f *learnerFlags) shorterWarmUp(epochs string) string {
	most := float64(f.Epochs) / 5
	if v, err := strconv.ParseFloat(epochs, 64); err != nil || v <= most {
		return epochs
	}
	short := strconv.FormatFloat(most, 'g', -1, 64)
	f.notes = append(f.notes, fmt.Sprintf("--warmup-epochs %s, a fifth of --epochs; the recipe's is %s", short, epochs))
	return short
}

// scaledRate is a recipe's learning rate for batches of another size.
func (f *learnerFlags) scaledRate(r run.Recipe) string {
	lr, err1 := strconv.ParseFloat(r.Value("lr"), 64)
	batch, err2 := strconv.ParseFloat(r.Value("batch"), 64)
	if err1 != nil || err2 != nil {
		return r.Value("lr")
	}
	scaled := strconv.FormatFloat(lr*math.Pow(float64(f.Batch)/batch, r.Scale), 'g', 3, 64)
	how := "in proportion to the batch"
	if r.Scale == 0.5 {
		how = "with the square root of the batch"
	}
	f.notes = append(f.notes, fmt.Sprintf("--lr %s: the recipe's %s is for batches of %s, and goes %s", scaled, r.Value("lr"), r.Value("batch"), how))
	return scaled
}
