package schedule

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestSuggestionList(t *testing.T) {
	c := LRCurve{LRs: []float64{0.001, 0.01, 0.1, 1}, Losses: []float64{4, 3, 2, 5}}
	s := Suggestions{Min: 0.01, Steep: 0.01, Valley: 0.001, Slide: math.NaN(), Errs: map[string]error{"slide": errors.New("too short")}}
	want := []struct {
		rule     string
		lr, loss float64
	}{
		{"min", 0.01, 2}, // read at ten times the rate
		{"steep", 0.01, 3},
		{"valley", 0.001, 4},
	}
	list := s.List(c)
	if len(list) != 4 {
		t.Fatalf("%d suggestions, want 4", len(list))
	}
	for i, w := range want {
		if g := list[i]; g.Rule != w.rule || g.LR != w.lr || g.Loss != w.loss || g.Meaning == "" || g.Err != nil {
			t.Errorf("suggestion %d is %+v, want %+v", i, g, w)
		}
	}
	if g := list[3]; g.Rule != "slide" || !math.IsNaN(g.LR) || !math.IsNaN(g.Loss) || g.Err == nil {
		t.Errorf("a rule that failed is listed as %+v", g)
	}
	if g := s.List(LRCurve{}); !math.IsNaN(g[0].Loss) {
		t.Errorf("loss %v on no curve", g[0].Loss)
	}
}

func TestWriteCSV(t *testing.T) {
	c := LRCurve{LRs: []float64{1e-7, 0.5}, Losses: []float64{4.25, math.NaN()}, Raw: []float64{4, math.Inf(1)}}
	var b strings.Builder
	if err := c.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	const want = "step,lr,smooth_loss,loss\n0,1e-07,4.25,4\n1,0.5,NaN,+Inf\n"
	if b.String() != want {
		t.Errorf("wrote\n%swant\n%s", b.String(), want)
	}
	if err := c.WriteCSV(full{}); err == nil {
		t.Error("no error from a full disk")
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
