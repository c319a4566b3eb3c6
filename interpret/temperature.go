package interpret

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// Temperature is a temperature that was fitted, and what it does to the calibration of
// the pictures that it was fitted on.
type Temperature struct {
	Value    float64 `json:"temperature"` // see confidence.Temperature
	Pictures int     `json:"pictures"`    // that it was fitted on
	Before   Honesty `json:"before"`      // with the network's own probabilities
	After    Honesty `json:"after"`
}

// Honesty is how near a model's probabilities are to the truth. For pictures with
// several labels both are means over labels.
type Honesty struct {
	ECE float64 `json:"ece"` // see Calibration
	NLL float64 `json:"nll"` // see Calibration
}

// String gives both in one line.
func (h Honesty) String() string { return fmt.Sprintf("ECE %.4f, NLL %.4f", h.ECE, h.NLL) }

// FitTemperature fits the temperature of the learner's model on its validation
// pictures; the model's network, and the learner's Temperature, stay as they are.
// Setting Temperature to the Value makes GetPreds, and the model that is saved, use it.
// The error wraps confidence.ErrNoTemperature where the pictures do not determine one.
func FitTemperature(ctx context.Context, l *train.Learner) (Temperature, error) {
	if l.DLs == nil || l.DLs.Valid == nil || len(l.DLs.Valid.Items()) == 0 {
		return Temperature{}, errors.New("interpret: a temperature is fitted on validation pictures, of which the learner has none: set some apart")
	}
	p, err := l.GetLogits(ctx, nil)
	if err != nil {
		return Temperature{}, fmt.Errorf("interpret: %w", err)
	}
	v, err := confidence.Temperature(p.Logits, p.Targets)
	if err != nil {
		return Temperature{}, fmt.Errorf("interpret: %w", err)
	}
	t := Temperature{Value: v, Pictures: len(p.Index)}
	for _, m := range []struct {
		by  float64
		out *Honesty
	}{{1, &t.Before}, {v, &t.After}} {
		by := l.Decoder()
		by.Temperature = m.by
		if *m.out, err = honesty(by, p); err != nil {
			return Temperature{}, err
		}
	}
	return t, nil
}

// honesty judges probabilities that by makes of the scores in p, which stay as they are.
func honesty(by task.Decoder, p *train.Preds) (Honesty, error) {
	probs := p.Logits.Clone()
	by.Divide(probs)
	if err := by.Task.Activate(probs, probs); err != nil {
		return Honesty{}, fmt.Errorf("interpret: %w", err)
	}
	c := len(by.Vocab)
	rows := make([][]float32, len(p.Index))
	for i := range rows {
		rows[i] = probs.Data[i*c : (i+1)*c : (i+1)*c]
	}
	t, err := NewTaskTable(by, nil, p.Targets, rows, nil)
	if err != nil {
		return Honesty{}, err
	}
	return t.Honesty(), nil
}

// Honesty returns the calibration error and the mean loss of the table's probabilities.
func (t *Table) Honesty() Honesty {
	if len(t.Rows) > 0 && t.Rows[0].Actual == NoClass {
		var h Honesty
		for k := range t.Vocab {
			c := t.LabelCalibration(k, 0)
			h.ECE += c.ECE / float64(len(t.Vocab))
			h.NLL += c.NLL / float64(len(t.Vocab))
		}
		return h
	}
	c := t.Calibration(0)
	return Honesty{ECE: c.ECE, NLL: c.NLL}
}

// Unscaled returns the table with the probabilities that the model would give without
// its temperature, for its calibration, and nil where it has none. Losses and answers are not
// changed.
func (t *Table) Unscaled() *Table {
	if len(t.Rows) == 0 || t.Rows[0].Unscaled == nil {
		return nil
	}
	u := &Table{Vocab: t.Vocab, Rows: append([]Row(nil), t.Rows...)}
	for i := range u.Rows {
		u.Rows[i].Probs, u.Rows[i].Unscaled = u.Rows[i].Unscaled, nil
	}
	return u
}
