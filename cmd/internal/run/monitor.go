package run

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// This file is --monitor: what --save-best and --patience go by.

// Columns of the history that are no metric.
const (
	validLoss = "valid_loss"
	trainLoss = "train_loss"
)

// monitored is what --save-best and --patience go by, as it was given.
func (c Config) monitored() string { return cmp.Or(c.Monitor, validLoss) }

// monitoredMetric returns the metric of --monitor, nil if it is a loss.
func (c Config) monitoredMetric(t task.Task) (metrics.Metric, error) {
	if c.monitored() == validLoss || c.monitored() == trainLoss {
		return nil, nil
	}
	m, err := t.Metrics().ByName(c.Monitor)
	if err != nil {
		return nil, fmt.Errorf("--monitor %s: unknown; choose %s, %s or a metric: %s", c.Monitor, validLoss, trainLoss, strings.Join(t.Metrics().Names(), ", "))
	}
	return m, nil
}

// withMonitored adds the metric of --monitor to those that are measured, unless it is
// among them.
func (c Config) withMonitored(t task.Task, ms []metrics.Metric) ([]metrics.Metric, error) {
	m, err := c.monitoredMetric(t)
	if err != nil || m == nil || slices.ContainsFunc(ms, func(o metrics.Metric) bool { return o.Name() == m.Name() }) {
		return ms, err
	}
	return append(ms, m), nil
}

// checkMonitor reports a --monitor that nothing would go by.
func (c Config) checkMonitor() error {
	if c.Monitor != "" && !c.SaveBest && c.Patience == 0 {
		return errors.New("--monitor " + c.Monitor + ": it says what --save-best and --patience go by: give one of them, or both")
	}
	return nil
}

// monitoring returns the callbacks of --save-best and --patience. The metric says
// itself which way is better.
func (c Config) monitoring(t task.Task) (cbs []train.Callback) {
	column := c.Monitor
	if m, err := c.monitoredMetric(t); err == nil && m != nil {
		column = m.Name() // whichever of its names was given
	}
	if column == validLoss {
		column = "" // the same, and its state has the same name
	}
	if c.SaveBest {
		cbs = append(cbs, &train.SaveBest{Monitor: column, Restore: true})
	}
	if c.Patience > 0 {
		cbs = append(cbs, &train.EarlyStopping{Monitor: column, Patience: c.Patience})
	}
	return cbs
}
