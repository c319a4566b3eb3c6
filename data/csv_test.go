package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name  string
		table string
		csv   CSV
		paths []string // below the root
		field string   // "column=value" of the last item
		fails string
	}{
		{"first column", "name,label\na.jpg,cat\nb/c.jpg,dog\n", CSV{}, []string{"a.jpg", "b/c.jpg"}, "label=dog", ""},
		{"named column, prefix and suffix", "label,id\ncat,1\ndog,2\n", CSV{PathColumn: "id", Prefix: "train/x", Suffix: ".png"}, []string{"train/x1.png", "train/x2.png"}, "id=2", ""},
		{"a spreadsheet's mark, CRLF, quotes", "\ufeffname,label\r\n\"a,b.jpg\",\"a \"\"cat\"\"\"\r\n", CSV{}, []string{"a,b.jpg"}, `label=a "cat"`, ""},
		{"a data frame with its index", ",name\n0,a.jpg\n1,b.jpg\n", CSV{PathColumn: "name"}, []string{"a.jpg", "b.jpg"}, "0=1", ""},
		{"tabs", "name\tlabel\na.jpg\tcat, small\n", CSV{Comma: '\t'}, []string{"a.jpg"}, "label=cat, small", ""},
		{"no header", "a.jpg,cat\nb.jpg,dog\n", CSV{Header: HeaderNo}, []string{"a.jpg", "b.jpg"}, "1=dog", ""},
		{"no such column", "name,label\na,b\n", CSV{PathColumn: "path"}, nil, "", `no column "path"; its columns are ["name" "label"]`},
		{"two columns of a name", "name,name\na,b\n", CSV{}, nil, "", `two columns named "name"`},
		{"row too short", "name,label\na.jpg,cat\nb.jpg\n", CSV{}, nil, "", "line 3"},
		{"open quote", "name,label\n\"a.jpg,cat\n", CSV{}, nil, "", "line"},
		{"no path", "name,label\na.jpg,cat\n,dog\n", CSV{}, nil, "", "line 3: the column \"name\" is empty"},
		{"no rows", "name,label\n", CSV{}, nil, "", "has no rows"},
		{"nothing", "", CSV{}, nil, "", "is empty"},
		{"a separator that cannot be one", "a,b\n", CSV{Comma: '\n'}, nil, "", "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, map[string][]byte{"labels.csv": []byte(c.table)})
			c.csv.File = "labels.csv"
			items, err := c.csv.List(context.Background(), root)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), "labels.csv") {
					t.Errorf("error %v, want one with the file's name and %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, it := range items {
				got = append(got, relative(root, it.Path))
			}
			column, value, _ := strings.Cut(c.field, "=")
			if last := items[len(items)-1].Fields; !slices.Equal(got, c.paths) || last[column] != value {
				t.Errorf("paths %q, last row %q; want %q and %s", got, last, c.paths, c.field)
			}
		})
	}
	if _, err := (CSV{File: "none.csv"}).List(context.Background(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "none.csv") {
		t.Errorf("a table that is not there: %v", err)
	}
	if _, err := (CSV{}).List(context.Background(), ""); err == nil {
		t.Error("a CSV without a file was listed")
	}
	if _, err := (CSV{}).Open(Item{}); err == nil {
		t.Error("a CSV without Images opened a picture")
	}
}

// TestCSVBlock builds loaders from a table with labels and split in columns.
func TestCSVBlock(t *testing.T) {
	files := map[string][]byte{}
	var table bytes.Buffer
	table.WriteString("file,breed,is_valid\n")
	for i := range 24 {
		name := fmt.Sprintf("p%02d", i)
		files["img/"+name+".png"] = picture(12, 12, uint64(i))
		fmt.Fprintf(&table, "%s,%d,%v\n", name, []int{10, 9}[i%2], i%4 == 3 || i%4 == 0)
	}
	files["t.csv"] = table.Bytes()
	root := write(t, files)
	b := petsBlock()
	b.Items = CSV{File: filepath.Join(root, "t.csv"), Prefix: "img/", Suffix: ".png", Images: pngs{}}
	b.Label, b.Split = ColumnLabel("breed"), ColumnSplit("is_valid")
	d := build(t, b, root)
	if !slices.Equal(d.Vocab, []string{"9", "10"}) || len(d.Train.Items()) != 12 || len(d.Valid.Items()) != 12 {
		t.Errorf("vocabulary %q, %d and %d items; want 9 before 10 as numbers, 12 and 12", d.Vocab, len(d.Train.Items()), len(d.Valid.Items()))
	}
	if _, err := d.Train.OneBatch(context.Background()); err != nil {
		t.Error(err)
	}
	files["t.csv"] = append(table.Bytes(), "gone,9,False\n"...)
	root = write(t, files)
	b.Items = CSV{File: "t.csv", Prefix: "img/", Suffix: ".png", Images: noCheck{pngs{}}}
	if _, err := b.DataLoaders(context.Background(), root); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "img/gone.png") {
		t.Errorf("a row without its picture: %v, want an error that names it", err)
	}
}

// textTable is a table in memory.
func textTable(s string) tableFile {
	x := newPictureIndex("/r", nil)
	return tableFile{"t.csv", func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }, 0, x.found}
}

// TestLargeTables: rows of two bytes and rows of many columns are counted.
func TestLargeTables(t *testing.T) {
	slow.Test(t)
	for name, s := range map[string]string{
		"rows":  strings.Repeat("a\n", maxCSVRows+2),
		"cells": strings.Repeat(strings.Repeat(",", 15_999)+"\n", 1002),
	} {
		if _, err := textTable(s).table(context.Background()); err == nil || !strings.Contains(err.Error(), "16000000 cells") {
			t.Errorf("too many %s: %v", name, err)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	for _, s := range []string{"name,label\na.jpg,cat\n", "\ufeffa\n", "\"", "a,a\n", ",\n,\n", "a\n\n\nb\n", "a\tb\nc\td\n", "\xff\xfea\x00;\x00b\x00\n\x00", "a;\xe4\n"} {
		f.Add(s, 0)
		f.Add(s, 2)
	}
	pictures := []Item{{Path: "/r/a.jpg"}, {Path: "/r/sub/c.png"}, {Path: "/r/x/c.png"}}
	f.Fuzz(func(t *testing.T, s string, header int) {
		tab, err := textTable(s).table(t.Context())
		if err != nil {
			return
		}
		if err := tab.resolve(newPictureIndex("/r", pictures), "", Header(header)); err != nil {
			return
		}
		if len(tab.Rows) != len(tab.Lines) || len(tab.Rows) != len(tab.paths) {
			t.Fatalf("%d rows with %d lines and %d paths", len(tab.Rows), len(tab.Lines), len(tab.paths))
		}
		for i, r := range tab.Rows {
			if len(r) != len(tab.Columns) || tab.Lines[i] < 1 || tab.paths[i] == "" {
				t.Fatalf("row %d has %d columns for %d names, line %d, path %q", i, len(r), len(tab.Columns), tab.Lines[i], tab.paths[i])
			}
		}
	})
}
