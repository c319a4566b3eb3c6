package page_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/interpret/page"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// labelsInput has n pictures with any of c labels, of which the last is on none.
func labelsInput(t testing.TB, c, n int) page.Input {
	t.Helper()
	r := rng.New(5)
	y := tensor.New(n, c)
	var vocab, paths []string
	for k := range c {
		vocab = append(vocab, className(k))
	}
	probs := make([][]float32, n)
	for i := range probs {
		paths = append(paths, fmt.Sprintf("root/%d.jpg", i))
		probs[i] = make([]float32, c)
		for k := range c {
			probs[i][k] = float32(0.6 * r.Float64())
			if k < c-1 && r.IntN(c) < 2 {
				y.Data[i*c+k] = 1
				probs[i][k] += 0.4
			}
		}
	}
	table, err := interpret.NewTaskTable(task.Decoder{Task: task.MultiLabel, Vocab: vocab}, paths, target.Targets{Values: y}, probs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return page.Input{Table: table, Open: picture, Root: "root"}
}

// TestLabelsPage looks for every label's scores, mistakes with pictures and
// calibration on a page that loads nothing.
func TestLabelsPage(t *testing.T) {
	in := labelsInput(t, 7, 60)
	in.Table.Rows[0].Path = "root/gone.jpg"
	var b bytes.Buffer
	if err := page.Write(context.Background(), &b, in, page.Options{MaxPictures: 40}); err != nil {
		t.Fatal(err)
	}
	c, text, refs := parse(t, b.Bytes())
	for _, ref := range refs {
		if !strings.HasPrefix(ref, "#") && !strings.HasPrefix(ref, "data:") {
			t.Errorf("the page refers to %q", ref)
		}
	}
	if len(c.Pictures) < 30 || len(c.Pictures) > 40 || len(c.Rows) != 0 || len(c.Cells) != 0 {
		t.Errorf("%d pictures, %d rows, %d cells; want up to 40, none and none", len(c.Pictures), len(c.Rows), len(c.Cells))
	}
	report, err := in.Table.LabelsReport()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Labels {
		if !strings.Contains(text, s.Name) {
			t.Errorf("the page lacks the label %q", s.Name)
		}
		if want := fmt.Sprintf("%d missed, %d false", s.Missed, s.False); s.Missed+s.False > 0 && !strings.Contains(text, want) {
			t.Errorf("label %q: the page lacks %q", s.Name, want)
		}
	}
	truth, answers := in.Table.CoOccurrence()
	if want := fmt.Sprintf("%d → %d", truth[0][1], answers[0][1]); !strings.Contains(text, want) {
		t.Errorf("the page lacks that labels 0 and 1 come together: %q", want)
	}
	if strings.Contains(b.String(), "<script>alert(1)") {
		t.Error("the name of a label became part of the page")
	}
	if got := strings.Count(b.String(), "Reliability diagram of"); got != 7 {
		t.Errorf("%d reliability diagrams of 7 labels", got)
	}
}

// TestManyLabels bounds the page by pictures and by labels.
func TestManyLabels(t *testing.T) {
	in := labelsInput(t, 60, 40)
	var b bytes.Buffer
	if err := page.Write(context.Background(), &b, in, page.Options{MaxPictures: 3}); err != nil {
		t.Fatal(err)
	}
	c, text, _ := parse(t, b.Bytes())
	if len(c.Pictures) != 3 || !strings.Contains(text, "24 most frequent of 60 labels") || strings.Count(b.String(), "Reliability diagram of") != 40 {
		t.Errorf("%d pictures; want 3, 24 labels together and 40 diagrams", len(c.Pictures))
	}
}

// TestTablesOfNoPage has tables that mix tasks or are of another one.
func TestTablesOfNoPage(t *testing.T) {
	for name, spoil := range map[string]func(rows []interpret.Row){
		"one class":   func(rows []interpret.Row) { rows[2].Actual = 1 },
		"vocabulary":  func(rows []interpret.Row) { rows[2].Answers = []string{"12.5"} },
		"not exactly": func(rows []interpret.Row) { rows[0].Actual = 1 },
	} {
		in := labelsInput(t, 3, 4)
		in.Table.Rows = slices.Clone(in.Table.Rows)
		spoil(in.Table.Rows)
		if err := page.Write(context.Background(), &bytes.Buffer{}, in, page.Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v; want an error about %q", err, name)
		}
	}
}
