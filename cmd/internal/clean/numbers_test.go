package clean

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/interpret"
)

// numbersSet is pictures with two numbers each.
func numbersSet() *Set {
	return &Set{Vocab: []string{"age", "weight, kg"}, Numbers: true, Pictures: []Picture{
		{Path: "/d/a.jpg", Name: "a.jpg", Labels: []int{}, Numbers: []string{"31", "70.5"}},
		{Path: "/d/b.jpg", Name: "b.jpg", Labels: []int{}, Numbers: []string{"4", "16"}, Valid: true},
		{Path: "/d/c.jpg", Name: "c.jpg", Labels: []int{}, Numbers: []string{"58", "81"}},
	}}
}

// TestReviewOfNumbers: the table has a column for each number, with what a person wrote, and what is no
// number of the set is refused.
func TestReviewOfNumbers(t *testing.T) {
	out, s := filepath.Join(t.TempDir(), "cleaned.csv"), numbersSet()
	r, err := OpenReview(out, s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := table(t, out), "path,age,\"weight, kg\",is_valid\na.jpg,31,70.5,false\nb.jpg,4,16,true\nc.jpg,58,81,false\n"; got != want {
		t.Errorf("at the beginning the table is\n%s, want\n%s", got, want)
	}
	if err := r.Decide(map[int]*Decision{0: {Action: Relabel, Numbers: []string{"13", "-7e1"}}, 1: {Action: Keep}, 2: {Action: Drop}}); err != nil {
		t.Fatal(err)
	}
	if got, want := table(t, out), "path,age,\"weight, kg\",is_valid\na.jpg,13,-7e1,false\nb.jpg,4,16,true\n"; got != want {
		t.Errorf("the table is\n%s, want\n%s", got, want)
	}
	again, err := OpenReview(out, s) // another process goes on
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := again.Decision(0); !ok || !reflect.DeepEqual(d.Numbers, []string{"13", "-7e1"}) {
		t.Errorf("decision %+v", d)
	}
	for want, d := range map[string]Decision{
		`age is "young"`:         {Action: Relabel, Numbers: []string{"young", "1"}},
		`kg is "NaN"`:            {Action: Relabel, Numbers: []string{"1", "NaN"}},
		`kg is "1e99"`:           {Action: Relabel, Numbers: []string{"1", "1e99"}},
		"1 numbers are given":    {Action: Relabel, Numbers: []string{"1"}},
		"pictures have numbers":  {Action: Relabel, Label: "1"},
		"to keep takes no label": {Action: Keep, Numbers: []string{"1", "2"}},
	} {
		if err := again.Decide(map[int]*Decision{0: &d}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", d, err, want)
		}
	}
	if err := (Decision{Action: Relabel, Label: "dog", Numbers: []string{"1"}}).check(smallSet()); err == nil {
		t.Error("numbers for a picture that has a label were taken")
	}
	if got := s.NumberColumns(); got != "1,2" {
		t.Errorf("columns with a comma in a name are called %q, want 1,2", got)
	}
	if s.Vocab[1] = "weight"; s.NumberColumns() != "age,weight" {
		t.Errorf("columns are called %q", s.NumberColumns())
	}
}

func TestQueueOfNumbers(t *testing.T) {
	s := numbersSet()
	q := NewQueue(s, []*interpret.Table{{Vocab: s.Vocab, Rows: []interpret.Row{
		{Path: "/d/a.jpg", Actual: interpret.NoClass, Probs: []float32{30, 71}, Numbers: []float32{31, 70.5}, Loss: 0.6, Answers: []string{"30", "71"}},
		{Path: "/d/c.jpg", Actual: interpret.NoClass, Probs: []float32{21, 60}, Numbers: []float32{58, 81}, Loss: 905, Answers: []string{"21", "60"}},
	}}}, 1, nil)
	want := map[int]Opinion{2: {Loss: 905, Answer: []int{}, Top: []Guess{}, Numbers: []string{"21", "60"}}}
	if !reflect.DeepEqual(q.Opinions, want) || len(q.Cases) != 1 {
		t.Errorf("opinions %+v of %d cases, want %+v", q.Opinions, len(q.Cases), want)
	}
}
