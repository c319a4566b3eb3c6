package data

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	another   bool // they have others, as before pictures were converted; extension is false
	fold      bool // upper and lower case are the same, and so are the ways to encode accents
	zeros     bool // names that are numbers have lost their leading zeros, or are written as 12.0
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
	for _, zeros := range []bool{false, true} {
		for _, fold := range []bool{false, true} {
			for _, r := range []relation{same, deeper, higher} {
				rules = append(rules, pathRule{relation: r, extension: true, fold: fold, zeros: zeros}, pathRule{relation: r, fold: fold, zeros: zeros},
					pathRule{relation: r, another: true, fold: fold, zeros: zeros})
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
	switch {
	case r.another:
		s = append(s, "with another extension than theirs")
	case !r.extension:
		s = append(s, "without their extension")
	}
	if r.fold {
		s = append(s, "in other upper and lower case, or with accents encoded otherwise")
	}
	if r.zeros {
		s = append(s, "as numbers that lost their leading zeros, as in spreadsheets")
	}
	return strings.Join(s, ", ")
}

// key is a path as the rule compares it.
func (r pathRule) key(p string) string {
	if r.fold {
		p = norm.NFC.String(strings.ToLower(p))
	}
	if r.zeros {
		dir, name := path.Split(p)
		if n := stem(name); number(n) {
			p = dir + cmp.Or(strings.TrimLeft(n, "0"), "0") + strings.TrimPrefix(name, n)
		}
	}
	return p
}

// number reports whether s is written in digits alone.
func number(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
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
	r.relation, r.another = same, false
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
	p = tablePath(p)
	if whole, fraction, ok := strings.Cut(p, "."); r.zeros && !r.extension && ok && number(whole) && strings.Trim(fraction, "0") == "" {
		p = whole // pandas writes a column of numbers with a gap in it as 12.0
	} else if r.another {
		p = stem(p)
	}
	written := p
	p = r.key(p)
	var exact []int
	for _, i := range x.byLast(r)[path.Base(p)] {
		have := x.paths[i]
		if !r.extension {
			have = stem(have)
		}
		if r.fold && have == written {
			exact = append(exact, i)
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
	if len(found) > 1 && len(exact) == 1 && !r.zeros {
		return exact // the others differ in case
	}
	return found
}

// tablePath is a cell of a table as a clean path with slashes. Spreadsheets on
// Windows write backslashes; of an address on the web the path counts.
func tablePath(cell string) string {
	cell = strings.TrimSpace(cell)
	if u, err := url.Parse(cell); err == nil && u.Scheme != "" && u.Host != "" {
		cell = strings.TrimPrefix(u.Path, "/")
	}
	if !strings.Contains(cell, "/") {
		cell = strings.ReplaceAll(cell, `\`, "/")
	}
	return path.Clean(cell)
}

// score is how many pictures a rule finds for the cells, each alone. Cells that
// find the same one count once: labels that are numbers may name pictures too, but
// few, and again and again; without an extension to tell them, they count nothing.
func (x *pictureIndex) score(r pathRule, cells []string) int {
	seen, hits := make(map[int]bool, len(cells)), 0
	for _, c := range cells {
		if f := x.find(r, c); len(f) == 1 {
			seen[f[0]] = true
			hits++
		}
	}
	if !r.extension && 2*len(seen) < hits {
		return 0
	}
	return len(seen)
}

// best returns the column of rows, one of columns, and the rule that find the
// most pictures, and how many: the plainest rule, then the first column, of those
// that find as many. others are the columns that find as many by the same rule.
func (x *pictureIndex) best(rows [][]string, columns []int) (column int, rule pathRule, most int, others []int) {
	column = -1
	rows = spread(rows, sampleRows)
	for _, r := range pathRules {
		for _, c := range columns {
			switch n := x.score(r, cellsOf(rows, c)); {
			case n > most:
				column, rule, most, others = c, r, n, nil
			case n == most && n > 0 && r == rule:
				others = append(others, c)
			}
		}
		if most >= max(len(rows)-1, 1) {
			break // the first row may have the names
		}
	}
	return column, rule, most, others
}

// cellsOf is a column of rows.
func cellsOf(rows [][]string, column int) []string {
	cells := make([]string, len(rows))
	for i, row := range rows {
		cells[i] = row[column]
	}
	return cells
}

// found is how many pictures the best column of rows names.
func (x *pictureIndex) found(rows [][]string) int {
	_, _, n, _ := x.best(rows, upTo(len(rows[0])))
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
		c, err := t.wanted(x, want, h)
		if err != nil {
			return err
		}
		columns = []int{c}
	}
	column, rule, most, others := x.best(t.raw, columns)
	if most == 0 {
		return t.nothingFound(x, want, h)
	}
	column, err := t.choose(x, rule, column, others)
	if err != nil {
		return err
	}
	if h == HeaderAuto {
		h = HeaderYes
		if t.beginsAtOnce(x, rule, column) {
			h = HeaderNo
		}
	}
	if err := t.setHeader(h); err != nil {
		return err
	}
	t.PathColumn = t.Columns[column]
	t.findAliases(x, column, rule)
	return t.place(x, column, rule)
}

// indexNames are the names of columns that count the rows, as programs write them.
var indexNames = []string{"", "index", "unnamed: 0"}

// choose decides between columns by which the same rule finds equally many pictures.
// Those that name the same ones are the same choice; one that counts the rows and is
// called so is none; anything else would be a guess.
func (t *Table) choose(x *pictureIndex, rule pathRule, column int, others []int) (int, error) {
	index := func(c int) bool {
		return slices.Contains(indexNames, strings.ToLower(strings.TrimSpace(t.raw[0][c])))
	}
	for _, c := range others {
		switch {
		case t.agree(x, rule, column, rule, c):
		case index(column):
			column = c
		case !index(c):
			if t.Columns == nil {
				if err := t.setHeader(HeaderYes); err != nil {
					return 0, err
				}
			}
			row := t.Rows[0]
			return 0, mistakef(ErrDuplicate, "the columns %q and %q of the table %s both name pictures, not the same ones (line %d: %q and %q): set PathColumn to the one that does", t.Columns[column], t.Columns[c], t.File, t.Lines[0], row[column], row[c])
		}
	}
	return column, nil
}

// agree reports whether two columns, each read by its rule, name the same pictures.
func (t *Table) agree(x *pictureIndex, r1 pathRule, c1 int, r2 pathRule, c2 int) bool {
	n := 0
	for _, row := range spread(t.raw, sampleRows) {
		a, b := x.find(r1, row[c1]), x.find(r2, row[c2])
		if len(a) != 1 || len(b) != 1 {
			continue
		}
		if a[0] != b[0] {
			return false
		}
		n++
	}
	return n > 0
}

// findAliases notes the columns that name the same pictures as the chosen one.
func (t *Table) findAliases(x *pictureIndex, column int, rule pathRule) {
	t.alias = map[int]bool{}
	for c := range t.Columns {
		for _, r := range pathRules {
			if c != column && r.zeros == rule.zeros && r.fold == rule.fold && t.agree(x, rule, column, r, c) {
				t.alias[c] = true
			}
		}
	}
}

// wanted returns the column that the caller names. A number counts columns where
// the first row has no names: there it may be a cell of the first row too, as labels
// that are numbers are.
func (t *Table) wanted(x *pictureIndex, want string, h Header) (int, error) {
	if k, err := strconv.Atoi(want); h == HeaderAuto && err == nil && k >= 0 && k < len(t.raw[0]) {
		if _, rule, most, _ := x.best(t.raw, []int{k}); most > 0 && t.beginsAtOnce(x, rule, k) {
			return k, nil
		}
	}
	if err := t.setHeader(headerFor(h, HeaderYes)); err != nil {
		if h != HeaderAuto {
			return 0, err
		}
		if err := t.setHeader(HeaderNo); err != nil { // then want is a number
			return 0, err
		}
	}
	return t.Column(want)
}

// beginsAtOnce reports whether the first row names a picture, so that it has not the
// columns' names.
func (t *Table) beginsAtOnce(x *pictureIndex, rule pathRule, column int) bool {
	return len(x.find(rule, t.raw[0][column])) > 0 || t.looksLikeTheRest(column)
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
	hint := ""
	if cells := cellsOf(t.Rows, column); slices.ContainsFunc(cells, rounded.MatchString) {
		hint = "; numbers such as " + cells[slices.IndexFunc(cells, rounded.MatchString)] + " have lost their digits in a spreadsheet, so write the table again with that column as text"
	}
	return mistakef(ErrNoItems, "no row of the table %s names a picture below %s: line %d has %q, and the pictures are like %s%s; name the column of the paths, or give the folder that they start from",
		t.File, x.root, t.Lines[0], t.Rows[0], strings.Join(x.paths[:min(len(x.paths), 2)], ", "), hint)
}

// rounded is a long number as spreadsheets write it, with the end cut off.
var rounded = regexp.MustCompile(`^\d([.,]\d+)?[eE]\+?\d+$`)

// filled returns an error when row i names no picture.
func (t *Table) filled(i, column int) error {
	if strings.TrimSpace(t.Rows[i][column]) == "" {
		return fmt.Errorf("data: %s line %d: the column %q is empty; it should name a picture", t.File, t.Lines[i], t.PathColumn)
	}
	return nil
}

// place finds the pictures of all rows, and notes what does not fit.
func (t *Table) place(x *pictureIndex, column int, rule pathRule) error {
	t.paths = make([]string, 0, len(t.Rows))
	taken := make([]int, len(x.paths)) // index in keep, from 1, of the row that names the picture; 0 for none
	var keep []int                     // of rows
	var missing, again []string
	for i, row := range t.Rows {
		cell := row[column]
		if err := t.filled(i, column); err != nil {
			return err
		}
		found := x.find(rule, cell)
		p := ""
		switch {
		case len(found) == 0 && filepath.IsAbs(cell):
			p = cell
		case len(found) == 0:
			p = filepath.Join(x.root, filepath.FromSlash(tablePath(cell)))
			missing = append(missing, fmt.Sprintf("line %d, %q", t.Lines[i], cell))
		case len(found) > 1:
			a, b := x.paths[found[0]], x.paths[found[1]]
			return mistakef(ErrDuplicate, "%s line %d: %q may be %s or %s; %s", t.File, t.Lines[i], cell, a, b, rule.settle(a, b))
		default:
			p = filepath.Join(x.root, filepath.FromSlash(x.paths[found[0]]))
			if k := found[0]; taken[k] > 0 {
				first := keep[taken[k]-1]
				if !slices.Equal(t.Rows[first], row) {
					return t.twice(x.paths[k], first, i)
				}
				again = append(again, fmt.Sprintf("line %d", t.Lines[i]))
				continue
			}
			taken[found[0]] = len(keep) + 1
		}
		keep, t.paths = append(keep, i), append(t.paths, p)
	}
	all := len(t.Rows)
	if len(keep) < all {
		t.Rows, t.Lines = pick(t.Rows, keep), pick(t.Lines, keep)
	}
	t.note(rule, all)
	name := filepath.Base(t.File)
	if n := len(again); n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s of %d in %s left out, for an earlier one is the same: %s", plural(n, "row"), all, name, listed(again, shown)))
	}
	if n := len(missing); n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s of %d in %s without a picture: %s", plural(n, "row"), all, name, listed(missing, shown)))
	}
	var unlisted []string
	for i, row := range taken {
		if row == 0 {
			unlisted = append(unlisted, x.paths[i])
		}
	}
	if n := len(unlisted); n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s of %d below the folder not used, for %s has no row for them: %s", plural(n, "picture"), len(x.paths), name, listed(unlisted, shown)))
	}
	return nil
}

// twice is the error of two rows, by their indices, that name one picture and
// differ.
func (t *Table) twice(picture string, first, second int) error {
	differ := ""
	for c := range t.Columns {
		if a, b := t.Rows[first][c], t.Rows[second][c]; a != b && t.Columns[c] != t.PathColumn && !t.alias[c] {
			differ = fmt.Sprintf(" and differ (%s: %q and %q)", t.Columns[c], a, b)
			break
		}
	}
	return mistakef(ErrDuplicate, "%s: lines %d and %d both name the picture %s%s; if it were for training and for validation the result would be too good, so keep one of them", t.File, t.Lines[first], t.Lines[second], picture, differ)
}

// settle says what makes a cell name one of two pictures that it could mean.
func (r pathRule) settle(a, b string) string {
	switch {
	case path.Dir(a) != path.Dir(b) && r.relation == deeper:
		return "write the folder into the table too"
	case r.zeros:
		return "numbers without their leading zeros do not tell them apart, so write the names in full in all rows (in a spreadsheet, as text)"
	case !r.extension && path.Ext(a) != path.Ext(b):
		return "write the extension into the table too"
	}
	return "write the names in all rows exactly as those of the files"
}

// note says in one line how the table was read.
func (t *Table) note(rule pathRule, rows int) {
	s := fmt.Sprintf("%s: %s separated by %s", filepath.Base(t.File), plural(rows, "row"), separatorName(t.Separator))
	if t.Encoding != "UTF-8" {
		s += ", " + t.Encoding
		if f := t.foreign(); f != "" {
			s += fmt.Sprintf(" (as in %q)", f)
		}
	}
	switch {
	case t.dialect.single || t.unwrapped:
		s += ", in quotes that are not \""
	case t.dialect.loose:
		s += ", with quotes or spaces in odd places"
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
	if rule.zeros && len(t.paths) > 0 {
		c, _ := t.Column(t.PathColumn)
		s += fmt.Sprintf(" (%q is %s)", t.Rows[0][c], filepath.Base(t.paths[0]))
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
