package run

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
)

// This file is the runs of k-fold cross-validation: a folder that holds a run for each
// fold, and what their histories say.

// FoldsFile has the settings of all folds, in their folder.
const FoldsFile = "folds.json"

// FoldName is the folder of fold k, from 1.
func FoldName(dir string, k int) string { return filepath.Join(dir, "fold-"+strconv.Itoa(k)) }

// IsFold reports whether the run is one of several folds.
func (c Config) IsFold() bool { return strings.HasPrefix(c.Valid, "fold:") }

// OfFold returns the settings of fold k of n.
func (c Config) OfFold(k, n int) Config {
	c.Valid = fmt.Sprintf("fold:%d/%d", k, n)
	return c
}

// NewFolds makes the folder of the folds of a run, with the settings of the first in it.
func NewFolds(dir string, c Config) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("--out %s: it exists already: choose another folder, remove it, or go on with --resume %s", dir, dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--out %s: %w", dir, err)
	}
	if err := writeJSON(filepath.Join(dir, FoldsFile), c); err != nil {
		return fmt.Errorf("--out %s: %w", dir, err)
	}
	return nil
}

// OpenFolds returns the settings of the folds in dir, and how many there are.
func OpenFolds(dir string) (c Config, n int, err error) {
	c, err = ReadConfig(filepath.Join(dir, FoldsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, 0, fmt.Errorf("%s is no folder of folds, as whippet folds makes it: it has no %s", dir, FoldsFile)
	}
	if err != nil {
		return c, 0, err
	}
	_, n, err = parseFold(strings.TrimPrefix(c.Valid, "fold:"))
	if err != nil || !c.IsFold() {
		return c, 0, fmt.Errorf("%s: valid is %q, and is no fold", filepath.Join(dir, FoldsFile), c.Valid)
	}
	return c, n, nil
}

// FoldState is how far the run of a fold has come.
type FoldState int

const (
	FoldNotBegun FoldState = iota
	FoldInterrupted
	FoldDone
)

// StateOfFold looks at a fold's folder.
func StateOfFold(dir string) FoldState {
	switch {
	case isFile(filepath.Join(dir, ModelFile)):
		return FoldDone
	case isFile(filepath.Join(dir+PartialSuffix, ConfigFile)):
		return FoldInterrupted
	}
	return FoldNotBegun
}

// FoldModels returns the models of a folder of folds, nil for anything else. It is an error
// when a fold is not finished.
func FoldModels(dir string) ([]string, error) {
	if !isFile(filepath.Join(dir, FoldsFile)) {
		return nil, nil
	}
	_, n, err := OpenFolds(dir)
	if err != nil {
		return nil, err
	}
	var models []string
	for k := 1; k <= n; k++ {
		fold := FoldName(dir, k)
		if StateOfFold(fold) != FoldDone {
			return nil, fmt.Errorf("fold %d of %d in %s is not trained: whippet folds --resume %s goes on with it", k, n, dir, dir)
		}
		models = append(models, filepath.Join(fold, ModelFile))
	}
	return models, nil
}

// FoldScores is what the history of a fold says of the weights that were kept.
type FoldScores struct {
	Fold     int
	Pictures int       // judged
	Epoch    int       // row of history.csv
	Scores   []float64 // of Columns; NaN where there is none
}

// ScoresOfFold reads the history of a finished fold: the last epoch, or with --save-best the
// best. columns are valid_loss and the metrics.
func ScoresOfFold(dir string, k int) (s FoldScores, columns []string, err error) {
	fold := FoldName(dir, k)
	c, err := ReadConfig(filepath.Join(fold, ConfigFile))
	if err != nil {
		return s, nil, err
	}
	path := filepath.Join(fold, HistoryFile)
	f, size, err := files.Open(path)
	if err != nil {
		return s, nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(io.LimitReader(f, size)).ReadAll()
	if err != nil || len(rows) < 2 {
		return s, nil, fmt.Errorf("%s has no epoch (%v)", path, err)
	}
	from, to := slices.Index(rows[0], validLoss), slices.Index(rows[0], "time")
	if from < 0 || to < from {
		return s, nil, fmt.Errorf("%s has not the columns %s and time", path, validLoss)
	}
	kept, err := c.keptRow(rows)
	if err != nil {
		return s, nil, fmt.Errorf("%s: %w", path, err)
	}
	s = FoldScores{Fold: k, Epoch: kept - 1}
	for _, cell := range rows[kept][from:to] {
		s.Scores = append(s.Scores, cellNumber(cell))
	}
	pictures, err := ReadPictures(filepath.Join(fold, PicturesFile))
	if err != nil {
		return s, nil, err
	}
	for _, p := range pictures {
		if !p.Training {
			s.Pictures++
		}
	}
	return s, rows[0][from:to], nil
}

// keptRow is the row of a history, its head included, whose weights were kept.
func (c Config) keptRow(rows [][]string) (int, error) {
	last := len(rows) - 1
	if !c.SaveBest {
		return last, nil
	}
	name, higher := c.monitored(), false
	m, err := c.monitoredMetric(c.Task())
	if err != nil {
		return 0, err
	}
	if m != nil {
		name, higher = m.Name(), m.HigherIsBetter()
	}
	at := slices.Index(rows[0], name)
	if at < 0 {
		return 0, fmt.Errorf("there is no column %s", name)
	}
	best, value := last, math.NaN()
	for i, row := range rows[1:] {
		v := cellNumber(row[at])
		if !math.IsNaN(v) && (math.IsNaN(value) || v < value && !higher || v > value && higher) {
			best, value = i+1, v
		}
	}
	return best, nil
}

// cellNumber reads a number of a history; NaN for none.
func cellNumber(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// MeanAndSpread returns the mean of the folds' scores and their standard deviation (with n-1 as the
// divisor), column by column, each over the folds that have a number.
func MeanAndSpread(folds []FoldScores) (mean, sd []float64) {
	if len(folds) == 0 {
		return nil, nil
	}
	for c := range folds[0].Scores {
		n, sum, squares := 0.0, 0.0, 0.0
		for _, f := range folds {
			if v := f.Scores[c]; !math.IsNaN(v) {
				n, sum = n+1, sum+v
			}
		}
		for _, f := range folds {
			if v := f.Scores[c]; !math.IsNaN(v) {
				squares += (v - sum/n) * (v - sum/n)
			}
		}
		mean, sd = append(mean, sum/n), append(sd, math.Sqrt(squares/(n-1)))
	}
	return mean, sd
}
