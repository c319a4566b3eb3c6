package show

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train"
)

// recorded is a history of two epochs of four steps with two layer groups; the
// second epoch has no validation loss.
func recorded() *train.Recorder {
	r := &train.Recorder{MetricNames: []string{"error_rate", "f1"}}
	for i := range 8 {
		lr := float64(i+1) * 1e-4
		r.Steps = append(r.Steps, train.StepRecord{Loss: 1, Smooth: 1 / float64(i+1), LR: []float64{lr / 10, lr}, Mom: []float64{0.9, 0.9}})
	}
	r.Rows = []train.Row{
		{Epoch: 0, TrainLoss: 0.5, ValidLoss: 0.6, Metrics: []float64{0.3, 0.7}, Step: 4},
		{Epoch: 1, TrainLoss: 0.4, ValidLoss: math.NaN(), Metrics: []float64{0.2, 0.8}, Step: 8},
	}
	return r
}

func TestRecorderPlots(t *testing.T) {
	for name, tc := range map[string]struct {
		draw func(*train.Recorder) (*plot.Figure, error)
		want []string // in the SVG's text
	}{
		// The validation loss stands at step 3, the last of the first epoch's four.
		"losses":    {func(r *train.Recorder) (*plot.Figure, error) { return Losses(r, plot.LineOptions{}) }, []string{"train", "valid", "0.6 at 3", "loss"}},
		"metrics":   {func(r *train.Recorder) (*plot.Figure, error) { return Metrics(r, plot.LineOptions{}) }, []string{"error_rate", "f1", "0.2 at 2"}},
		"schedules": {func(r *train.Recorder) (*plot.Figure, error) { return Schedules(r, plot.LineOptions{}) }, []string{"learning rate", "momentum"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := tc.draw(recorded())
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := f.WriteSVG(&b); err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("the plot lacks %q", want)
				}
			}
			if _, err := tc.draw(&train.Recorder{}); err == nil {
				t.Error("an empty history was drawn")
			}
		})
	}
}

func TestLRFindingPlot(t *testing.T) {
	var f schedule.Finder
	for i := 0; ; i++ {
		if f.Observe(2 - math.Exp(-math.Pow(math.Log10(f.LR())+2, 2)/2)) {
			break
		}
	}
	found := train.LRFinding{Curve: f.Curve()}
	var err error
	if found.Suggestions, err = found.Curve.Suggest(); err != nil {
		t.Fatal(err)
	}
	fig, err := LRFind(found, plot.LineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := fig.WriteSVG(&b); err != nil || !strings.Contains(b.String(), "valley") {
		t.Errorf("the plot lacks the suggestions: %v", err)
	}
}
