package data

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// This file finds the pictures that the rows of a table mean. Tables are written
// beside the pictures, above them or somewhere else, and some leave the
// extension out; so a path is tried in several ways, and the way that finds the
// most is taken for all rows.

// pathRule is a way to read the paths of a table.
type pathRule struct {
	relation  relation
	extension bool // the table's paths have the pictures' extensions
	fold      bool // upper and lower case are the same, and so are the ways to encode accents
}

// relation is how a table's path and a picture's, seen from the root, agree.
type relation int

const (
	same   relation = iota // they are equal
	deeper                 // the picture lies in a folder that the table leaves out
	higher                 // the table names a folder above the root
)

// pathRules are all ways, the plainest first.
var pathRules = func() (rules []pathRule) {
	for _, fold := range []bool{false, true} {
		for _, r := range []relation{same, deeper, higher} {
			for _, ext := range []bool{true, false} {
				rules = append(rules, pathRule{r, ext, fold})
			}
		}
	}
	return rules
}()

// String tells a person how the rule differs from plain paths.
func (r pathRule) String() string {
	var s []string
	switch r.relation {
	case deeper:
		s = append(s, "in folders that the table leaves out")
	case higher:
		s = append(s, "with folders above that of the pictures")
	}
	if !r.extension {
		s = append(s, "without their extension")
	}
	if r.fold {
		s = append(s, "in other upper and lower case, or with accents encoded otherwise")
	}
	return strings.Join(s, ", ")
}

// key is a path as the rule compares it.
func (r pathRule) key(p string) string {
	if r.fold {
		p = norm.NFC.String(strings.ToLower(p))
	}
	return p
}

// pictureIndex finds pictures by the last part of their path.
type pictureIndex struct {
	root  string
	paths []string            // seen from the root, with slashes
	keys  map[pathRule]lookup // made when first asked for
}

type lookup map[string][]int

func newPictureIndex(root string, pictures []Item) *pictureIndex {
	x := &pictureIndex{root: root, keys: map[pathRule]lookup{}}
	for _, it := range pictures {
		x.paths = append(x.paths, relative(root, it.Path))
	}
	return x
}

// stem is a path without its extension.
func stem(p string) string { return strings.TrimSuffix(p, path.Ext(p)) }

// byLast returns the pictures by their last part as r sees it.
func (x *pictureIndex) byLast(r pathRule) lookup {
	r.relation = same
	if l := x.keys[r]; l != nil {
		return l
	}
	l := lookup{}
	for i, p := range x.paths {
		if !r.extension {
			p = stem(p)
		}
		k := r.key(path.Base(p))
		l[k] = append(l[k], i)
	}
	x.keys[r] = l
	return l
}

// find returns the pictures that a table's path means under r.
func (x *pictureIndex) find(r pathRule, p string) (found []int) {
	p = r.key(tablePath(p))
	for _, i := range x.byLast(r)[path.Base(p)] {
		have := x.paths[i]
		if !r.extension {
			have = stem(have)
		}
		have = r.key(have)
		fits := have == p
		switch r.relation {
		case deeper:
			fits = strings.HasSuffix(have, "/"+p)
		case higher:
			fits = strings.HasSuffix(p, "/"+have)
		}
		if fits {
			found = append(found, i)
		}
	}
	return found
}

// tablePath is a cell of a table as a clean path with slashes. Spreadsheets on
// Windows write backslashes.
func tablePath(cell string) string {
	cell = strings.TrimSpace(cell)
	if !strings.Contains(cell, "/") {
		cell = strings.ReplaceAll(cell, `\`, "/")
	}
	return path.Clean(cell)
}

// score is how many of the cells a rule finds exactly one picture for.
func (x *pictureIndex) score(r pathRule, cells []string) (n int) {
	for _, c := range cells {
		if len(x.find(r, c)) == 1 {
			n++
		}
	}
	return n
}

// best returns the column of rows, one of columns, and the rule that find the
// most pictures, and how many; earlier ones on ties.
func (x *pictureIndex) best(rows [][]string, columns []int) (column int, rule pathRule, most int) {
	column = -1
	rows = spread(rows, sampleRows)
	for _, c := range columns {
		cells := make([]string, len(rows))
		for i, row := range rows {
			cells[i] = row[c]
		}
		for _, r := range pathRules {
			if n := x.score(r, cells); n > most {
				column, rule, most = c, r, n
			}
			if most == len(rows) {
				return column, rule, most
			}
		}
	}
	return column, rule, most
}

// found is how many pictures the best column of rows names.
func (x *pictureIndex) found(rows [][]string) int {
	_, _, n := x.best(rows, upTo(len(rows[0])))
	return n
}

// upTo is 0, 1, …, n-1.
func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// spread returns at most n of s, evenly, the first among them.
func spread[T any](s []T, n int) []T {
	if len(s) <= n {
		return s
	}
	out := make([]T, n)
	for i := range out {
		out[i] = s[i*len(s)/n]
	}
	return out
}

// resolve finds the column of paths and the pictures of all rows, and decides
// whether there is a header, if it is to be found out. want is the column that
// the caller names, or "".
func (t *Table) resolve(x *pictureIndex, want string, h Header) error {
	columns := upTo(len(t.raw[0]))
	if want != "" {
		if err := t.setHeader(headerFor(h, HeaderYes)); err != nil {
			if h != HeaderAuto {
				return err
			}
			if err := t.setHeader(HeaderNo); err != nil { // then want is a number
				return err
			}
		}
		c, err := t.Column(want)
		if err != nil {
			return err
		}
		columns = []int{c}
	}
	column, rule, most := x.best(t.raw, columns)
	if most == 0 {
		return t.nothingFound(x, want, h)
	}
	if h == HeaderAuto {
		h = HeaderYes
		first := t.raw[0][column]
		if len(x.find(rule, first)) > 0 || t.looksLikeTheRest(column) {
			h = HeaderNo
		}
	}
	if err := t.setHeader(h); err != nil {
		return err
	}
	t.PathColumn = t.Columns[column]
	return t.place(x, column, rule)
}

func headerFor(h, auto Header) Header {
	if h == HeaderAuto {
		return auto
	}
	return h
}

// looksLikeTheRest reports whether the first cell of a column has the
// extension that most of the others have: it names a picture, if a missing one.
func (t *Table) looksLikeTheRest(column int) bool {
	ext := strings.ToLower(path.Ext(t.raw[0][column]))
	rows := spread(t.raw, sampleRows)
	n := 0
	for _, row := range rows[1:] {
		if strings.ToLower(path.Ext(row[column])) == ext {
			n++
		}
	}
	return ext != "" && 2*n > len(rows)-1
}

// nothingFound is the case of a table in which no row names a picture: paths
// that lie elsewhere are taken as they are, everything else is an error.
func (t *Table) nothingFound(x *pictureIndex, want string, h Header) error {
	if err := t.setHeader(headerFor(h, HeaderYes)); err != nil {
		return err
	}
	column := 0
	if want != "" {
		var err error
		if column, err = t.Column(want); err != nil {
			return err
		}
	}
	t.PathColumn = t.Columns[column]
	t.paths = make([]string, len(t.Rows))
	there := 0
	for i, row := range t.Rows {
		if err := t.filled(i, column); err != nil {
			return err
		}
		p := filepath.FromSlash(strings.TrimSpace(row[column]))
		if !filepath.IsAbs(p) {
			p = filepath.Join(x.root, p)
		}
		if _, err := os.Stat(p); err == nil {
			there++
		}
		t.paths[i] = p
	}
	if there > 0 || len(x.paths) == 0 {
		return nil
	}
	return mistakef(ErrNoItems, "no row of the table %s names a picture below %s: line %d has %q, and the pictures are like %s; name the column of the paths, or give the folder that they start from",
		t.File, x.root, t.Lines[0], t.Rows[0], strings.Join(x.paths[:min(len(x.paths), 2)], ", "))
}

// filled returns an error when row i names no picture.
func (t *Table) filled(i, column int) error {
	if strings.TrimSpace(t.Rows[i][column]) == "" {
		return fmt.Errorf("data: %s line %d: the column %q is empty; it should name a picture", t.File, t.Lines[i], t.PathColumn)
	}
	return nil
}

// place finds the pictures of all rows, and notes what does not fit.
func (t *Table) place(x *pictureIndex, column int, rule pathRule) error {
	t.paths = make([]string, len(t.Rows))
	taken := make([]int, len(x.paths)) // line of the row that names the picture, 0 for none
	var missing []string
	for i, row := range t.Rows {
		cell := row[column]
		if err := t.filled(i, column); err != nil {
			return err
		}
		found := x.find(rule, cell)
		switch {
		case len(found) == 0 && filepath.IsAbs(cell):
			t.paths[i] = cell
		case len(found) == 0:
			t.paths[i] = filepath.Join(x.root, filepath.FromSlash(tablePath(cell)))
			missing = append(missing, fmt.Sprintf("line %d, %q", t.Lines[i], cell))
		case len(found) > 1:
			return mistakef(ErrDuplicate, "%s line %d: %q may be %s or %s; write the folder into the table too", t.File, t.Lines[i], cell, x.paths[found[0]], x.paths[found[1]])
		default:
			t.paths[i] = filepath.Join(x.root, filepath.FromSlash(x.paths[found[0]]))
			if k := found[0]; taken[k] > 0 {
				return mistakef(ErrDuplicate, "%s: lines %d and %d both name the picture %s; if it were for training and for validation the result would be too good, so keep one of them", t.File, taken[k], t.Lines[i], x.paths[k])
			}
			taken[found[0]] = t.Lines[i]
		}
	}
	t.note(rule)
	if n := len(missing); n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s of %d in %s without a picture: %s", plural(n, "row"), len(t.Rows), filepath.Base(t.File), listed(missing, shown)))
	}
	var unlisted []string
	for i, line := range taken {
		if line == 0 {
			unlisted = append(unlisted, x.paths[i])
		}
	}
	if n := len(unlisted); n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s of %d below the folder not used, for %s has no row for them: %s", plural(n, "picture"), len(x.paths), filepath.Base(t.File), listed(unlisted, shown)))
	}
	return nil
}

// note says in one line how the table was read.
func (t *Table) note(rule pathRule) {
	s := fmt.Sprintf("%s: %s separated by %s", filepath.Base(t.File), plural(len(t.Rows), "row"), separatorName(t.Separator))
	if t.Encoding != "UTF-8" {
		s += ", " + t.Encoding
	}
	if t.Header == HeaderNo {
		s += ", no header, as the first row names a picture"
	} else {
		s += fmt.Sprintf(", columns %s", strings.Join(quoted(t.Columns, 8), ", "))
	}
	s += fmt.Sprintf("; pictures by column %q", t.PathColumn)
	if how := rule.String(); how != "" {
		s += ", " + how
	}
	t.Notes = append(t.Notes, s)
}

// quoted returns at most n of s in quotes.
func quoted(s []string, n int) []string {
	var out []string
	for _, v := range s[:min(len(s), n)] {
		out = append(out, fmt.Sprintf("%q", v))
	}
	if len(s) > n {
		out = append(out, "…")
	}
	return slices.Clip(out)
}
