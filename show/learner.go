package show

import (
	"errors"
	"math"

	"github.com/whippet-ml/whippet/plot"
	"github.com/whippet-ml/whippet/train"
)

// Losses draws the smoothed training loss of every step and the validation
// losses, as fastai's Recorder.plot_loss. A validation loss stands at the end
// of its epoch. It returns an error before the first step.
func Losses(r *train.Recorder, o plot.LineOptions) (*plot.Figure, error) {
	if len(r.Steps) == 0 {
		return nil, errNothingRecorded
	}
	smooth := make([]float64, len(r.Steps))
	for i, s := range r.Steps {
		smooth[i] = s.Smooth
	}
	var valid []plot.Point
	for _, row := range r.Rows {
		if !math.IsNaN(row.ValidLoss) { // as without validation set
			valid = append(valid, plot.Point{Step: float64(row.Step - 1), Value: row.ValidLoss})
		}
	}
	return plot.Losses(smooth, valid, o)
}

// Metrics draws each metric over the epochs, counted from 1 through all
// phases, as fastai's Recorder.plot_metrics. It returns an error when no metric
// was recorded.
func Metrics(r *train.Recorder, o plot.LineOptions) (*plot.Figure, error) {
	if len(r.Rows) == 0 || len(r.MetricNames) == 0 {
		return nil, errNothingRecorded
	}
	curves := make([]plot.Curve, len(r.MetricNames))
	for k, name := range r.MetricNames {
		curves[k].Name = name
		for i, row := range r.Rows {
			if k < len(row.Metrics) {
				curves[k].X = append(curves[k].X, float64(i+1))
				curves[k].Y = append(curves[k].Y, row.Metrics[k])
			}
		}
	}
	return plot.Metrics(curves, o)
}

// Schedules draws the learning rate of every step, one curve for each layer
// group, and the momentum beside it, as fastai's Recorder.plot_sched. It returns
// an error before the first step.
func Schedules(r *train.Recorder, o plot.LineOptions) (*plot.Figure, error) {
	if len(r.Steps) == 0 {
		return nil, errNothingRecorded
	}
	lrs, mom := make([][]float64, len(r.Steps)), make([]float64, len(r.Steps))
	for i, s := range r.Steps {
		lrs[i] = s.LR
		if len(s.Mom) > 0 { // the same for all groups
			mom[i] = s.Mom[len(s.Mom)-1]
		}
	}
	return plot.Schedules(lrs, mom, o)
}

var errNothingRecorded = errors.New("show: there is nothing to draw yet: train first")

// LRFind draws the curve with the suggestions marked on it, as fastai's
// plot_lr_find.
func LRFind(f train.LRFinding, o plot.LineOptions) (*plot.Figure, error) {
	var marks []plot.Suggestion
	for _, s := range f.List(f.Curve) {
		marks = append(marks, plot.Suggestion{Name: s.Rule, LR: s.LR})
	}
	return plot.LRFind(f.Curve.LRs, f.Curve.Losses, marks, o)
}
