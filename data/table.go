package data

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/whippet-ml/whippet/internal/files"
)

// This file reads tables as people have them: saved by spreadsheets in UTF-16
// or a Windows code page, separated by commas, tabs or semicolons, with names
// in the first row or without.

// Header says whether the first row of a table names its columns.
type Header int

const (
	// HeaderAuto looks: a first row that names a picture is no header.
	HeaderAuto Header = iota
	// HeaderYes takes the first row as the names of the columns.
	HeaderYes
	// HeaderNo takes it as a row like the others. Columns are then "0", "1", ….
	HeaderNo
)

// Table is a table of pictures, and what was found out about it.
type Table struct {
	File    string     // as it was opened
	Columns []string   // names, or "0", "1", … without a header row
	Rows    [][]string // without the header, all of the same length
	Lines   []int      // where each row begins in the file, from 1

	Encoding  string // "UTF-8", "UTF-16", "UTF-32" or "Windows-1252"
	Separator rune
	Header    Header // HeaderYes or HeaderNo

	// PathColumn is the column that names the pictures.
	PathColumn string
	// Notes say in a line each what was decided, and what the table or the
	// folder has that the other has not.
	Notes []string

	paths     []string // of the rows' pictures
	before    int      // lines before the first row
	dialect   dialect
	unwrapped bool // marks around cells were taken off
	raw       [][]string
	lines     []int
	alias     map[int]bool // other columns that name the rows' pictures
}

// maxCSV bounds a table's size in bytes: a million rows need about 100 MB.
const maxCSV = 1 << 30

// A row of two bytes takes hundreds in memory, so that the size of the file alone
// bounds nothing.
const (
	maxCSVRows  = 4_000_000
	maxCSVCells = 16_000_000
)

// sampleBytes and sampleRows are how much of a table decides its form.
const (
	sampleBytes = 64 << 10
	sampleRows  = 500
)

// separators are what tables are cut by, the most usual first.
var separators = []rune{',', '\t', ';', '|', ' '}

var separatorNames = map[rune]string{',': "commas", '\t': "tabs", ';': "semicolons", '|': "bars", ' ': "spaces"}

// textDecoding is an encoding of text, with its name.
type textDecoding struct {
	name string
	enc  encoding.Encoding // nil for UTF-8
}

// sniffEncoding tells the encoding by the beginning of a file: by its
// byte-order mark, or by the zero bytes that UTF-16 has in Latin text.
func sniffEncoding(head []byte) textDecoding {
	utf16 := func(e unicode.Endianness) textDecoding {
		return textDecoding{"UTF-16", unicode.UTF16(e, unicode.UseBOM)}
	}
	switch {
	case len(head) > 3 && head[0] == 0xFF && head[1] == 0xFE && head[2] == 0 && head[3] == 0:
		return textDecoding{"UTF-32", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)}
	case len(head) > 3 && head[0] == 0 && head[1] == 0 && head[2] == 0xFE && head[3] == 0xFF:
		return textDecoding{"UTF-32", utf32.UTF32(utf32.BigEndian, utf32.UseBOM)}
	case len(head) < 2:
	case head[0] == 0xFF && head[1] == 0xFE, head[0] != 0 && head[1] == 0:
		return utf16(unicode.LittleEndian)
	case head[0] == 0xFE && head[1] == 0xFF, head[0] == 0 && head[1] != 0:
		return utf16(unicode.BigEndian)
	}
	return textDecoding{"UTF-8", nil}
}

var windows1252 = textDecoding{"Windows-1252", charmap.Windows1252}

// errNotUTF8 means that a table without a byte-order mark is not UTF-8.
var errNotUTF8 = errors.New("the text is not UTF-8")

// tableFile is a table before it is read.
type tableFile struct {
	name string
	open func() (io.ReadCloser, error)
	// comma is the separator; 0 leaves it to be found out.
	comma rune
	// choose scores the rows that a separator gives, to decide between several
	// that the text allows.
	choose func(rows [][]string) int
}

// openTable opens the table at a path, which is nothing but a regular file.
func openTable(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		f, _, err := files.Open(path)
		return f, err
	}
}

// table reads all rows, in the file's own encoding.
func (f tableFile) table(ctx context.Context) (*Table, error) {
	t, err := f.tableIn(ctx, textDecoding{}, false)
	if errors.Is(err, errNotUTF8) {
		t, err = f.tableIn(ctx, windows1252, false)
	}
	if errors.Is(err, csv.ErrBareQuote) { // beyond the beginning by which the dialect was told
		if loose, e := f.tableIn(ctx, textDecoding{}, true); e == nil {
			return loose, nil
		}
		if loose, e := f.tableIn(ctx, windows1252, true); e == nil {
			return loose, nil
		}
	}
	return t, err
}

// tableIn is table in a given encoding; the zero one is found out. loose is the
// dialect's, whatever the beginning of the table looks like.
func (f tableFile) tableIn(ctx context.Context, enc textDecoding, loose bool) (*Table, error) {
	r, err := f.open()
	if err != nil {
		return nil, fmt.Errorf("data: cannot read the table: %w", err)
	}
	defer r.Close()
	limited := &io.LimitedReader{R: r, N: maxCSV + 1}
	raw := bufio.NewReaderSize(limited, sampleBytes)
	if enc.name == "" {
		head, _ := raw.Peek(4)
		enc = sniffEncoding(head)
	}
	text := raw
	if enc.enc != nil {
		text = bufio.NewReaderSize(enc.enc.NewDecoder().Reader(raw), sampleBytes)
	}
	if b, _ := text.Peek(3); string(b) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	t := &Table{File: f.name, Encoding: enc.name}
	comma := f.comma
	sample, _ := text.Peek(sampleBytes)
	if bytes.IndexByte(sample, '\r') >= 0 && bytes.IndexByte(sample, '\n') < 0 {
		text = bufio.NewReaderSize(oldLines{text}, sampleBytes)
		sample, _ = text.Peek(sampleBytes)
	}
	if sep, length := excelLine(sample); length > 0 {
		if comma == 0 {
			comma = sep
		}
		_, _ = text.Discard(length)
		t.before, sample = 1, sample[length:]
	}
	t.dialect = sniffDialect(string(sample), comma, f.choose)
	t.dialect.loose = t.dialect.loose || loose
	t.Separator = t.dialect.comma
	if err := t.read(ctx, text, limited); err != nil {
		return t, err
	}
	t.unwrap()
	return t, nil
}

// oldLines reads a text whose lines end in carriage returns alone, as Excel writes
// tables "for Macintosh", with line feeds in their place.
type oldLines struct{ r io.Reader }

func (o oldLines) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// excelLine returns the separator that a first line such as "sep=;" names, which
// is for Excel and no row, and the line's length, 0 where there is none.
func excelLine(b []byte) (sep rune, length int) {
	line, _, ok := bytes.Cut(b, []byte("\n"))
	text := strings.Trim(strings.TrimSuffix(string(line), "\r"), `"`)
	if !ok || len(text) < 5 || !strings.EqualFold(text[:4], "sep=") {
		return 0, 0
	}
	sep, n := utf8.DecodeRuneInString(text[4:])
	if n != len(text)-4 {
		return 0, 0
	}
	return sep, len(line) + 1
}

// sampleOf cuts the beginning of a table into rows, or returns none when they
// are not of one length. The last row may be cut off and is left out.
func sampleOf(sample string, d dialect) [][]string {
	r := d.newReader(strings.NewReader(sample))
	var rows [][]string
	for len(rows) < sampleRows {
		row, err := r.Read()
		if err != nil {
			var wrong *csv.ParseError
			if errors.As(err, &wrong) && len(sample) < sampleBytes {
				return nil
			}
			break
		}
		rows = append(rows, row)
	}
	if len(sample) == sampleBytes && len(rows) > 1 && len(rows) < sampleRows {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// read reads all rows.
func (t *Table) read(ctx context.Context, text io.Reader, limited *io.LimitedReader) error {
	cr := t.dialect.newReader(text)
	foreign, undecodable := 0, 0 // rows with letters beyond ASCII in UTF-8, line of the first that is not UTF-8
	for {
		row, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t.unreadable(row, cr, err)
		}
		if limited.N <= 0 {
			return fmt.Errorf("data: the table %s is larger than %d bytes", t.File, maxCSV)
		}
		if len(t.raw) == maxCSVRows || (len(t.raw)+1)*len(row) > maxCSVCells {
			return fmt.Errorf("data: the table %s has more than %d rows or %d cells; cut it into several, or leave columns out", t.File, maxCSVRows, maxCSVCells)
		}
		line, _ := cr.FieldPos(0)
		line += t.before
		switch {
		case t.Encoding == windows1252.name && slices.ContainsFunc(row, unassigned):
			return fmt.Errorf("data: cannot read the table %s: line %d is neither in UTF-8, UTF-16, UTF-32 nor in Windows-1252: save the table as UTF-8 (in Excel: CSV UTF-8)", t.File, line)
		case t.Encoding != "UTF-8":
		case undecodable == 0 && slices.ContainsFunc(row, func(s string) bool { return !utf8.ValidString(s) }):
			undecodable = line
		case slices.ContainsFunc(row, func(s string) bool { return utf8.RuneCountInString(s) < len(s) && utf8.ValidString(s) }):
			foreign++
		}
		t.raw, t.lines = append(t.raw, row), append(t.lines, line)
		if len(t.raw)&4095 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	switch {
	case len(t.raw) == 0:
		return mistakef(ErrNoItems, "the table %s is empty", t.File)
	case undecodable > 0 && foreign > 0:
		return fmt.Errorf("data: cannot read the table %s: line %d is not in UTF-8, and other lines are: save all of it in one encoding, best UTF-8", t.File, undecodable)
	case undecodable > 0:
		return errNotUTF8
	}
	return nil
}

// unassigned reports whether a cell has bytes that Windows-1252 gives no letter.
func unassigned(cell string) bool {
	return strings.ContainsFunc(cell, func(r rune) bool { return r >= 0x80 && r < 0xa0 || r == utf8.RuneError })
}

// unreadable says what is wrong with a row that could not be read.
func (t *Table) unreadable(row []string, cr *rowReader, err error) error {
	var wrong *csv.ParseError
	switch {
	case !errors.As(err, &wrong):
		return fmt.Errorf("data: cannot read the table %s: %w", t.File, err)
	case errors.Is(err, csv.ErrFieldCount) && len(t.raw) == 1 && cr.FieldsPerRecord == 1:
		return fmt.Errorf("data: cannot read the table %s: line %d has %d columns, cut at %s, and the first line is one text, %.60q: if that is a title or a remark, remove the line", t.File, wrong.Line+t.before, len(row), separatorName(t.Separator), t.raw[0][0])
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("data: cannot read the table %s: line %d has %d columns and the first line has %d, cut at %s: add what is missing, or put quotes around text that holds the separator", t.File, wrong.Line+t.before, len(row), cr.FieldsPerRecord, separatorName(t.Separator))
	}
	return quoteError(t.File, wrong.StartLine+t.before, t.dialect, wrong.Err)
}

func separatorName(sep rune) string {
	if s := separatorNames[sep]; s != "" {
		return s
	}
	return strconv.QuoteRune(sep)
}

// setHeader takes the first row as names, or names the columns by number.
func (t *Table) setHeader(h Header) error {
	t.Header, t.Columns = h, nil
	if h == HeaderNo {
		for i := range t.raw[0] {
			t.Columns = append(t.Columns, strconv.Itoa(i))
		}
		t.Rows, t.Lines = t.raw, t.lines
		return nil
	}
	seen := map[string]bool{}
	for i, name := range t.raw[0] {
		name = strings.TrimSpace(name)
		if name == "" { // pandas writes its index under an empty name
			name = strconv.Itoa(i)
		}
		if seen[name] {
			return fmt.Errorf("data: %s has two columns named %q; rename one", t.File, name)
		}
		seen[name] = true
		t.Columns = append(t.Columns, name)
	}
	t.Rows, t.Lines = t.raw[1:], t.lines[1:]
	if len(t.Rows) == 0 {
		return mistakef(ErrNoItems, "the table %s has no rows", t.File)
	}
	return nil
}

// Column returns the index of a column by its name, or by its number counted
// from 0, as fastai and pandas count, where no column has that name.
func (t *Table) Column(name string) (int, error) {
	if i := slices.Index(t.Columns, name); i >= 0 {
		return i, nil
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(t.Columns) {
		return i, nil
	}
	return 0, fmt.Errorf("data: %s has no column %q; its columns are %q, and 0 to %d by number", t.File, name, t.Columns, len(t.Columns)-1)
}

// labelNames are what people call the column of labels.
var labelNames = []string{"label", "labels", "class", "category", "target", "tag", "tags", "breed", "species", "y"}

// partNames are what people call columns that say for which part of training a
// picture is.
var partNames = []string{"is_valid", "is_val", "is_test", "valid", "validation", "split", "set", "subset", "dataset", "fold", "partition", "part"}

// LabelColumn is the column that has the labels when nobody says which: one
// that is called so, else the second, as in fastai's from_csv, else the first
// that does not name the pictures. A column that only counts the rows, names the
// pictures in another way, or is called as those that split them is none, if there
// is another. It returns an error when there is none.
func (t *Table) LabelColumn() (string, error) {
	for _, want := range labelNames {
		for _, c := range t.Columns {
			if strings.EqualFold(c, want) && c != t.PathColumn {
				return c, nil
			}
		}
	}
	var others []int
	for i, c := range t.Columns {
		switch {
		case c == t.PathColumn:
		case i == 1:
			others = slices.Insert(others, 0, i)
		default:
			others = append(others, i)
		}
	}
	for _, c := range others {
		splits := slices.ContainsFunc(partNames, func(s string) bool { return strings.EqualFold(s, t.Columns[c]) })
		if !splits && !t.alias[c] && !t.counts(c) {
			return t.Columns[c], nil
		}
	}
	if len(others) > 0 {
		return t.Columns[others[0]], nil
	}
	return "", mistakef(ErrLabel, "the table %s has one column, %q; it needs the picture's path and its label", t.File, t.PathColumn)
}

// counts reports whether a column has a number of its own in every row, as the
// index that pandas writes.
func (t *Table) counts(column int) bool {
	seen := make(map[string]bool, len(t.Rows))
	for _, row := range t.Rows {
		v := strings.TrimSpace(row[column])
		if _, err := strconv.Atoi(v); err != nil || seen[v] {
			return false
		}
		seen[v] = true
	}
	return len(t.Rows) > 2
}
