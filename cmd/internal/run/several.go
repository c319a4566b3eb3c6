package run

import (
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/data"
)

// This file is --label with several labels a picture, beside --label-delim.

const (
	labelFolders = "folders" // every folder that a picture, a copy of it or a link to it lies in
	labelColumns = "columns" // columns:FILE[:COLUMN,COLUMN], each with 0 and 1
)

// SeveralLabels reports whether a picture of the run's data may have several labels.
func (c Config) SeveralLabels() bool {
	kind, _, _ := TableLabel(c.Label)
	return c.LabelDelim != "" || c.Label == labelFolders || kind == labelColumns
}

// findMarkColumns returns the columns of labels where nobody says which: those of 0 and 1, but for
// the ones that say something else about the pictures.
func (c Config) findMarkColumns(table *data.Table) (string, error) {
	var except []string
	for _, setting := range []string{c.Valid, c.Group} {
		if name, ok := strings.CutPrefix(setting, "column:"); ok && name != "" {
			k, err := table.Column(name)
			if err != nil {
				return "", fmt.Errorf("column:%s: %w", name, err)
			}
			except = append(except, table.Columns[k])
		}
	}
	names, err := table.MarkColumns(except...)
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if err := nameable(n); err != nil {
			return "", err
		}
	}
	return strings.Join(names, ","), nil
}
