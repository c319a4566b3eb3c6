package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CSV is a Source that takes its items from the rows of a table, as a fastai
// block does with a data frame and ColReader. Every column of a row is in the
// item's Fields, for ColumnLabel and ColumnSplit.
//
// What is not given is found out by looking: the encoding (UTF-8, UTF-16,
// UTF-32, Windows-1252), the separator (commas, tabs, semicolons, bars, spaces), whether the
// first row has names, which column names the pictures, and how: paths may lack
// the extension, or start in a folder above or below the root. Table tells what
// was found; what could be meant in two ways is an error.
type CSV struct {
	File       string // the table; relative to the root unless absolute
	PathColumn string // column of the picture's path, by name or by number from 0; "" looks for it
	Prefix     string // put before the column's text, as ColReader's pref
	Suffix     string // put after it (an extension), as ColReader's suff
	Comma      rune   // field separator; 0 looks for it
	Header     Header // whether the first row has the columns' names

	// Images lists and opens the pictures.
	Images Source
}

// List reads the table. Rows keep their order. Errors name the file and line.
func (c CSV) List(ctx context.Context, root string) ([]Item, error) {
	items, _, err := c.ListNoted(ctx, root)
	return items, err
}

// ListNoted is List with notes: what was found out about the table.
func (c CSV) ListNoted(ctx context.Context, root string) ([]Item, []string, error) {
	t, err := c.Table(ctx, root)
	if err != nil {
		return nil, nil, err
	}
	items := make([]Item, len(t.Rows))
	for i, row := range t.Rows {
		fields := make(map[string]string, len(row))
		for j, h := range t.Columns {
			fields[h] = row[j]
		}
		items[i] = Item{Path: t.paths[i], Fields: fields}
	}
	return items, t.Notes, nil
}

// Table reads the table and finds out what c leaves open. Errors name the file
// and line.
func (c CSV) Table(ctx context.Context, root string) (*Table, error) {
	if c.File == "" {
		return nil, errors.New("data: CSV needs the File of the table")
	}
	name := c.File
	if !filepath.IsAbs(name) {
		name = filepath.Join(root, name)
	}
	explicit := c.Prefix != "" || c.Suffix != ""
	var pictures []Item
	if c.Images != nil && !explicit {
		var err error
		if pictures, err = c.Images.List(ctx, root); err != nil && !errors.Is(err, ErrNoItems) {
			return nil, err
		}
	}
	x := newPictureIndex(root, pictures)
	t, err := tableFile{name, openTable(name), c.Comma, x.found}.table(ctx)
	if err != nil {
		return nil, err
	}
	if explicit {
		return t, c.explicit(t, root)
	}
	return t, t.resolve(x, c.PathColumn, c.Header)
}

// explicit takes the paths as Prefix and Suffix make them.
func (c CSV) explicit(t *Table, root string) error {
	if err := t.setHeader(headerFor(c.Header, HeaderYes)); err != nil {
		return err
	}
	col := 0
	if c.PathColumn != "" {
		var err error
		if col, err = t.Column(c.PathColumn); err != nil {
			return err
		}
	}
	t.PathColumn = t.Columns[col]
	t.paths = make([]string, len(t.Rows))
	for i, row := range t.Rows {
		if err := t.filled(i, col); err != nil {
			return err
		}
		p := filepath.FromSlash(c.Prefix + row[col] + c.Suffix)
		if !filepath.IsAbs(p) {
			p = filepath.Join(root, p)
		}
		t.paths[i] = p
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
		col = "found by looking"
	}
	return fmt.Sprintf("CSV(%s, path column %s)", c.File, col)
}
