package task

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/tensor"
)

func TestSingleLabel(t *testing.T) {
	labels := [][]string{{"pug"}, {"beagle"}, {"pug"}, {"Bengal"}}
	vocab := SingleLabel.Vocabulary(labels)
	if !slices.Equal(vocab, []string{"Bengal", "beagle", "pug"}) {
		t.Fatalf("vocabulary %q", vocab)
	}
	y, err := SingleLabel.Encode(vocab, labels)
	if err != nil || !slices.Equal(y.Class, []int{2, 1, 2, 0}) {
		t.Fatalf("classes %v, error %v", y.Class, err)
	}
	for i, l := range labels {
		if got := SingleLabel.Labels(vocab, y, i); !slices.Equal(got, l) {
			t.Errorf("item %d: %q, encoded was %q", i, got, l)
		}
	}
	y.Class[0] = 7
	if got := SingleLabel.Labels(vocab, y, 0); !slices.Equal(got, []string{"class 7"}) {
		t.Errorf("a class beyond the vocabulary is called %q", got)
	}

	var unknown UnknownLabels
	if _, err := SingleLabel.Encode(vocab[:2], labels); !errors.As(err, &unknown) || !slices.Equal(unknown["pug"], []int{0, 2}) {
		t.Errorf("error %v, want pug unknown, of items 0 and 2", err)
	}
	if _, err := SingleLabel.Encode(vocab, [][]string{{"pug"}, {"pug", "beagle"}}); err == nil || !strings.Contains(err.Error(), "item 1 has 2 labels") {
		t.Errorf("two labels of one item: error %v", err)
	}
	if _, err := SingleLabel.Encode(vocab, [][]string{{}}); err == nil || !strings.Contains(err.Error(), "item 0 has 0 labels") {
		t.Errorf("no label: error %v", err)
	}
}

func TestSingleLabelAnswers(t *testing.T) {
	x := tensor.FromSlice([]float32{1, 3, 2, 5, 5, 0}, 2, 3)
	if err := SingleLabel.Activate(x, x); err != nil {
		t.Fatal(err)
	}
	by := Decoder{Task: SingleLabel, Vocab: []string{"a", "b", "c"}}
	for i, want := range []string{"b c a", "a b c"} {
		row := x.Data[3*i : 3*i+3]
		if err := SingleLabel.CheckProbs(row); err != nil {
			t.Error(err)
		}
		p := by.Prediction(row)
		var names []string
		for _, s := range p.Top(0) {
			names = append(names, s.Label)
			if s.Chosen {
				t.Errorf("row %d: %s is marked as chosen, which the first place says", i, s.Label)
			}
		}
		if got := strings.Join(names, " "); got != want || !slices.Equal(p.Labels(), names[:1]) || p.Label() != names[0] || p.Score() != row[p.Class()] {
			t.Errorf("row %d: ranked %q, labels %q, label %q, score %v; want %q", i, got, p.Labels(), p.Label(), p.Score(), want)
		}
		if len(p.Top(2)) != 2 || len(p.Top(9)) != 3 {
			t.Errorf("row %d: %d of the two best, %d of nine", i, len(p.Top(2)), len(p.Top(9)))
		}
	}
	for _, bad := range [][]float32{{0.5, 0.6}, {1.5, -0.5}, {float32(math.NaN()), 1}} {
		if SingleLabel.CheckProbs(bad) == nil {
			t.Errorf("%v passes for probabilities", bad)
		}
	}
	y, _ := SingleLabel.Encode([]string{"a", "b"}, [][]string{{"a"}, {"b"}})
	if got := SingleLabel.ItemLoss([]float32{0.25, 0.75}, y, 0); math.Abs(float64(got)-math.Log(4)) > 1e-6 {
		t.Errorf("loss %v, want ln 4", got)
	}
	if got := SingleLabel.ItemLoss([]float32{1, 0}, y, 1); math.IsInf(float64(got), 0) || got < 80 {
		t.Errorf("loss of a probability of 0: %v, want large and finite", got)
	}
}
