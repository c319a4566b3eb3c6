package data

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// named are groups that are given.
type named []string

func (n named) Groups(context.Context, Source, string, []Item) ([]string, error) { return n, nil }

// labeled is the input of a split of items with one label each.
func labeled(labels ...string) splitInput {
	in := splitInput{items: make([]Item, len(labels))}
	for i, l := range labels {
		in.items[i].Path = fmt.Sprintf("%d.jpg", i)
		in.labels = append(in.labels, []string{l})
	}
	return in
}

func asNames(v []int) []string {
	out := make([]string, len(v))
	for i, k := range v {
		out[i] = strconv.Itoa(k)
	}
	return out
}

// renumbered counts folds in the order in which items show them.
func renumbered(fold []int) []int {
	number, out := map[int]int{}, make([]int, len(fold))
	for i, f := range fold {
		if _, ok := number[f]; !ok {
			number[f] = len(number)
		}
		out[i] = number[f]
	}
	return out
}

// TestFoldsOfSklearn compares folds with those of StratifiedGroupKFold without shuffling:
// the same, item by item, but for their numbers, as folds that are equally good differ
// there by the rounding of sums.
func TestFoldsOfSklearn(t *testing.T) {
	var file struct {
		Cases []struct {
			Folds                int
			Labels, Groups, Fold []int
		}
	}
	b, err := os.ReadFile("testdata/folds.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for n, c := range file.Cases {
		in := labeled(asNames(c.Labels)...)
		p, _, err := Grouping{By: named(asNames(c.Groups)), Stratify: true}.populate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		order := make([]int, len(p.units))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			x, _ := strconv.Atoi(p.units[a].name)
			y, _ := strconv.Atoi(p.units[b].name)
			return cmp.Compare(x, y)
		})
		got := make([]int, len(in.items))
		for k, f := range p.folds(c.Folds, true, order) {
			for _, i := range p.units[k].items {
				got[i] = f
			}
		}
		if !slices.Equal(renumbered(got), renumbered(c.Fold)) {
			t.Errorf("case %d: folds %v, scikit-learn has %v", n, got, c.Fold)
		}
	}
}

// TestFoldsCover checks that over all folds every item is judged once, with no group on
// both sides, and that labels are spread evenly.
func TestFoldsCover(t *testing.T) {
	var labels, groups []string
	for i := range 400 {
		labels = append(labels, []string{"a", "a", "a", "b", "b", "c"}[i*7919%6])
		groups = append(groups, strconv.Itoa(i*104729%83))
	}
	in := labeled(labels...)
	for name, g := range map[string]Grouping{
		"plain": {}, "stratified": {Stratify: true}, "groups": {By: named(groups)}, "stratified groups": {By: named(groups), Stratify: true},
	} {
		const folds = 5
		judged := make([]int, len(labels))
		for k := 1; k <= folds; k++ {
			r, err := splitBy(t.Context(), FoldSplit(k, folds, 3, g), in)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(r.train)+len(r.valid) != len(labels) || math.Abs(float64(len(r.valid))-80) > 4 {
				t.Errorf("%s: fold %d has %d for training and %d for validation", name, k, len(r.train), len(r.valid))
			}
			count, side := map[string]int{}, map[string]bool{}
			for _, i := range r.valid {
				judged[i]++
				count[labels[i]]++
				side[groups[i]] = true
			}
			for _, i := range r.train {
				if g.By != nil && side[groups[i]] {
					t.Fatalf("%s: group %s is on both sides", name, groups[i])
				}
			}
			for l, within := range map[string]float64{"a": 3, "b": 3, "c": 3} {
				n := float64(strings.Count(strings.Join(labels, ""), l)) / folds
				if g.By == nil {
					within = 1
				}
				if g.Stratify && math.Abs(float64(count[l])-n) > within {
					t.Errorf("%s: fold %d has %d of label %s, a fifth is %v", name, k, count[l], l, n)
				}
			}
		}
		if i := slices.IndexFunc(judged, func(n int) bool { return n != 1 }); i >= 0 {
			t.Errorf("%s: item %d is judged %d times", name, i, judged[i])
		}
	}
}

// TestGroupSplit checks the share, the groups and the labels of random choices.
func TestGroupSplit(t *testing.T) {
	var labels, groups []string
	for i := range 600 {
		labels = append(labels, []string{"a", "a", "a", "a", "a", "b"}[i*7919%6])
		groups = append(groups, strconv.Itoa(i*104729%97))
	}
	labels[5], groups[5] = "rare", "alone"
	in := labeled(labels...)
	seen := map[string]bool{}
	for seed := range uint64(6) {
		for _, stratify := range []bool{false, true} {
			split := GroupSplit(0.25, seed, Grouping{By: named(groups), Stratify: stratify})
			r, err := splitBy(t.Context(), split, in)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := splitBy(t.Context(), split, in); !slices.Equal(again.valid, r.valid) {
				t.Error("the split is another the second time")
			}
			seen[fmt.Sprint(r.valid)] = true
			training := map[string]bool{}
			for _, i := range r.train {
				training[groups[i]] = true
			}
			b := 0
			for _, i := range r.valid {
				if training[groups[i]] {
					t.Fatalf("group %s is on both sides", groups[i])
				}
				if labels[i] == "rare" {
					t.Error("the only item of a label is for validation")
				}
				if labels[i] == "b" {
					b++
				}
			}
			if n := len(r.valid); n < 145 || n > 155 {
				t.Errorf("%d of 600 are for validation, want about 150", n)
			}
			if stratify && (b < 23 || b > 27) {
				t.Errorf("%d of label b are for validation, want about 25", b)
			}
			if len(r.warnings) > 0 || len(r.notes) != 1 || !strings.HasPrefix(r.notes[0], "600 pictures in 98 groups") {
				t.Errorf("notes %q, warnings %q", r.notes, r.warnings)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("12 choices by 6 seeds are only %d different ones", len(seen))
	}
}

// TestGroupsThatCannotBe lists groups that leave a side empty, or labels nowhere to train on.
func TestGroupsThatCannotBe(t *testing.T) {
	in := labeled("a", "a", "b", "b")
	for _, c := range []struct {
		name  string
		split Splitter
		kind  error
		want  string // in the error, or in a warning
	}{
		{"one group", GroupSplit(0.2, 1, Grouping{By: named{"x", "x", "x", "x"}}), ErrEmptySplit, `all 4 items are of one group`},
		{"a group for each label", GroupSplit(0.2, 1, Grouping{By: named{"x", "x", "y", "y"}}), ErrEmptySplit, "each is the only one with some label"},
		{"large groups", GroupSplit(0.1, 1, Grouping{By: named{"x", "y", "x", "y"}}), nil, "50.0 % of the pictures are for validation and not 10.0 %"},
		{"a share of 0", GroupSplit(0, 1, Grouping{}), ErrSplit, "above 0 and below 1"},
		{"more folds than groups", FoldSplit(1, 3, 1, Grouping{By: named{"x", "y", "x", "y"}}), ErrEmptySplit, "there are 2 groups"},
		{"more folds than pictures", FoldSplit(1, 5, 1, Grouping{}), ErrEmptySplit, "there are 4 pictures for 5 folds"},
		{"a label in one fold", FoldSplit(1, 2, 1, Grouping{By: named{"x", "x", "y", "y"}}), ErrSplit, "is in one fold only"},
		{"fold 0", FoldSplit(0, 2, 1, Grouping{}), ErrSplit, "counted from 1"},
		{"names that look alike", FoldSplit(1, 2, 1, Grouping{By: named{"P1", "p1", "P1", "p1"}}), nil, "upper and lower case"},
		{"parted by a given split", KeepGroups(IndexSplit(0, 2), named{"x", "x", "y", "z"}), ErrSplit, `the first "x" with 1.jpg in training and 0.jpg in validation`},
		{"empty name by a pattern", GroupSplit(0.5, 1, Grouping{By: RegexGroups(`^(x*)`)}), ErrSplit, "empty name"},
		{"no match", GroupSplit(0.5, 1, Grouping{By: RegexGroups(`^(x+)`)}), ErrSplit, "4 items of 4 have no group"},
		{"no column", GroupSplit(0.5, 1, Grouping{By: ColumnGroups("patient")}), ErrSplit, "patient"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := splitBy(t.Context(), c.split, in)
			said := strings.Join(r.warnings, "\n")
			if err != nil {
				said = err.Error()
			}
			if !errors.Is(err, c.kind) || !strings.Contains(said, c.want) {
				t.Errorf("error %v, warnings %q; want %q", err, r.warnings, c.want)
			}
		})
	}
}

// TestSplitOfSeveralLabels checks that each label of items with several has its share.
func TestSplitOfSeveralLabels(t *testing.T) {
	var in splitInput
	total := map[string]int{}
	for i := range 500 {
		var of []string
		for k, l := range []string{"sea", "sand", "people", "dog"} {
			if (i*7919+k*31)%(k*3+2) == 0 {
				of = append(of, l)
				total[l]++
			}
		}
		in.items, in.labels = append(in.items, Item{Path: strconv.Itoa(i)}), append(in.labels, of)
	}
	r, err := splitBy(t.Context(), GroupSplit(0.2, 1, Grouping{Stratify: true}), in)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, i := range r.valid {
		for _, l := range in.labels[i] {
			got[l]++
		}
	}
	for l, n := range total {
		if math.Abs(float64(got[l])-0.2*float64(n)) > 1.5 {
			t.Errorf("%d of %d with %s are for validation", got[l], n, l)
		}
	}
}
