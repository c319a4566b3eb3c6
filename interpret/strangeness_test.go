package interpret_test

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/interpret"
)

// strangeTable has five pictures, of which the last is wrong and the second the strangest.
func strangeTable(t *testing.T) *interpret.Table {
	t.Helper()
	table, err := interpret.NewTable([]string{"a", "b"}, []string{"0", "1", "2", "3", "4"}, []int{0, 0, 1, 1, 0},
		[][]float32{{0.9, 0.1}, {0.8, 0.2}, {0.1, 0.9}, {0.3, 0.7}, {0.4, 0.6}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	table.Strangeness = []float64{2, 26, 3, 5, 4}
	return table
}

func TestStrange(t *testing.T) {
	table := strangeTable(t)
	s, err := table.Strange(confidence.Strangeness{Limit: 4, Quantile: 0.9}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s.Pictures != 5 || s.Above != 2 || s.Median() != 4 || len(s.Strangest) != 2 || s.Strangest[0].Path != "1" || s.Strangest[1].Distance != 5 || s.Strangest[1].Predicted != "b" {
		t.Errorf("%+v", s)
	}
	if first, last := s.Distances[0], s.Distances[len(s.Distances)-1]; first.Distance != 2 || last.Distance != 26 || last.Share != 1 {
		t.Errorf("quantiles %+v", s.Distances)
	}
	counts, wrong := 0, 0
	for _, b := range s.Bins {
		counts, wrong = counts+b.Count, wrong+b.Wrong
	}
	// Of 24 bins of width 1 from 2 to 26.
	if counts != 5 || wrong != 1 || s.Bins[2].Wrong != 1 || s.Bins[23].Count != 1 || math.Abs(s.Bins[23].Hi-26) > 1e-9 {
		t.Errorf("bins %+v", s.Bins)
	}
	var csv strings.Builder
	if err := table.WriteCSV(&csv); err != nil || !strings.Contains(csv.String(), "1,a,a,") || !strings.HasSuffix(strings.Split(csv.String(), "\n")[2], ",26") {
		t.Errorf("the table does not have the strangeness: %v\n%s", err, csv.String())
	}
	for name, change := range map[string]func(t *interpret.Table){
		"of 4 of 5 pictures is known": func(t *interpret.Table) { t.Strangeness = t.Strangeness[:4] },
		"of 1 is not finite":          func(t *interpret.Table) { t.Strangeness[1] = math.Inf(1) },
	} {
		table := strangeTable(t)
		change(table)
		if _, err := table.Strange(confidence.Strangeness{}, 1); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v; want an error with %q", err, name)
		}
	}
}

// TestSets counts the sizes of sets, and which class they cover the least.
func TestSets(t *testing.T) {
	s := strangeTable(t).Sets(confidence.Conformal{Coverage: 0.8, Least: 0.3})
	if s.Covered != 1 || s.Mean != 7./5 || len(s.Sizes) != 2 || s.Sizes[1] != (interpret.SetSize{Size: 2, Count: 2, Covered: 1}) {
		t.Errorf("from a probability of 0.3: %+v", s)
	}
	s = strangeTable(t).Sets(confidence.Conformal{Coverage: 0.8, Least: 0.95})
	if s.Covered != 0.8 || s.Mean != 1 || s.Worst.Class != "a" || s.Worst.Count != 3 || math.Abs(s.Worst.Covered-2./3) > 1e-9 {
		t.Errorf("of the most probable class alone: %+v", s)
	}
}
