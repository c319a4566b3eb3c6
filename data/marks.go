package data

import (
	"fmt"
	"slices"
	"strings"
)

// This file reads several labels from a table that has a column for each of them.

// MarkColumns gives an item as labels the names of those columns of its row that are marked, for
// tasks whose items have several: 1, true, yes, in any case, or a number equal to 1 mark a label; 0, false
// and no do not. Anything else, an empty cell too, is an error, since it may mean either. The columns are the Block's
// Vocab, if their order is to be that of the model's outputs.
func MarkColumns(columns ...string) Labeler { return markColumns(columns) }

type markColumns []string

func (c markColumns) Labels(root string, item Item) ([]string, error) {
	labels := []string{}
	for _, name := range c {
		s, err := column(item, name)
		if err != nil {
			return nil, err
		}
		marked, ok := mark(s)
		switch {
		case ok && marked:
			labels = append(labels, name)
		case ok:
		case strings.TrimSpace(s) == "":
			return nil, fmt.Errorf("the column %q is empty: write 1 where the picture has the label and 0 where it has not", name)
		case isMinusOne(s):
			return nil, fmt.Errorf("the column %q is %s, which some tables write for absent and others for unknown: write 0 for absent, and leave out pictures of which it is unknown", name, s)
		default:
			return nil, fmt.Errorf("the column %q is %q: a column for each label has 1 where the picture has the label and 0 where it has not", name, s)
		}
	}
	return labels, nil
}

func (c markColumns) String() string { return fmt.Sprintf("MarkColumns(%q)", []string(c)) }

// mark reads a cell that says whether a picture has a label.
func mark(cell string) (marked, ok bool) {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "1", "1.0", "true", "yes":
		return true, true
	case "0", "0.0", "false", "no":
		return false, true
	}
	return false, false
}

func isMinusOne(cell string) bool {
	s := strings.TrimSpace(cell)
	return s == "-1" || s == "-1.0"
}

// MarkColumns returns the columns that have nothing but 0 and 1 (or what else MarkColumns, the Labeler,
// reads) in every row: those of labels, where each has a column. The column of the pictures, those
// called as columns that split pictures are, and the ones of except are none. It is an error when there is no such column, and
// when a column has something else in a tenth of its rows or less, or nothing else but -1 and empty cells: a mistake, probably, by which a
// label would be lost.
func (t *Table) MarkColumns(except ...string) ([]string, error) {
	var marks []string
	for k, name := range t.Columns {
		parts := slices.ContainsFunc(partNames, func(s string) bool { return strings.EqualFold(s, name) })
		if name == t.PathColumn || parts || slices.Contains(except, name) {
			continue
		}
		odd, unknown := []int{}, 0
		for i, row := range t.Rows {
			if _, ok := mark(row[k]); !ok {
				odd = append(odd, i)
				if strings.TrimSpace(row[k]) == "" || isMinusOne(row[k]) {
					unknown++
				}
			}
		}
		switch marked := len(t.Rows) - len(odd); {
		case len(odd) == 0:
			marks = append(marks, name)
		case marked >= 9*len(odd) || marked > 0 && unknown == len(odd):
			return nil, mistakef(ErrLabel, "the table %s has 0 and 1 in %d of %d rows of the column %q, and %q in line %d: write 1 where the picture has the label and 0 where it has not, or name the columns of labels",
				t.File, marked, len(t.Rows), name, t.Rows[odd[0]][k], t.Lines[odd[0]])
		}
	}
	if len(marks) == 0 {
		return nil, mistakef(ErrLabel, "the table %s has no column of 0 and 1 alone; its columns are %q", t.File, t.Columns)
	}
	return marks, nil
}
