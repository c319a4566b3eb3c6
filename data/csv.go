package data

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// CSV is a Source that takes its items from the rows of a table, as a fastai
// block does with a data frame and ColReader. The first row names the columns;
// every column of a row is in the item's Fields, for ColumnLabel and
// ColumnSplit.
type CSV struct {
	File       string // the table; relative to the root unless absolute
	PathColumn string // column of the picture's path; "" is the first column
	Prefix     string // put before the column's text, as ColReader's pref
	Suffix     string // put after it (an extension), as ColReader's suff
	Comma      rune   // field separator; 0 is a comma
	NoHeader   bool   // there is no first row of names: columns are "0", "1", …

	// Images opens the pictures; its List is not used. Paths are relative to
	// the root unless absolute.
	Images Source
}

// maxCSV bounds a table's size in bytes: a million rows need about 100 MB.
const maxCSV = 1 << 30

// A row of two bytes takes hundreds in memory, so that the size of the file alone
// bounds nothing.
const (
	maxCSVRows  = 4_000_000
	maxCSVCells = 16_000_000
)

// List reads the table. Rows keep their order. Errors name the file and line.
func (c CSV) List(ctx context.Context, root string) ([]Item, error) {
	if c.File == "" {
		return nil, errors.New("data: CSV needs the File of the table")
	}
	name := c.File
	if !filepath.IsAbs(name) {
		name = filepath.Join(root, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("data: cannot read the table: %w", err)
	}
	defer f.Close()
	rows, err := readTable(ctx, f, name, c.Comma, c.NoHeader)
	if err != nil {
		return nil, err
	}
	return c.items(root, name, rows)
}

// table is a CSV file: header and rows of equal length, and the line of each row.
type table struct {
	header []string
	rows   [][]string
	lines  []int
}

func (c CSV) items(root, name string, t *table) ([]Item, error) {
	col := 0
	if c.PathColumn != "" {
		col = -1
		for i, h := range t.header {
			if h == c.PathColumn {
				col = i
			}
		}
		if col < 0 {
			return nil, fmt.Errorf("data: %s has no column %q; its columns are %q", name, c.PathColumn, t.header)
		}
	}
	if len(t.rows) == 0 {
		return nil, mistakef(ErrNoItems, "the table %s has no rows", name)
	}
	items := make([]Item, len(t.rows))
	for i, row := range t.rows {
		if row[col] == "" {
			return nil, fmt.Errorf("data: %s line %d: the column %q is empty; it should name a picture", name, t.lines[i], t.header[col])
		}
		fields := make(map[string]string, len(row))
		for j, h := range t.header {
			fields[h] = row[j]
		}
		path := filepath.FromSlash(c.Prefix + row[col] + c.Suffix)
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		items[i] = Item{Path: path, Fields: fields}
	}
	return items, nil
}

// readTable reads a whole CSV file; name is for errors. A byte-order mark, as
// spreadsheets write it, is skipped.
func readTable(ctx context.Context, r io.Reader, name string, comma rune, noHeader bool) (*table, error) {
	lr := &io.LimitedReader{R: r, N: maxCSV + 1}
	br := bufio.NewReader(lr)
	if b, _ := br.Peek(3); string(b) == "\ufeff" {
		if _, err := br.Discard(3); err != nil {
			return nil, fmt.Errorf("data: cannot read the table %s: %w", name, err)
		}
	}
	cr := csv.NewReader(br)
	if comma != 0 {
		cr.Comma = comma
	}
	t := &table{}
	for {
		row, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil { // a *csv.ParseError names line and column
			return nil, fmt.Errorf("data: cannot read the table %s: %w", name, err)
		}
		if lr.N <= 0 {
			return nil, fmt.Errorf("data: the table %s is larger than %d bytes", name, maxCSV)
		}
		if t.header == nil {
			if err := t.setHeader(row, name, noHeader); err != nil {
				return nil, err
			}
			if !noHeader {
				continue
			}
		}
		line, _ := cr.FieldPos(0)
		if len(t.rows) == maxCSVRows || (len(t.rows)+1)*len(row) > maxCSVCells {
			return nil, fmt.Errorf("data: the table %s has more than %d rows or %d cells; cut it into several, or leave columns out", name, maxCSVRows, maxCSVCells)
		}
		t.rows = append(t.rows, row)
		t.lines = append(t.lines, line)
		if len(t.rows)&4095 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if t.header == nil {
		return nil, mistakef(ErrNoItems, "the table %s is empty", name)
	}
	return t, nil
}

func (t *table) setHeader(row []string, name string, noHeader bool) error {
	if noHeader {
		for i := range row {
			t.header = append(t.header, strconv.Itoa(i))
		}
		return nil
	}
	seen := map[string]bool{}
	for i, h := range row {
		h = strings.TrimSpace(h)
		if h == "" { // pandas writes its index under an empty name
			h = strconv.Itoa(i)
		}
		if seen[h] {
			return fmt.Errorf("data: %s has two columns named %q; rename one", name, h)
		}
		seen[h] = true
		t.header = append(t.header, h)
	}
	return nil
}

// Open opens a row's picture with Images.
func (c CSV) Open(item Item) (*Image, error) {
	if c.Images == nil {
		return nil, errors.New("data: CSV needs Images, the source that opens pictures (vision.ImageFiles)")
	}
	return c.Images.Open(item)
}

// Check looks at the picture's header where Images can, and otherwise that the
// file is there.
func (c CSV) Check(item Item) (width, height int, err error) {
	if ch, ok := c.Images.(Checker); ok {
		return ch.Check(item)
	}
	_, err = os.Stat(item.Path)
	return 0, 0, err
}

// String names the table and its column.
func (c CSV) String() string {
	col := c.PathColumn
	if col == "" {
		col = "the first"
	}
	return fmt.Sprintf("CSV(%s, path column %s)", c.File, col)
}
