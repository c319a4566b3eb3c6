package schedule

import (
	"bufio"
	"io"
	"math"
	"strconv"
)

// Suggestion is one reading of a learning-rate curve, as data for tables,
// plots and JSON.
type Suggestion struct {
	Rule    string  // "min", "steep", "valley" or "slide"
	LR      float64 // NaN when the rule could not be applied
	Loss    float64 // smoothed loss at the curve's point nearest to the rate; NaN likewise
	Meaning string  // what the rule looks for and when to trust it, one line
	Err     error   // why the rule could not be applied
}

// rules are the four suggestions in the order they are shown. Point is what the
// rate has to be multiplied by to get to the point of the curve it was read at.
var rules = []struct {
	name    string
	point   float64
	of      func(s Suggestions) float64
	meaning string
}{
	{"min", 10, func(s Suggestions) float64 { return s.Min },
		"a tenth of the rate at the lowest loss: bold but stable, good for a short fit_one_cycle"},
	{"steep", 1, func(s Suggestions) float64 { return s.Steep },
		"where the loss falls fastest: cautious; follows noise, so look at the curve first"},
	{"valley", 1, func(s Suggestions) float64 { return s.Valley },
		"inside the longest fall of the loss: the best first choice, fastai's default"},
	{"slide", 1, func(s Suggestions) float64 { return s.Slide },
		"before the slope changes for good: can be high; trust it when it is near the others"},
}

// List returns the suggestions as a list in the order min, steep, valley,
// slide, with the loss of curve c where each was read: for min at the lowest
// point, ten times the suggested rate.
func (s Suggestions) List(c LRCurve) []Suggestion {
	list := make([]Suggestion, len(rules))
	for i, r := range rules {
		lr := r.of(s)
		list[i] = Suggestion{Rule: r.name, LR: lr, Loss: c.lossAt(lr * r.point), Meaning: r.meaning, Err: s.Errs[r.name]}
	}
	return list
}

// lossAt returns the smoothed loss of the step whose rate is nearest to lr by
// ratio, NaN when there is none.
func (c LRCurve) lossAt(lr float64) float64 {
	loss, best := math.NaN(), math.Inf(1)
	for i, v := range c.LRs {
		if d := math.Abs(math.Log(v / lr)); d < best && i < len(c.Losses) {
			loss, best = c.Losses[i], d
		}
	}
	return loss
}

// WriteCSV writes the curve as a table with the columns step (from 0), lr,
// smooth_loss and loss. Numbers are written so that they read back exactly.
func (c LRCurve) WriteCSV(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString("step,lr,smooth_loss,loss\n")
	for i := range c.LRs {
		b.WriteString(strconv.Itoa(i))
		for _, column := range [][]float64{c.LRs, c.Losses, c.Raw} {
			b.WriteByte(',')
			if i < len(column) {
				b.WriteString(number(column[i]))
			}
		}
		b.WriteByte('\n')
	}
	return b.Flush() // a bufio.Writer keeps the first error
}
