package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/internal/files"
)

// foldsFlags is k-fold cross-validation: a run for each fold.
type foldsFlags struct {
	trainFlags
	n  int
	to run.Tracking // where the histories go
}

func newFolds() *cobra.Command {
	f := &foldsFlags{trainFlags: trainFlags{learnerFlags: learnerFlags{Config: run.Default()}}, n: 5}
	cmd := &cobra.Command{
		Use:   "folds",
		Short: "Train on every fold of k-fold cross-validation, and report mean and spread",
		Long: `Divide the pictures into folds of equal size; for each, train on the others and
judge it: over all folds every picture is judged once, by a network that was not
trained on it. The scores of each fold, their mean and their standard deviation say
how good such a network is, and how much that depends on the split.

Flags are those of train. Each fold is a run of its own in the folder of results,
fold-1, fold-2 and so on, and folds.csv has the scores. whippet predict with the
folder answers by the mean of all networks.`,
		Example: `  whippet folds --data photos/ --folds 5 --stratify --out runs/folds
  whippet folds --data photos/ --label csv:labels.csv:breed --group column:animal
  whippet folds --resume runs/folds
  whippet predict runs/folds photo.jpg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.fitFlags(cmd)
	fl := cmd.Flags()
	fl.IntVarP(&f.n, "folds", "k", f.n, "number of folds, each a training")
	fl.StringVarP(&f.out, "out", "o", "", "folder for the results (default runs/DATE-TIME-ARCH)")
	fl.StringVar(&f.resume, "resume", "", "continue with the interrupted folds of this folder")
	f.track.flags(cmd)
	_ = fl.MarkHidden("valid") // said by the folds
	return cmd
}

func (f *foldsFlags) run(cmd *cobra.Command) error {
	if f.keep < 1 || f.every < 0 {
		return errors.New("--checkpoint-every must not be negative, --checkpoint-keep at least 1")
	}
	if err := f.setThreads(); err != nil {
		return err
	}
	if err := f.prepareFolds(cmd); err != nil {
		return err
	}
	for k := 1; k <= f.n; k++ {
		if err := f.fold(cmd, k); err != nil {
			newPrinter(cmd.OutOrStdout(), f.json).note("fold %d of %d did not end; go on with: whippet folds --resume %s", k, f.n, quote(f.out))
			return err
		}
	}
	return f.report(cmd.OutOrStdout())
}

// prepareFolds settles the settings of all folds and makes their folder, or reads them
// from there.
func (f *foldsFlags) prepareFolds(cmd *cobra.Command) (err error) {
	if f.resume != "" {
		if cmd.Flags().Changed("lr") {
			return errors.New("--lr does not go with --resume here: the folds' scores would be of different trainings")
		}
		if err := refuseSettings(cmd); err != nil {
			return err
		}
		f.out = filepath.Clean(f.resume)
		if f.Config, f.n, err = run.OpenFolds(f.out); err != nil {
			return err
		}
		if f.to, err = f.trackFolds(true); err != nil {
			return err
		}
		return run.SetFoldsTracking(f.out, f.to)
	}
	if cmd.Flags().Changed("valid") {
		return fmt.Errorf("--valid %s: the folds say what is for validation; give their number with --folds", f.Valid)
	}
	f.Valid = fmt.Sprintf("fold:1/%d", f.n)
	if f.n < 2 || f.n > run.MaxFolds {
		return fmt.Errorf("--folds %d: must be 2 to %d", f.n, run.MaxFolds)
	}
	if err := f.followRecipe(cmd); err != nil {
		return err
	}
	if err := f.settle(cmd.Context(), cmd.Flags().Changed); err != nil {
		return err
	}
	if f.to, err = f.trackFolds(false); err != nil {
		return err
	}
	if err := run.NewFolds(f.out, f.Config); err != nil {
		return err
	}
	return run.SetFoldsTracking(f.out, f.to)
}

// fold trains fold k, goes on with it, or leaves it as it is if it is done.
func (f *foldsFlags) fold(cmd *cobra.Command, k int) error {
	one := f.trainFlags
	one.Config = f.OfFold(k, f.n)
	one.out = run.FoldName(f.out, k)
	one.resume = ""
	if k > 1 {
		one.notes = nil // said once
	}
	p := newPrinter(cmd.OutOrStdout(), f.json)
	defer p.close()
	state := run.StateOfFold(one.out)
	if f.json {
		fmt.Fprintln(p.out, mustJSON(map[string]any{"event": "fold", "fold": k, "of": f.n, "done": state == run.FoldDone}))
	} else if state == run.FoldDone {
		fmt.Fprintf(p.out, "fold %d of %d is trained\n\n", k, f.n)
	} else {
		fmt.Fprintf(p.out, "fold %d of %d\n\n", k, f.n)
	}
	var err error
	switch state {
	case run.FoldInterrupted:
		one.resume = one.out
		err = one.continueRun(cmd, p)
	case run.FoldNotBegun:
		one.track = f.track.forFold(f.to)
		err = one.begun(cmd.Context(), p)
	}
	if err == nil && !f.json && state != run.FoldDone {
		fmt.Fprintln(p.out)
	}
	return err
}

// report prints the folds' scores, their mean and spread, and writes them as folds.csv.
func (f *foldsFlags) report(w io.Writer) error {
	var folds []run.FoldScores
	var columns []string
	for k := 1; k <= f.n; k++ {
		s, c, err := run.ScoresOfFold(f.out, k)
		if err != nil {
			return err
		}
		if columns != nil && !slices.Equal(c, columns) {
			return fmt.Errorf("%s has the columns %q, and those before it %q", run.FoldName(f.out, k), c, columns)
		}
		folds, columns = append(folds, s), c
	}
	mean, sd := run.MeanAndSpread(folds)
	table := filepath.Join(f.out, "folds.csv")
	if err := files.WriteFile(table, func(w io.Writer) error { return writeFolds(w, folds, columns) }); err != nil {
		return err
	}
	if f.json {
		var all []map[string]any
		for _, s := range folds {
			all = append(all, map[string]any{"fold": s.Fold, "pictures": s.Pictures, "epoch": s.Epoch, "scores": byName(columns, s.Scores)})
		}
		_, err := fmt.Fprintln(w, mustJSON(map[string]any{"event": "folds", "folds": all, "mean": byName(columns, mean), "sd": byName(columns, sd), "out": f.out}))
		return err
	}
	line := func(name, pictures string, scores []float64) {
		cells := []string{fmt.Sprintf("%-5s", name), fmt.Sprintf("%8s", pictures)}
		for i, v := range scores {
			cells = append(cells, fmt.Sprintf("%*s", max(8, len(columns[i])), fmt.Sprintf("%.6f", v)))
		}
		fmt.Fprintln(w, strings.Join(cells, "  "))
	}
	head := "fold   pictures"
	for _, c := range columns {
		head += fmt.Sprintf("  %*s", max(8, len(c)), c)
	}
	fmt.Fprintln(w, head)
	for _, s := range folds {
		line(strconv.Itoa(s.Fold), strconv.Itoa(s.Pictures), s.Scores)
	}
	line("mean", "", mean)
	line("sd", "", sd)
	_, err := fmt.Fprintf(w, "\nthe scores are in %s; to predict by the mean of the %d networks:\n\n    whippet predict %s FILE\n", table, f.n, quote(f.out))
	return err
}

// byName is numbers by the names of their columns, without those that are none.
func byName(columns []string, v []float64) map[string]float64 {
	m := map[string]float64{}
	for i, c := range columns {
		if !math.IsNaN(v[i]) && !math.IsInf(v[i], 0) {
			m[c] = v[i]
		}
	}
	return m
}

func writeFolds(w io.Writer, folds []run.FoldScores, columns []string) error {
	out := csv.NewWriter(w)
	_ = out.Write(append([]string{"fold", "pictures", "epoch"}, columns...))
	for _, s := range folds {
		rec := []string{strconv.Itoa(s.Fold), strconv.Itoa(s.Pictures), strconv.Itoa(s.Epoch)}
		for _, v := range s.Scores {
			cell := ""
			if !math.IsNaN(v) {
				cell = strconv.FormatFloat(v, 'g', -1, 64)
			}
			rec = append(rec, cell)
		}
		_ = out.Write(rec)
	}
	out.Flush()
	return out.Error() // of any of the writes
}
