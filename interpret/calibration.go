package interpret

import (
	"fmt"
	"math"
)

// DefaultBins is the number of bins of the reliability curve when none is
// given, as in Guo et al. 2017, "On Calibration of Modern Neural Networks".
const DefaultBins = 15

// Bin is one bin of a reliability curve: the examples whose confidence, the
// probability of the predicted class, is in (Lo, Hi]; the first bin holds 0 too.
type Bin struct {
	Lo         float64 `json:"lo"`         // 0..1
	Hi         float64 `json:"hi"`         // 0..1
	Count      int     `json:"count"`      // examples in the bin
	Confidence float64 `json:"confidence"` // their mean confidence; 0 when there are none
	Accuracy   float64 `json:"accuracy"`   // the share of them predicted right; 0 when there are none
}

// Gap is how much surer the model is than it may be: confidence - accuracy,
// negative when it is too modest.
func (b Bin) Gap() float64 { return b.Confidence - b.Accuracy }

// Calibration says whether the model's probabilities can be taken at their word.
type Calibration struct {
	Bins  []Bin   `json:"bins"`  // equal widths, from 0 to 1
	Count int     `json:"count"` // examples
	ECE   float64 `json:"ece"`   // expected calibration error: mean |Gap| weighted by Count, in 0..1
	MCE   float64 `json:"mce"`   // maximum calibration error: the largest |Gap|, in 0..1
	Brier float64 `json:"brier"` // mean over examples of Σ (probability - truth)² over classes, in 0..2
	NLL   float64 `json:"nll"`   // mean of -ln(probability of the actual class), in nats
}

// Calibration computes the reliability curve and its summaries with equal-width
// bins; bins < 1 means DefaultBins (15). Summaries of an empty table are 0.
func (t *Table) Calibration(bins int) Calibration {
	rows := t.classed()
	c := newCalibration(bins, len(rows))
	for _, r := range rows {
		c.add(float64(r.Prob(r.Predicted)), r.Predicted == r.Actual)
		for k, p := range r.Probs {
			d := float64(p)
			if k == r.Actual {
				d--
			}
			c.Brier += float64(d * d)
		}
		c.NLL -= math.Log(max(float64(r.Prob(r.Actual)), math.SmallestNonzeroFloat32))
	}
	c.finish()
	return c
}

// newCalibration returns a curve without examples, which count says how many will be added.
func newCalibration(bins, count int) Calibration {
	if bins < 1 {
		bins = DefaultBins
	}
	c := Calibration{Bins: make([]Bin, bins), Count: count}
	for i := range c.Bins {
		c.Bins[i].Lo, c.Bins[i].Hi = float64(i)/float64(bins), float64(i+1)/float64(bins)
	}
	return c
}

// add counts an example of which the model was conf sure, in 0..1.
func (c *Calibration) add(conf float64, right bool) {
	b := &c.Bins[binOf(conf, len(c.Bins))]
	b.Count++
	b.Confidence += conf
	if right {
		b.Accuracy++
	}
}

// finish makes means of the sums.
func (c *Calibration) finish() {
	if c.Count == 0 {
		return
	}
	n := float64(c.Count)
	c.Brier /= n
	c.NLL /= n
	for i := range c.Bins {
		b := &c.Bins[i]
		if b.Count == 0 {
			continue
		}
		b.Confidence /= float64(b.Count)
		b.Accuracy /= float64(b.Count)
		gap := math.Abs(b.Gap())
		c.ECE += gap * float64(b.Count) / n
		c.MCE = max(c.MCE, gap)
	}
}

// binOf returns the bin i with i/bins < conf <= (i+1)/bins.
func binOf(conf float64, bins int) int {
	i := int(math.Ceil(conf*float64(bins))) - 1
	return min(max(i, 0), bins-1)
}

// String gives the summaries in one line.
func (c Calibration) String() string {
	return fmt.Sprintf("ECE %.4f, MCE %.4f, Brier %.4f, NLL %.4f over %d examples in %d bins",
		c.ECE, c.MCE, c.Brier, c.NLL, c.Count, len(c.Bins))
}
