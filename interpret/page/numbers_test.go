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

// numbersInput has n pictures with c numbers each; picture 3 is the furthest off, in its last number.
func numbersInput(t testing.TB, c, n int) page.Input {
	t.Helper()
	r := rng.New(6)
	y := tensor.New(n, c)
	var vocab, paths []string
	for k := range c {
		vocab = append(vocab, className(k))
	}
	answers := make([][]float32, n)
	for i := range answers {
		paths = append(paths, fmt.Sprintf("root/%d.jpg", i))
		answers[i] = make([]float32, c)
		for k := range c {
			y.Data[i*c+k] = float32(100 * r.Float64())
			answers[i][k] = y.Data[i*c+k] + float32(4*r.Normal())
		}
	}
	y.Data[3*c+c-1], answers[3][c-1] = 12.25, 771.5
	table, err := interpret.NewTaskTable(task.Decoder{Task: task.Regression{}, Vocab: vocab}, paths, target.Targets{Values: y}, answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return page.Input{Table: table, Open: picture, Root: "root"}
}

// TestNumbersPage looks for every number's scores, plots and largest errors with pictures on a
// page that loads nothing.
func TestNumbersPage(t *testing.T) {
	in := numbersInput(t, 3, 50)
	in.Table.Rows[1].Path = "root/gone.jpg"
	in.History = []page.Epoch{{Values: map[string]float64{"train_loss": 9, "valid_loss": 8, "rmse": 2}}}
	var b bytes.Buffer
	if err := page.Write(context.Background(), &b, in, page.Options{}); err != nil {
		t.Fatal(err)
	}
	c, text, refs := parse(t, b.Bytes())
	for _, ref := range refs {
		if !strings.HasPrefix(ref, "#") && !strings.HasPrefix(ref, "data:") {
			t.Errorf("the page refers to %q", ref)
		}
	}
	if len(c.Pictures) < 25 || len(c.Pictures) > 49 {
		t.Errorf("%d pictures; want those of 24 top losses and of the largest errors", len(c.Pictures))
	}
	report, err := in.Table.NumbersReport()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report {
		for _, want := range []string{s.Name, fmt.Sprintf("%.4g", s.RMSE), fmt.Sprintf("%.4g", s.MAE), fmt.Sprintf("%.4g", float64(s.R2))} {
			if !strings.Contains(text, want) {
				t.Errorf("%q: the page lacks %q", s.Name, want)
			}
		}
	}
	if got := strings.Count(b.String(), `alt="predicted against actual`) + strings.Count(b.String(), `alt="errors against predicted`); got != 6 {
		t.Errorf("%d plots of 3 numbers, want 2 of each", got)
	}
	if got := strings.Count(text, "771.5, in truth 12.25"); got != 1 {
		t.Errorf("the largest error is shown %d times, want once, on the side of what is too high", got)
	}
	if strings.Contains(b.String(), "<script>alert(1)") {
		t.Error("the name of a number became part of the page")
	}
	if strings.Contains(text, "Calibration") || strings.Contains(text, "accuracy") {
		t.Error("the page speaks of what numbers do not have")
	}
}

// TestManyNumbers bounds the page; few pictures and equal numbers have no share of the variance.
func TestManyNumbers(t *testing.T) {
	in := numbersInput(t, 20, 4)
	var b bytes.Buffer
	if err := page.Write(context.Background(), &b, in, page.Options{MaxPictures: 2}); err != nil {
		t.Fatal(err)
	}
	c, text, _ := parse(t, b.Bytes())
	if len(c.Pictures) != 2 || !strings.Contains(text, "The first 16 of 20 numbers are drawn") || !strings.Contains(text, "and 16 more numbers") {
		t.Errorf("%d pictures; want 2, the plots of 16 numbers, and 4 numbers in a card", len(c.Pictures))
	}
	one := numbersInput(t, 1, 4)
	one.Table.Rows = one.Table.Rows[:1]
	b.Reset()
	if err := page.Write(context.Background(), &b, one, page.Options{}); err != nil {
		t.Errorf("a single picture: %v", err)
	}
	in.Table.Rows = slices.Clone(in.Table.Rows)
	in.Table.Rows[2].Numbers = nil
	if err := page.Write(context.Background(), &b, in, page.Options{}); err == nil || !strings.Contains(err.Error(), "one task") {
		t.Errorf("a row without numbers: %v", err)
	}
}
