package data

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file reads what people and programs put around and between the cells of a
// table: quotation marks of several kinds, or marks that are part of the text, and
// spaces after the separators.

// dialect is how a table's text is cut into cells.
type dialect struct {
	comma rune
	// single says that ' encloses cells, not ".
	single bool
	// loose takes a quotation mark in the middle of a cell as part of it, and
	// spaces after a separator as none of it.
	loose bool
}

// rowReader reads the rows of a text in a dialect.
type rowReader struct {
	*csv.Reader
	d dialect
}

// newReader returns a reader of the rows of text.
func (d dialect) newReader(text io.Reader) *rowReader {
	if d.single {
		text = swapped{text}
	}
	r := &rowReader{csv.NewReader(text), d}
	r.Comma, r.LazyQuotes = d.comma, d.loose
	r.TrimLeadingSpace = d.loose && !unicode.IsSpace(d.comma) || d.comma == ' ' // several are one
	return r
}

// Read returns the next row. Its errors are those of package csv.
func (r *rowReader) Read() ([]string, error) {
	row, err := r.Reader.Read()
	if n := len(row); n > 0 {
		row[n-1] = strings.TrimRight(row[n-1], "\r") // lines that end in two, as Python's module csv may write them on Windows
	}
	if r.d.single {
		for i, s := range row {
			b := []byte(s) // perhaps of another encoding than UTF-8
			swapQuotes(b)
			row[i] = string(b)
		}
	}
	if err == nil && r.d.loose {
		for i, s := range row {
			// Where marks may stand anywhere, one that is never closed takes the rest of
			// the table into one cell.
			if strings.ContainsAny(s, "\n") {
				line, column := r.FieldPos(i)
				return nil, &csv.ParseError{StartLine: line, Line: line, Column: column, Err: csv.ErrQuote}
			}
		}
	}
	return row, err
}

// swapQuotes exchanges the two kinds of quotation marks.
func swapQuotes(text []byte) {
	for i, c := range text {
		switch c {
		case '\'':
			text[i] = '"'
		case '"':
			text[i] = '\''
		}
	}
}

// swapped reads a text with its quotation marks exchanged, so that package csv sees
// cells in single ones as cells in quotes.
type swapped struct{ r io.Reader }

func (s swapped) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	swapQuotes(p[:n])
	return n, err
}

// sniffDialect returns the dialect by which the beginning of a table falls into
// rows of equally many columns, more than one. Where there are several, choose
// scores the rows of each. comma is the separator, 0 if it is to be found out.
func sniffDialect(sample string, comma rune, choose func(rows [][]string) int) dialect {
	best := dialect{comma: comma}
	commas := []rune{comma}
	if comma == 0 {
		best.comma, commas = separators[0], separators
	}
	most := -1
	for _, loose := range []bool{false, true} {
		for _, single := range []bool{false, true} {
			if mark := `"'`; loose && !strings.ContainsAny(sample, mark) || single && !strings.Contains(sample, mark[1:]) {
				continue
			}
			for _, c := range commas {
				d := dialect{c, single, loose}
				rows := sampleOf(sample, d)
				if len(rows) == 0 || comma == 0 && len(rows[0]) < 2 {
					continue
				}
				if n := choose(rows); n > most {
					best, most = d, n
				}
			}
		}
		if most > 0 {
			break // the stricter reading does
		}
	}
	if most < 0 && comma == 0 {
		// No rows of equally many columns: reading says which line is at fault.
		line := sample[:min(len(sample), 4096)]
		for _, c := range separators {
			if strings.Count(line, string(c)) > strings.Count(line, string(best.comma)) && c != ' ' {
				best.comma = c
			}
		}
	}
	return best
}

// quoteError says in words what is wrong with the quotation marks of a line.
func quoteError(file string, line int, d dialect, err error) error {
	mark := `"`
	if d.single {
		mark = `'`
	}
	msg := fmt.Sprintf("the quotes (%s) of a cell that begins near line %d are not closed, or have text behind them: close them right before the separator, and write %s within quotes twice", mark, line, mark)
	if err == csv.ErrBareQuote {
		msg = fmt.Sprintf("line %d has the mark %s in the middle of a cell that is not in quotes: put the cell into quotes, with the mark written twice", line, mark)
	}
	return &mistake{kind: err, msg: fmt.Sprintf("cannot read the table %s: %s", file, msg)}
}

// around are the marks that programs and people put around a cell, besides those
// that a dialect knows.
var around = [][2]string{{`'`, `'`}, {"‘", "’"}, {"“", "”"}, {"„", "“"}, {"”", "”"}, {"«", "»"}, {"»", "«"}, {"‹", "›"}, {"「", "」"}, {"`", "`"}, {"´", "´"}}

// unwrap takes off the marks and the spaces that stand around all cells of a
// column, but perhaps the first, which may be its name.
func (t *Table) unwrap() {
	for c := range t.raw[0] {
		if t.all(c, func(s string) bool { return strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") }) {
			t.each(c, strings.TrimSpace)
		}
		for _, marks := range around {
			open, end := marks[0], marks[1]
			wrapped := func(s string) bool {
				return len(s) >= len(open)+len(end) && strings.HasPrefix(s, open) && strings.HasSuffix(s, end)
			}
			if !t.all(c, wrapped) {
				continue
			}
			t.each(c, func(s string) string {
				if !wrapped(s) {
					return s
				}
				s = s[len(open) : len(s)-len(end)]
				if open == end {
					s = strings.ReplaceAll(s, open+open, open)
				}
				return s
			})
			t.unwrapped = true
		}
	}
}

// all reports whether is holds for every cell of a column that is not empty, but
// the first if there are others.
func (t *Table) all(column int, is func(string) bool) bool {
	n := 0
	for i, row := range t.raw {
		switch s := row[column]; {
		case s == "" || i == 0 && len(t.raw) > 1:
		case !is(s):
			return false
		default:
			n++
		}
	}
	return n > 0
}

// each changes all cells of a column.
func (t *Table) each(column int, change func(string) string) {
	for _, row := range t.raw {
		row[column] = change(row[column])
	}
}

// foreign returns a cell of the table that is not plain ASCII, which shows whether
// the encoding was understood, or "".
func (t *Table) foreign() string {
	for _, row := range t.raw {
		for _, s := range row {
			if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
				return s
			}
		}
	}
	return ""
}
