package interpret

import (
	"fmt"
	"image"

	"github.com/whippet-ml/whippet/plot"
)

// Plot draws the matrix; see plot.ConfusionMatrix. It is fastai's
// plot_confusion_matrix.
func (m *ConfusionMatrix) Plot(o plot.ConfusionOptions) (*plot.Figure, error) {
	return plot.ConfusionMatrix(m.Vocab, m.Counts, o)
}

// Plot draws the reliability diagram; see plot.Reliability. An ECE of 0 in the
// options, the default, is replaced with that of c.
func (c Calibration) Plot(o plot.ReliabilityOptions) (*plot.Figure, error) {
	if o.ECE == 0 {
		o.ECE = c.ECE
	}
	bins := make([]plot.ReliabilityBin, len(c.Bins))
	for i, b := range c.Bins {
		// A probability may be above 1 by a rounding error of softmax.
		bins[i] = plot.ReliabilityBin{Lo: b.Lo, Hi: b.Hi, Count: b.Count, Confidence: min(b.Confidence, 1), Accuracy: b.Accuracy}
	}
	return plot.Reliability(bins, o)
}

// Opener reads the picture of an example again, by the path in the table.
type Opener func(path string) (image.Image, error)

// PlotTopLosses draws the k examples with the largest loss (k < 1 means 9), as
// fastai's plot_top_losses: picture, prediction, actual class, loss, and the
// probabilities of both. Only these pictures are opened; an error of open names
// the file and ends the drawing.
func (t *Table) PlotTopLosses(k int, open Opener, o plot.GridOptions) (*plot.Figure, error) {
	if k < 1 {
		k = 9
	}
	if o.Title == "" {
		o.Title = "Top losses"
	}
	return t.PlotGrid(t.TopLosses(k), open, o)
}

// PlotGrid draws the given examples (from TopLosses, LowestLosses or
// Confusions) with their captions.
func (t *Table) PlotGrid(examples []Loss, open Opener, o plot.GridOptions) (*plot.Figure, error) {
	if len(examples) == 0 {
		return nil, fmt.Errorf("interpret: there are no examples to show")
	}
	if len(examples) > plot.MaxCells {
		return nil, fmt.Errorf("interpret: %d examples in one grid; show at most %d", len(examples), plot.MaxCells)
	}
	cells := make([]plot.Cell, len(examples))
	for i, e := range examples {
		img, err := open(e.Path)
		if err != nil {
			return nil, fmt.Errorf("interpret: reading %s again to show it: %w", e.Path, err)
		}
		cells[i] = plot.TopLoss(img, t.Name(e.Predicted), t.Name(e.Actual), float64(e.Loss), float64(e.Prob(e.Predicted)), float64(e.Prob(e.Actual)))
	}
	return plot.Grid(cells, o)
}
