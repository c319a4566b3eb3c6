package page

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/plot"
)

// Epoch is one epoch of training: its values by name, such as train_loss,
// valid_loss and error_rate. A value that was not measured is absent.
type Epoch struct {
	Epoch  int // of its phase, from 0
	Phase  int // of fine-tuning: 0 frozen, 1 with all layers
	Values map[string]float64
}

// maxEpochs bounds the history that is taken from a file.
const maxEpochs = 100_000

// ReadHistory takes the history of epochs out of what a saved model says about
// its training (models.Info.Training): {"history": [{"epoch": 0, "phase": 0,
// "train_loss": 1.2, ...}, ...]}. A model without one gives nil and no error.
func ReadHistory(training []byte) ([]Epoch, error) {
	if len(training) == 0 {
		return nil, nil
	}
	var raw struct {
		History []map[string]any `json:"history"`
	}
	if err := json.Unmarshal(training, &raw); err != nil {
		return nil, fmt.Errorf("page: the model's notes on its training: %w", err)
	}
	if len(raw.History) > maxEpochs {
		return nil, fmt.Errorf("page: the model's history has %d epochs, more than %d", len(raw.History), maxEpochs)
	}
	var out []Epoch
	for _, row := range raw.History {
		e := Epoch{Values: map[string]float64{}}
		for k, v := range row {
			f, ok := v.(float64)
			if !ok {
				continue
			}
			switch k {
			case "epoch":
				e.Epoch = int(f)
			case "phase":
				e.Phase = int(f)
			default:
				e.Values[k] = f
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// epochTable is the history as a table.
type epochTable struct {
	Names []string
	Rows  []epochRow
}

type epochRow struct {
	Number, Phase int
	Cells         []string
}

// valueNames lists the values of a history, losses first.
func valueNames(h []Epoch) []string {
	seen := map[string]bool{}
	var names []string
	for _, e := range h {
		for k := range e.Values {
			if !seen[k] {
				seen[k] = true
				names = append(names, k)
			}
		}
	}
	rank := map[string]int{"train_loss": -2, "valid_loss": -1}
	sort.Slice(names, func(i, j int) bool {
		if a, b := rank[names[i]], rank[names[j]]; a != b {
			return a < b
		}
		return names[i] < names[j]
	})
	return names
}

// curves draws the history: the losses in one figure, each metric in another,
// over epochs counted through all phases.
func curves(h []Epoch) ([]htmlpage.Figure, *epochTable, error) {
	if len(h) == 0 {
		return nil, nil, nil
	}
	names := valueNames(h)
	table := &epochTable{Names: names}
	series := map[string]plot.Curve{}
	for i, e := range h {
		row := epochRow{Number: i + 1, Phase: e.Phase + 1}
		for _, n := range names {
			v, ok := e.Values[n]
			if !ok {
				v = math.NaN()
			}
			row.Cells = append(row.Cells, num(v))
			c := series[n]
			c.Name, c.Dots = n, true
			c.X, c.Y = append(c.X, float64(i+1)), append(c.Y, v)
			series[n] = c
		}
		table.Rows = append(table.Rows, row)
	}
	var losses, metrics []plot.Curve
	for _, n := range names {
		if n == "train_loss" || n == "valid_loss" {
			losses = append(losses, series[n])
		} else {
			metrics = append(metrics, series[n])
		}
	}
	var out []htmlpage.Figure
	add := func(f *plot.Figure, err error, alt string) error {
		if err != nil {
			return err
		}
		src, err := htmlpage.SVG(f)
		out = append(out, htmlpage.Figure{Src: src, Alt: alt})
		return err
	}
	if len(losses) > 0 {
		f, err := plot.Lines(losses, plot.LineOptions{Title: "Losses", XLabel: "epoch", YLabel: "loss"})
		if err := add(f, err, "training and validation loss of every epoch"); err != nil {
			return nil, nil, err
		}
	}
	if len(metrics) > 0 {
		f, err := plot.Metrics(metrics, plot.LineOptions{})
		if err := add(f, err, "metrics of every epoch"); err != nil {
			return nil, nil, err
		}
	}
	return out, table, nil
}
