// Package show draws what training has and does: the pictures of a batch, and
// the losses, metrics, schedules and learning-rate curve of a learner, as
// fastai's show_batch and its recorder's plots do. Figures are package plot's.
package show

import (
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/vision"
)

// BatchOptions says how Batch lays out its grid. The zero value is a good
// default.
type BatchOptions struct {
	Max     int     // pictures at most; 0 means 9, as fastai's show_batch
	Columns int     // 0 means as square a grid as possible
	Cell    float64 // side of a picture in points; 0 means 130
	Title   string  // above the grid; may be empty
	// Task names the targets; nil means task.SingleLabel.
	Task task.Task
	// Stats undoes the normalization; zero means preprocess.ImageNetStats.
	Stats preprocess.Stats
}

// Batch draws the first pictures of a batch in a grid, as the network sees
// them, with their labels below each. It is the quickest check
// that labels fit pictures and that augmentation does what one expects. Save
// the figure as PNG or SVG.
func Batch(b *data.Batch, vocab []string, o BatchOptions) (*plot.Figure, error) {
	if b == nil || b.X == nil || len(b.X.Shape) != 4 {
		return nil, fmt.Errorf("Batch: the batch has no pictures [N,H,W,3]")
	}
	limit := o.Max
	if limit <= 0 {
		limit = 9
	}
	cells := make([]plot.Cell, min(b.X.Shape[0], limit))
	for i := range cells {
		m, err := vision.Denormalize(b.X, i, o.Stats)
		if err != nil {
			return nil, err
		}
		cells[i].Image = vision.ToImage(m)
		m.Free()
		if i < b.Y.Len() { // the batch has labels
			cells[i].Title = strings.Join(task.Or(o.Task).Labels(vocab, b.Y, i), ", ")
		}
	}
	return plot.Grid(cells, plot.GridOptions{Title: o.Title, Columns: o.Columns, Cell: o.Cell})
}
