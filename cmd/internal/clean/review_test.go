package clean

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/data/copies"
	"github.com/whippet-ml/whippet/interpret"
)

func smallSet() *Set {
	return &Set{Vocab: []string{"cat, grey", "dog", "été"}, Pictures: []Picture{
		{Path: "/d/a.jpg", Name: "a.jpg", Labels: []int{0}}, {Path: "/d/b/c.jpg", Name: "b/c.jpg", Labels: []int{1}, Valid: true},
		{Path: "/d/e \"f\".jpg", Name: "e \"f\".jpg", Labels: []int{2}}, {Path: "/d/é.jpg", Name: "é.jpg", Labels: []int{1}},
	}}
}

func table(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReview(t *testing.T) {
	out := filepath.Join(t.TempDir(), "cleaned.csv")
	s := smallSet()
	r, err := OpenReview(out, s)
	if err != nil {
		t.Fatal(err)
	}
	whole := "path,label,is_valid\na.jpg,\"cat, grey\",false\nb/c.jpg,dog,true\n\"e \"\"f\"\".jpg\",été,false\né.jpg,dog,false\n"
	if got := table(t, out); got != whole {
		t.Errorf("at the beginning the table is\n%s", got)
	}
	err = r.Decide(map[int]*Decision{0: {Action: Keep}, 1: {Action: Drop}, 2: {Action: Relabel, Label: "cat, grey"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "path,label,is_valid\na.jpg,\"cat, grey\",false\n\"e \"\"f\"\".jpg\",\"cat, grey\",false\né.jpg,dog,false\n"
	if got := table(t, out); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	// Another process goes on.
	again, err := OpenReview(out, s)
	if err != nil {
		t.Fatal(err)
	}
	if c := again.Counts(); c != (Counts{Kept: 1, Relabeled: 1, Dropped: 1, Pictures: 4, Rows: 3}) {
		t.Errorf("counts %+v", c)
	}
	if d, ok := again.Decision(2); !ok || d.Action != Relabel || d.Label != "cat, grey" || d.Labels != nil {
		t.Errorf("decision %+v", d)
	}
	if err := again.Decide(map[int]*Decision{0: nil, 1: nil, 2: nil}); err != nil {
		t.Fatal(err)
	}
	if got := table(t, out); got != whole {
		t.Errorf("with all taken back the table is\n%s", got)
	}
}

func TestReviewMistakes(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "work.csv")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReview(foreign, smallSet()); err == nil || !strings.Contains(err.Error(), "not of an earlier review") || table(t, foreign) != "mine" {
		t.Errorf("somebody's table: %v", err)
	}
	if _, err := OpenReview(filepath.Join(dir, "no", "such.csv"), smallSet()); err == nil {
		t.Error("a folder that does not exist is no error")
	}
	r, err := OpenReview(filepath.Join(dir, "out.csv"), smallSet())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		what map[int]*Decision
		want string
	}{
		"action":       {map[int]*Decision{0: {Action: "burn"}}, `action "burn"`},
		"label":        {map[int]*Decision{0: {Action: Relabel, Label: "fish"}}, `"fish" is not one`},
		"no label":     {map[int]*Decision{0: {Action: Relabel}}, `"" is not one`},
		"extra label":  {map[int]*Decision{0: {Action: Drop, Label: "dog"}}, "takes no label"},
		"picture":      {map[int]*Decision{4: {Action: Drop}}, "picture 4 of 4"},
		"negative":     {map[int]*Decision{-1: nil}, "picture -1"},
		"one is wrong": {map[int]*Decision{0: {Action: Drop}, 1: {Action: "burn"}}, "burn"},
	} {
		if err := r.Decide(c.what); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if c := r.Counts(); c.Rows != 4 || c.Dropped != 0 {
		t.Errorf("a refused decision counted: %+v", c)
	}
}

// A decision that cannot be saved is none.
func TestUnsavedDecision(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReview(filepath.Join(dir, "out.csv"), smallSet())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Decide(map[int]*Decision{0: {Action: Drop}}); err == nil {
		t.Error("no error")
	}
	if _, ok := r.Decision(0); ok {
		t.Error("the decision stands though it is not saved")
	}
}

// Two processes on one review: the second to decide is told, and undoes nothing.
func TestTwoReviewers(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.csv")
	a, err := OpenReview(out, smallSet())
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenReview(out, smallSet())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Decide(map[int]*Decision{0: {Action: Drop}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Decide(map[int]*Decision{1: {Action: Drop}}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("the second reviewer's decision: %v", err)
	}
	if got := table(t, out); strings.Contains(got, "a.jpg") || !strings.Contains(got, "c.jpg") {
		t.Errorf("the table is\n%s", got)
	}
	if err := a.Decide(map[int]*Decision{1: {Action: Keep}}); err != nil {
		t.Errorf("the first reviewer cannot go on: %v", err)
	}
}

func FuzzParseDecisions(f *testing.F) {
	f.Add([]byte(`{"format":1,"decisions":{"a.jpg":{"action":"relabel","label":"dog"}}}`))
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":2,"decisions":{}}`))
	f.Add([]byte(`{"format":1,"decisions":{"a":{"action":"drop","label":"x"}}}`))
	f.Add([]byte(`[]`))
	vocab := []string{"cat", "dog"}
	f.Fuzz(func(t *testing.T, b []byte) {
		ds, err := parseDecisions(b, &Set{Vocab: vocab})
		if err != nil {
			return
		}
		for _, d := range ds {
			if err := d.check(&Set{Vocab: vocab}); err != nil {
				t.Error(err)
			}
		}
		again, err := json.Marshal(decisionsFile{decisionsFormat, ds})
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseDecisions(again, &Set{Vocab: vocab}); err != nil || len(back) != len(ds) {
			t.Errorf("written and read again: %v", err)
		}
	})
}

func TestNewQueue(t *testing.T) {
	s := smallSet()
	probs := func(p ...float32) []float32 { return p }
	valid, err := interpret.NewTable(s.Vocab, []string{"/d/b/c.jpg"}, []int{1}, [][]float32{probs(0.7, 0.2, 0.1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	train, err := interpret.NewTable(s.Vocab, []string{"/d/a.jpg", "/d/é.jpg", "/elsewhere.jpg"}, []int{0, 1, 0},
		[][]float32{probs(0.9, 0, 0.1), probs(0.5, 0.05, 0.45), probs(0, 0, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := NewQueue(s, []*interpret.Table{valid, train}, 2, []Pair{{Train: 0, Valid: 1, Match: copies.Match{Bits: 3, Copy: copies.Copy{Turn: 4, Alike: 0.97}}}})
	if got := fmt.Sprint(q.Cases); got != "[{[3] 0 0  0} {[1] 0 0  0} {[0 1] 3 0 mirrored 0.97}]" {
		t.Errorf("entries %s", got)
	}
	if got := fmt.Sprint(q.Opinions[3].Top); got != "[{0 0.5} {2 0.45} {1 0.05}]" || !slices.Equal(q.Opinions[3].Answer, []int{0}) {
		t.Errorf("opinion %+v", q.Opinions[3])
	}
	if _, ok := q.Opinions[0]; !ok {
		t.Error("no opinion of a picture of a pair")
	}
	if q := NewQueue(s, nil, 10, nil); len(q.Cases) != 0 {
		t.Errorf("entries of nothing: %v", q.Cases)
	}
}

type pathSource struct{ items []data.Item }

func (p pathSource) List(context.Context, string) ([]data.Item, error) { return p.items, nil }
func (p pathSource) Open(data.Item) (*data.Image, error)               { return data.NewImage(2, 2), nil }

func TestNewSet(t *testing.T) {
	root := t.TempDir()
	src := pathSource{}
	for _, n := range []string{"dog/2.jpg", "cat/1.jpg", "cat/3.jpg", "dog/4.jpg"} {
		src.items = append(src.items, data.Item{Path: filepath.Join(root, filepath.FromSlash(n))})
	}
	src.items = append(src.items, data.Item{Path: filepath.Join(filepath.Dir(root), "cat", "5.jpg")})
	d, err := data.Block{Items: src, Label: data.ParentLabel, Split: data.IndexSplit(2, 3), BatchSize: 1}.DataLoaders(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s := NewSet(d)
	var got []string
	for _, p := range s.Pictures {
		name := p.Name
		if filepath.IsAbs(name) {
			name = "/" + filepath.Base(name)
		}
		got = append(got, fmt.Sprint(name, " ", s.Vocab[p.Labels[0]], " ", p.Valid))
	}
	if want := "/5.jpg cat false|cat/1.jpg cat false|cat/3.jpg cat true|dog/2.jpg dog false|dog/4.jpg dog true"; strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

// TestUnlabeled gives labels to two of four pictures: the table has these only, and the review goes on
// with them when another picture has come.
func TestUnlabeled(t *testing.T) {
	out := filepath.Join(t.TempDir(), "labels.csv")
	files := []string{"/d/a.jpg", "/d/b/c.jpg", "/d/b/d.jpg", "/e/f.jpg"}
	r, err := OpenReview(out, NewUnlabeled(files, "/d", []string{"cat", "dog"}, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Decide(map[int]*Decision{0: {Action: Keep}}); err == nil || !strings.Contains(err.Error(), "no label to keep") {
		t.Errorf("a label that is not there is kept: %v", err)
	}
	if err := r.Decide(map[int]*Decision{1: {Action: Relabel, Label: "dog"}, 2: {Action: Drop}, 3: {Action: Relabel, Label: "cat"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := table(t, out), "path,label\nb/c.jpg,dog\n/e/f.jpg,cat\n"; got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	if c := r.Counts(); c.Rows != 2 || c.Dropped != 1 || c.Pictures != 4 {
		t.Errorf("counts %+v", c)
	}
	again, err := OpenReview(out, NewUnlabeled(append([]string{"/d/0.jpg"}, files...), "/d", []string{"cat", "dog"}, false))
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := again.Decision(2); !ok || d.Label != "dog" {
		t.Errorf("the decision is gone: %+v, %t", d, ok)
	}
}

// TestUnlabeledSeveral gives several labels, and none, to pictures that had none.
func TestUnlabeledSeveral(t *testing.T) {
	out := filepath.Join(t.TempDir(), "labels.csv")
	r, err := OpenReview(out, NewUnlabeled([]string{"/d/a.jpg", "/d/b.jpg", "/d/c.jpg"}, "/d", []string{"cat", "dog"}, true))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Decide(map[int]*Decision{0: {Action: Relabel, Labels: []string{"cat", "dog"}}, 2: {Action: Relabel}}); err != nil {
		t.Fatal(err)
	}
	if got, want := table(t, out), "path,labels\na.jpg,cat;dog\nc.jpg,\n"; got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}
