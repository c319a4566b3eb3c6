package data

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/golden"
)

// TestRandomSplitIsFastais compares with RandomSplitter(0.2, 42) of fastai2
// 0.0.30 on PyTorch 1.13.1: every index, in order.
func TestRandomSplitIsFastais(t *testing.T) {
	type want struct {
		N            int
		Items        []string
		Train, Valid []int
	}
	var cases map[string]want
	golden.JSON(t, "01_random_splitter.json", &cases)
	var pets3 want
	golden.JSON(t, "01_pets3_split.json", &pets3)
	pets3.N = len(pets3.Items)
	cases["pets3"] = pets3
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			items := make([]Item, c.N)
			for i := range c.Items {
				items[i].Path = c.Items[i]
			}
			train, valid, err := RandomSplit(0.2, 42).Split("", items)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(train, c.Train) || !slices.Equal(valid, c.Valid) {
				t.Errorf("of %d items the split differs from fastai's; validation begins %v, want %v", c.N, valid[:2], c.Valid[:2])
			}
		})
	}
}

// TestRandomSplitOfTen holds the golden case of ten items, for machines
// without the reference folder (RandomSplitter(0.2, 42) on range(10)).
func TestRandomSplitOfTen(t *testing.T) {
	train, valid, err := RandomSplit(0.2, 42).Split("", make([]Item, 10))
	if err != nil || !slices.Equal(valid, []int{2, 6}) || !slices.Equal(train, []int{1, 8, 4, 5, 0, 9, 3, 7}) {
		t.Errorf("train %v, valid %v, error %v; want [1 8 4 5 0 9 3 7] and [2 6]", train, valid, err)
	}
}

func TestSplits(t *testing.T) {
	at := func(paths ...string) (items []Item) {
		for _, p := range paths {
			items = append(items, Item{Path: filepath.FromSlash(p)})
		}
		return items
	}
	rows := func(column string, values ...string) (items []Item) {
		for i, v := range values {
			items = append(items, Item{Path: fmt.Sprint(i), Fields: map[string]string{column: v}})
		}
		return items
	}
	for _, c := range []struct {
		name         string
		s            Splitter
		items        []Item
		train, valid []int
		fails        string // part of the error
	}{
		{"folders, by default", GrandparentSplit(""), at("train/a/1", "valid/a/2", "train/b/3", "other/b/4"), []int{0, 2}, []int{1}, ""},
		{"folders, val", GrandparentSplit(""), at("train/a/1", "val/a/2", "test/a/3"), []int{0}, []int{1}, ""},
		{"folders, test when there is no valid", GrandparentSplit(""), at("/c/train/a/1", "/c/test/a/2"), []int{0}, []int{1}, ""},
		{"folders, named", GrandparentSplit("learn", "check"), at("learn/a/1", "check/a/2", "train/a/3"), []int{0}, []int{1}, ""},
		{"folders, no training", GrandparentSplit(""), at("valid/a/1"), nil, nil, "no training items"},
		{"folders, no validation", GrandparentSplit(""), at("train/a/1", "holdout/a/1"), nil, nil, "holdout (1), train (1)"},
		{"column, as pandas writes it", ColumnSplit("is_valid"), rows("is_valid", "True", "False", "True"), []int{1}, []int{0, 2}, ""},
		{"column, numbers and words", ColumnSplit("set"), rows("set", "1", "0", "valid", "train", ""), []int{1, 3, 4}, []int{0, 2}, ""},
		{"column, something else", ColumnSplit("set"), rows("set", "0", "maybe"), nil, nil, `the column "set" is "maybe"`},
		{"column, absent", ColumnSplit("is_valid"), rows("set", "0"), nil, nil, `no column "is_valid"; the columns are ["set"]`},
		{"column, no table", ColumnSplit("is_valid"), at("x"), nil, nil, "does not come from a table"},
		{"indices keep their order", IndexSplit(3, 1), at("0", "1", "2", "3"), []int{0, 2}, []int{3, 1}, ""},
		{"index too large", IndexSplit(4), at("0", "1", "2", "3"), nil, nil, "index 4 is outside the list of 4 items"},
		{"index negative", IndexSplit(-1), at("0"), nil, nil, "index -1 is outside"},
		{"index twice", IndexSplit(0, 0), at("0", "1"), nil, nil, "given twice"},
		{"function", FuncSplit(func(i Item) bool { return i.Path == "b" }), at("a", "b", "c"), []int{0, 2}, []int{1}, ""},
		{"fraction of one", RandomSplit(1, 42), at("a"), nil, nil, "below 1, not 1"},
		{"fraction that is no number", RandomSplit(math.NaN(), 42), at("a"), nil, nil, "not NaN"},
		{"everything for training", AllTrain, at("a", "b"), []int{0, 1}, nil, ""},
		{"everything for validation", AllValid, at("a", "b"), nil, []int{0, 1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			train, valid, err := c.s.Split("", c.items)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil || !slices.Equal(train, c.train) || !slices.Equal(valid, c.valid) {
				t.Errorf("train %v, valid %v, error %v; want %v and %v", train, valid, err, c.train, c.valid)
			}
			if s := c.s.(fmt.Stringer).String(); s == "" {
				t.Error("the splitter has no description")
			}
		})
	}
}

func TestStratifiedSplit(t *testing.T) {
	var labels []string
	for class, n := range map[string]int{"many": 70, "some": 23, "few": 6, "one": 1} {
		for range n {
			labels = append(labels, class)
		}
	}
	slices.Sort(labels)
	var each [][]string
	for _, l := range labels {
		each = append(each, []string{l})
	}
	split := func(seed uint64) splitResult {
		r, err := splitBy(t.Context(), StratifiedSplit(0.2, seed), splitInput{labels: each})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := split(42)
	train, valid := r.train, r.valid
	got := map[string]int{}
	for _, i := range valid {
		got[labels[i]]++
	}
	// Exact shares are 14, 4.6, 1.2 and 0.2; the twentieth goes to the largest remainder.
	want := map[string]int{"many": 14, "some": 5, "few": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("validation has %v, want %v", got, want)
	}
	all := slices.Sorted(slices.Values(append(slices.Clone(train), valid...)))
	for i := range all {
		if all[i] != i {
			t.Fatalf("training and validation together are not every item once: %v", all)
		}
	}
	if !slices.Equal(valid, split(42).valid) || slices.Equal(valid, split(43).valid) {
		t.Error("the split should depend on the seed and on nothing else")
	}
	if _, _, err := StratifiedSplit(0.2, 1).Split("", nil); err == nil {
		t.Error("StratifiedSplit without labels should be an error")
	}
}
