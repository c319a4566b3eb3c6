package run

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/data/copies"
)

// This file is --valid, --group and --stratify: which pictures are for validation.

// splitter returns what --valid stands for; nil for auto.
func (c Config) splitter() (data.Splitter, error) {
	by, err := c.grouper()
	if err != nil {
		return nil, err
	}
	g := data.Grouping{By: by, Stratify: c.Stratify}
	kind, arg, _ := strings.Cut(c.Valid, ":")
	var given data.Splitter
	switch kind {
	case "auto":
		return nil, nil
	case "folder":
		names := c.validFolders()
		if len(names) < 2 {
			return nil, fmt.Errorf("--valid %s: name both folders, as in folder:train,valid", c.Valid)
		}
		if given = data.GrandparentSplit(names[0], names[1:]...); c.Label == labelFolders {
			given = data.TreeSplit(names[0], names[1:]...)
		}
	case "column":
		if arg == "" {
			return nil, errors.New("--valid column: name the column, as in column:is_valid")
		}
		given = data.ColumnSplit(arg)
	case "fold":
		k, n, err := parseFold(arg)
		if err != nil {
			return nil, fmt.Errorf("--valid %s: %w", c.Valid, err)
		}
		return data.FoldSplit(k, n, c.SplitSeed, g), nil
	}
	if given != nil && c.Stratify {
		return nil, fmt.Errorf("--stratify: --valid %s says which pictures are for validation: give a share, such as --valid 0.2, to have them chosen", c.Valid)
	}
	if given != nil && by != nil {
		return data.KeepGroups(given, by), nil
	}
	if given != nil {
		return given, nil
	}
	share, err := strconv.ParseFloat(c.Valid, 64)
	if err != nil || !(share >= 0 && share < 1) {
		return nil, fmt.Errorf("--valid %q: must be a share from 0 up to, not including, 1, folder:TRAIN,VALID, column:NAME, or fold:K/N", c.Valid)
	}
	switch {
	case share == 0 && (by != nil || c.Stratify):
		return nil, errors.New("--valid 0 leaves nothing for validation, so there is nothing for --group and --stratify to keep: give a share, or leave them out")
	case share == 0:
		return data.AllTrain, nil
	case by != nil || c.Stratify && !c.Task().Exclusive():
		return data.GroupSplit(share, c.SplitSeed, g), nil
	case c.Stratify:
		return data.StratifiedSplit(share, c.SplitSeed), nil
	}
	return data.RandomSplit(share, c.SplitSeed), nil
}

// validFolders returns the folders of --valid folder:TRAIN,VALID; none for other values.
func (c Config) validFolders() []string {
	kind, arg, _ := strings.Cut(c.Valid, ":")
	switch {
	case kind != "folder":
		return nil
	case arg == "":
		return []string{"train", "valid"}
	}
	return strings.Split(arg, ",")
}

// MaxFolds bounds the number of folds: each is a training.
const MaxFolds = 1000

// parseFold reads K/N.
func parseFold(s string) (k, n int, err error) {
	left, right, _ := strings.Cut(s, "/")
	k, errK := strconv.Atoi(left)
	n, errN := strconv.Atoi(right)
	if errK != nil || errN != nil || n < 2 || n > MaxFolds || k < 1 || k > n {
		return 0, 0, fmt.Errorf("must be fold:K/N with fold K, from 1, of N folds, 2 to %d: fold:1/5 is the first of five", MaxFolds)
	}
	return k, n, nil
}

// grouper returns what --group stands for; nil for nothing.
func (c Config) grouper() (data.Grouper, error) {
	kind, arg, _ := strings.Cut(c.Group, ":")
	switch {
	case c.Group == "":
		return nil, nil
	case c.Group == "folder":
		return data.FolderGroups, nil
	case c.Group == "duplicates":
		return copies.Groups{}, nil
	case kind == "column" && arg != "":
		return data.ColumnGroups(arg), nil
	case kind == "regex":
		re, err := regexp.Compile(arg)
		if err != nil {
			return nil, fmt.Errorf("--group %s: %w", c.Group, err)
		}
		if re.NumSubexp() < 1 {
			return nil, fmt.Errorf("--group %s: the pattern needs a group in parentheses for what pictures share, as in regex:(\\d+)_\\d+\\.jpg$", c.Group)
		}
		return data.RegexGroups(arg), nil
	}
	return nil, fmt.Errorf("--group %s: must be column:NAME, regex:PATTERN, folder or duplicates", c.Group)
}

// prepareGroup finds the column of --group column:NAME.
func (c *Config) prepareGroup(table *data.Table) error {
	name, isColumn := strings.CutPrefix(c.Group, "column:")
	if !isColumn {
		return nil
	}
	if table == nil {
		return fmt.Errorf("--group %s: columns are those of a table, and --label is %s: give --label csv:FILE, or another --group", c.Group, c.Label)
	}
	k, err := table.Column(name)
	if err != nil {
		return fmt.Errorf("--group %s: %w", c.Group, err)
	}
	c.Group = "column:" + table.Columns[k]
	return nil
}
