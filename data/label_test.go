package data

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/task"
)

func TestLabels(t *testing.T) {
	row := Item{Path: "x.jpg", Fields: map[string]string{"label": "cat", "empty": ""}}
	for _, c := range []struct {
		name  string
		l     Labeler
		item  Item
		want  string
		fails string
	}{
		{"pets", RegexLabel(`(.+)_\d+.jpg$`), Item{Path: "/d/images/great_pyrenees_173.jpg"}, "great_pyrenees", ""},
		{"the name alone is searched", RegexLabel(`^([^_]+)_`), Item{Path: "/a_b/c_1.jpg"}, "c", ""},
		{"searched, not matched from the start", RegexLabel(`(\d+)`), Item{Path: "n12.jpg"}, "12", ""},
		{"the first group", RegexLabel(`(a)(b)`), Item{Path: "ab.jpg"}, "a", ""},
		{"other case does not match", RegexLabel(`(.+)_\d+.jpg$`), Item{Path: "pug_1.JPG"}, "", `does not match "pug_1.JPG"`},
		{"empty group", RegexLabel(`(x*)_`), Item{Path: "_1.jpg"}, "", "empty label"},
		{"no group", RegexLabel(`.+_\d+.jpg$`), Item{Path: "pug_1.jpg"}, "", "has no group"},
		{"no regular expression", RegexLabel(`(`), Item{Path: "pug_1.jpg"}, "", "not a regular expression"},
		{"path below the root", RegexLabelPath(`^(?:train|val)/([^/]+)/`), Item{Path: "/r/train/tench/1.jpg"}, "tench", ""},
		{"parent", ParentLabel, Item{Path: "train/tench/1.jpg"}, "tench", ""},
		{"no parent", ParentLabel, Item{Path: "1.jpg"}, "", "no named folder"},
		{"column", ColumnLabel("label"), row, "cat", ""},
		{"empty column", ColumnLabel("empty"), row, "", "is empty"},
		{"absent column", ColumnLabel("breed"), row, "", `the columns are ["empty" "label"]`},
		{"columns", ColumnLabels("label", ";"), Item{Fields: map[string]string{"label": " cat; big;"}}, "cat|big", ""},
		{"columns, empty", ColumnLabels("empty", ";"), row, "", ""},
		{"columns, absent", ColumnLabels("breed", ";"), row, "", `the columns are`},
		{"function", LabelFunc(func(it Item) (string, error) { return it.Path[:1], nil }), row, "x", ""},
		{"function, empty", LabelFunc(func(Item) (string, error) { return "", nil }), row, "", "empty label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.item.Path = filepath.FromSlash(c.item.Path)
			all, err := c.l.Labels(filepath.FromSlash("/r"), c.item)
			got := strings.Join(all, "|")
			if err != nil {
				got = ""
			}
			if got != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("label %q, error %v; want %q, error with %q", got, err, c.want, c.fails)
			}
			if s := c.l.(fmt.Stringer).String(); s == "" {
				t.Error("the labeler has no description")
			}
		})
	}
}

func TestLabelErrorsNameAFewFilesAndCountTheRest(t *testing.T) {
	var items []Item
	for i := range 9 {
		items = append(items, Item{Path: fmt.Sprintf("x%d.jpg", i)})
	}
	items = append(items, Item{Path: "pug_1.jpg"})
	_, err := labelAll("", items, RegexLabel(`(.+)_\d+.jpg$`))
	if !errors.Is(err, ErrLabel) {
		t.Fatalf("error %v, want ErrLabel", err)
	}
	for _, part := range []string{"9 items of 10", "x0.jpg, x1.jpg", "and 4 more", "does not match"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

func TestVocabularyOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		labels []string
		l      Labeler
		want   []string
	}{
		{"capitals before small letters, as Python sorts", []string{"pug", "Bengal", "beagle", "Abyssinian"}, ParentLabel, []string{"Abyssinian", "Bengal", "beagle", "pug"}},
		{"by code point beyond ASCII", []string{"ö", "z", "犬", "Z"}, ParentLabel, []string{"Z", "z", "ö", "犬"}},
		{"numbers as folder names are text", []string{"10", "9", "1"}, ParentLabel, []string{"1", "10", "9"}},
		{"numbers in a column are numbers", []string{"10", "9", "-1", "1"}, ColumnLabel("c"), []string{"-1", "1", "9", "10"}},
		{"a column with one word is text", []string{"10", "9", "x"}, ColumnLabel("c"), []string{"10", "9", "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var labels [][]string
			for _, l := range c.labels {
				labels = append(labels, []string{l})
			}
			if got := (Block{Label: c.l, Task: task.SingleLabel}).vocabulary(labels); !slices.Equal(got, c.want) {
				t.Errorf("vocabulary %q, want %q", got, c.want)
			}
		})
	}
}
