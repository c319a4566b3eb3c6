package interpret

import (
	"bytes"
	"errors"
	"image"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/plot"
)

func svg(t *testing.T, f *plot.Figure, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func has(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q", what, w)
		}
	}
}

func TestPlotConfusionMatrix(t *testing.T) {
	_, table := goldenTable(t)
	f, err := table.ConfusionMatrix().Plot(plot.ConfusionOptions{})
	has(t, "the matrix", svg(t, f, err), "36 of 60 right (60.0 %)", "e_frog, predicted a_cat: 4 of 12 (33.3 %)")
}

func TestPlotCalibration(t *testing.T) {
	_, table := goldenTable(t)
	f, err := table.Calibration(0).Plot(plot.ReliabilityOptions{})
	has(t, "the diagram", svg(t, f, err), "expected calibration error 0.210", "60 examples")
	sure, err := NewTable([]string{"a", "b"}, nil, []int{0}, [][]float32{{1.0000001, 0}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sure.Calibration(0).Plot(plot.ReliabilityOptions{}); err != nil {
		t.Errorf("a probability just above 1: %v", err)
	}
}

func TestPlotTopLossesOpensOnlyWhatItShows(t *testing.T) {
	g, table := goldenTable(t)
	var opened []string
	open := func(path string) (image.Image, error) {
		opened = append(opened, path)
		return image.NewRGBA(image.Rect(0, 0, 8, 8)), nil
	}
	f, err := table.PlotTopLosses(3, open, plot.GridOptions{})
	text := svg(t, f, err)
	want := []string{table.Rows[g.Top.Idx[0]].Path, table.Rows[g.Top.Idx[1]].Path, table.Rows[g.Top.Idx[2]].Path}
	if !slices.Equal(opened, want) {
		t.Errorf("opened %v, want %v", opened, want)
	}
	top := table.Rows[g.Top.Idx[0]]
	has(t, "the grid", text, "Top losses", "loss 3.28", "actual: "+table.Name(top.Actual), table.Name(top.Predicted))
	opened = nil
	if _, err := table.PlotTopLosses(0, open, plot.GridOptions{}); err != nil || len(opened) != 9 {
		t.Errorf("by default %d pictures are shown, %v, want 9", len(opened), err)
	}
}

func TestPlotGridErrors(t *testing.T) {
	_, table := goldenTable(t)
	gone := errors.New("gone")
	_, err := table.PlotTopLosses(1, func(string) (image.Image, error) { return nil, gone }, plot.GridOptions{})
	if !errors.Is(err, gone) || !strings.Contains(err.Error(), "images/41.jpg") {
		t.Errorf("error is %v, want the opener's with the file's name", err)
	}
	if _, err := table.PlotGrid(nil, nil, plot.GridOptions{}); err == nil {
		t.Error("no examples: no error")
	}
}
