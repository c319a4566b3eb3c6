package data

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// RegexLabel labels an item by the first group of pattern where it first
// matches in the file's name (without folders), as fastai's
// using_attr(RegexLabeller(pattern), 'name') does with Python's re.search:
// `(.+)_\d+.jpg$` labels "great_pyrenees_173.jpg" great_pyrenees. The syntax is
// package regexp's, which has no look-around and no back-references.
//
// A pattern that does not compile or has no group makes every Label fail, and
// so is found when the loaders are built.
func RegexLabel(pattern string) Labeler { return newRegex(pattern, false) }

// RegexLabelPath is RegexLabel on the whole path below the root, with slashes
// on every system: `^(?:train|val)/([^/]+)/`.
func RegexLabelPath(pattern string) Labeler { return newRegex(pattern, true) }

type regexLabel struct {
	pattern string
	path    bool
	re      *regexp.Regexp
	err     error
}

func newRegex(pattern string, path bool) *regexLabel {
	l := &regexLabel{pattern: pattern, path: path}
	l.re, l.err = regexp.Compile(pattern)
	switch {
	case l.err != nil:
		l.err = fmt.Errorf("data: the label pattern is not a regular expression: %w", l.err)
	case l.re.NumSubexp() == 0:
		l.err = fmt.Errorf("data: the label pattern `%s` has no group; put parentheses around the part that is the label", pattern)
	}
	return l
}

// Err is the mistake in the pattern itself, or nil.
func (l *regexLabel) Err() error { return l.err }

func (l *regexLabel) Labels(root string, item Item) ([]string, error) {
	if l.err != nil {
		return nil, l.err
	}
	s := filepath.Base(item.Path)
	if l.path {
		s = relative(root, item.Path)
	}
	m := l.re.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Errorf("the pattern `%s` does not match %q", l.pattern, s)
	}
	if m[1] == "" {
		return nil, fmt.Errorf("the pattern `%s` finds an empty label in %q", l.pattern, s)
	}
	return m[1:2:2], nil
}

func (l *regexLabel) String() string {
	if l.path {
		return fmt.Sprintf("RegexLabelPath(`%s`)", l.pattern)
	}
	return fmt.Sprintf("RegexLabel(`%s`)", l.pattern)
}

// ParentLabel labels an item by the name of the folder it is in (fastai's
// parent_label).
var ParentLabel Labeler = parentLabel{}

type parentLabel struct{}

func (parentLabel) Labels(root string, item Item) ([]string, error) {
	name := filepath.Base(filepath.Dir(item.Path))
	if name == "." || name == string(filepath.Separator) {
		return nil, errors.New("the file is in no named folder")
	}
	return []string{name}, nil
}

func (parentLabel) String() string { return "ParentLabel" }

// ColumnLabel labels an item by a column of its row (fastai's ColReader as
// get_y). Where every label is a whole number the vocabulary is in the order
// of the numbers, as it is in fastai, whose data frames hold numbers.
func ColumnLabel(column string) Labeler { return columnLabel(column) }

type columnLabel string

func (c columnLabel) Labels(root string, item Item) ([]string, error) {
	s, err := column(item, string(c))
	if err == nil && strings.TrimSpace(s) == "" {
		err = fmt.Errorf("the column %q is empty: fill in the label, or leave the picture out", string(c))
	}
	return []string{s}, err
}

func (c columnLabel) String() string { return fmt.Sprintf("ColumnLabel(%q)", string(c)) }

func (c columnLabel) sortVocab(vocab []string) {
	nums := make(map[string]int64, len(vocab))
	for _, v := range vocab {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return
		}
		nums[v] = n
	}
	sort.SliceStable(vocab, func(i, j int) bool { return nums[vocab[i]] < nums[vocab[j]] })
}

// ColumnLabels gives an item the labels in a column of its row, separated by sep
// (fastai's ColReader with label_delim), for tasks whose items have several. White
// space around them does not count, and an empty column is no label.
func ColumnLabels(column, sep string) Labeler { return columnLabels{column, sep} }

type columnLabels struct{ column, sep string }

func (c columnLabels) Labels(root string, item Item) ([]string, error) {
	s, err := column(item, c.column)
	if err != nil {
		return nil, err
	}
	labels := []string{}
	for _, l := range strings.Split(s, c.sep) {
		if l = strings.TrimSpace(l); l != "" {
			labels = append(labels, l)
		}
	}
	return labels, nil
}

func (c columnLabels) String() string {
	return fmt.Sprintf("ColumnLabels(%q, %q)", c.column, c.sep)
}

// NumberColumns gives an item the numbers in columns of its row as its labels, in that
// order, for task.Regression; the columns' names are the Block's Vocab. A cell that is no finite number is an error.
func NumberColumns(columns ...string) Labeler { return numberColumns(columns) }

type numberColumns []string

func (c numberColumns) Labels(root string, item Item) ([]string, error) {
	var numbers []string
	for _, name := range c {
		s, err := column(item, name)
		if err != nil {
			return nil, err
		}
		s = strings.TrimSpace(s)
		v, err := strconv.ParseFloat(s, 32)
		switch {
		case s == "":
			return nil, fmt.Errorf("the column %q is empty: fill in its number, or leave the picture out", name)
		case err != nil && decimalComma.MatchString(s):
			return nil, fmt.Errorf("the column %q is %q: write numbers with a point, as %s", name, s, strings.Replace(s, ",", ".", 1))
		case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
			return nil, fmt.Errorf("the column %q is %q, which is no finite number", name, s)
		}
		numbers = append(numbers, s)
	}
	return numbers, nil
}

var decimalComma = regexp.MustCompile(`^[-+]?\d+,\d+$`)

func (c numberColumns) String() string { return fmt.Sprintf("NumberColumns(%q)", []string(c)) }

// column is a field of an item from a table.
func column(item Item, name string) (string, error) {
	if s, ok := item.Fields[name]; ok {
		return s, nil
	}
	if item.Fields == nil {
		return "", fmt.Errorf("the item has no columns (it does not come from a table), so none named %q", name)
	}
	var have []string
	for k := range item.Fields {
		have = append(have, k)
	}
	return "", fmt.Errorf("there is no column %q; the columns are %q", name, sorted(have))
}

// LabelFunc labels items by a function. An empty label is an error.
func LabelFunc(f func(item Item) (string, error)) Labeler { return labelFunc(f) }

type labelFunc func(item Item) (string, error)

func (f labelFunc) Labels(root string, item Item) ([]string, error) {
	s, err := f(item)
	if err == nil && s == "" {
		err = errors.New("the label function gave an empty label")
	}
	return []string{s}, err
}

func (f labelFunc) String() string { return "LabelFunc" }

// labelAll labels every item. When some fail, the error names the first of
// them, says how many there are, and repeats the first's cause.
func labelAll(root string, items []Item, l Labeler) ([][]string, error) {
	if e, ok := l.(interface{ Err() error }); ok && e.Err() != nil {
		return nil, e.Err()
	}
	labels := make([][]string, len(items))
	var bad []Item
	var first error
	for i, it := range items {
		s, err := l.Labels(root, it)
		if err != nil {
			if first == nil {
				first = err
			}
			bad = append(bad, it)
			continue
		}
		if k := slices.IndexFunc(s, func(l string) bool { return !utf8.ValidString(l) }); k >= 0 {
			return nil, mistakef(ErrLabel, "the label %q of %s is not in UTF-8, so that a model could not keep it: rename the folder or the file", s[k], relative(root, it.Path))
		}
		labels[i] = s
	}
	if first != nil {
		return nil, mistakef(ErrLabel, "%s of %d cannot be labeled by %s: %s; the first: %v",
			plural(len(bad), "item"), len(items), describe(l), names(root, bad), first)
	}
	return labels, nil
}

// depths warns of pictures that lie in folders of different depth, where the
// label is the name of the folder: some are then called by a folder within their
// class, or by the one above all classes.
func depths(root string, items []Item) []string {
	type level struct {
		n     int
		first string // folder
	}
	levels := map[int]*level{}
	for _, it := range items {
		dir := path.Dir(relative(root, it.Path))
		depth := 0
		if dir != "." {
			depth = 1 + strings.Count(dir, "/")
		}
		if levels[depth] == nil {
			levels[depth] = &level{0, dir}
		}
		levels[depth].n++
	}
	if len(levels) < 2 {
		return nil
	}
	var parts []string
	for _, d := range slices.Sorted(maps.Keys(levels)) {
		name := strconv.Quote(levels[d].first)
		if d == 0 {
			name = strconv.Quote(root) + " itself"
		}
		parts = append(parts, fmt.Sprintf("%d as in %s", levels[d].n, name))
	}
	return []string{fmt.Sprintf("pictures lie in folders of different depth, and the innermost one gives the label: %s", strings.Join(parts, ", "))}
}
