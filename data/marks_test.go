package data

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/task"
)

func TestMarkColumns(t *testing.T) {
	for _, c := range []struct{ a, b, want, fails string }{
		{"1", "0", "a", ""},
		{"True", " yes ", "a,b", ""},
		{"1.0", "0.0", "a", ""},
		{"no", "FALSE", "", ""},
		{"1", "", "", `"b" is empty: write 1`},
		{"1", " ", "", `"b" is empty`},
		{"-1", "1", "", "some tables write for absent and others for unknown"},
		{"2", "1", "", `"a" is "2"`},
		{"0.7", "1", "", `"a" is "0.7"`},
		{"NaN", "1", "", `"a" is "NaN"`},
	} {
		got, err := MarkColumns("a", "b").Labels("", Item{Fields: map[string]string{"a": c.a, "b": c.b}})
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q, %q: error %v, want one with %q", c.a, c.b, err, c.fails)
			}
		} else if err != nil || got == nil || strings.Join(got, ",") != c.want {
			t.Errorf("%q, %q: labels %q, error %v; want %q", c.a, c.b, got, err, c.want)
		}
	}
	if _, err := MarkColumns("c").Labels("", Item{Fields: map[string]string{"a": "1"}}); err == nil || !strings.Contains(err.Error(), `no column "c"`) {
		t.Errorf("a column that is not there: %v", err)
	}
}

// TestMarkTableMistakes: a column that is one of labels but for a few cells is not passed over in silence.
func TestMarkTableMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		cells []string // of the column b, beside one that is right
		want  string   // in the error; "" for none
	}{
		"a two":           {[]string{"1", "0", "0", "1", "0", "0", "1", "0", "0", "2"}, `and "2" in line 11`},
		"an empty cell":   {[]string{"1", "0", "", "1"}, `and "" in line 4`},
		"minus one":       {[]string{"1", "-1", "-1", "-1"}, `0 and 1 in 1 of 4 rows of the column "b", and "-1" in line 3`},
		"a number":        {[]string{"0", "5", "1", "7"}, ""},
		"an empty column": {[]string{"", "", "", ""}, ""},
		"a text":          {[]string{"x", "yes", "z", "w"}, ""},
	} {
		table := &Table{File: "t.csv", Columns: []string{"file", "a", "b"}, PathColumn: "file"}
		for i, cell := range tc.cells {
			table.Rows, table.Lines = append(table.Rows, []string{string(rune('a' + i)), "1", cell}), append(table.Lines, i+2)
		}
		got, err := table.MarkColumns()
		if tc.want == "" && (err != nil || !slices.Equal(got, []string{"a"})) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: columns %q, error %v; want %q", name, got, err, tc.want)
		}
	}
}

// TestMarkTable finds the columns of labels and builds loaders whose vocabulary has their order.
func TestMarkTable(t *testing.T) {
	files := map[string][]byte{}
	table := "file,sea,Sand,score,is_valid,patient\n"
	for i, row := range []string{"1,0,3,0,1", "0,1,1,0,0", "1,1,0,0,1", "0,0,1,1,0", "1,0,1,1,1"} {
		name := string(rune('a'+i)) + ".png"
		files[name] = picture(12, 12, uint64(i))
		table += name + "," + row + "\n"
	}
	files["t.csv"] = []byte(table)
	root := write(t, files)
	src := CSV{File: "t.csv", Images: pngs{}}
	found, err := src.Table(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := found.MarkColumns("patient"); err != nil || !slices.Equal(got, []string{"sea", "Sand"}) {
		t.Errorf("columns of labels %q, %v; want sea and Sand", got, err)
	}
	if _, err := found.MarkColumns("patient", "sea", "Sand"); err == nil || !strings.Contains(err.Error(), "no column of 0 and 1 alone") {
		t.Errorf("no columns of labels: %v", err)
	}
	b := petsBlock()
	b.Task, b.Items, b.Label, b.Split, b.Vocab, b.BatchSize = task.MultiLabel, src, MarkColumns("sea", "Sand"), ColumnSplit("is_valid"), []string{"sea", "Sand"}, 2
	d := build(t, b, root)
	if got := d.Train.Targets().Values.Data; !slices.Equal(got, []float32{1, 0, 0, 1, 1, 1}) {
		t.Errorf("training targets %v", got)
	}
	if got := d.Valid.Targets().Values.Data; !slices.Equal(got, []float32{0, 0, 1, 0}) {
		t.Errorf("validation targets %v", got)
	}
}
