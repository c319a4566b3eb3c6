package interpret

import (
	"math"
	"slices"
)

// LabelCalibration computes the reliability curve of one label, for pictures with
// any number of labels: whether of the pictures to which the model gives label k a
// probability of 0.3, three in ten have it. A bin's Confidence is the mean
// probability and its Accuracy the share of pictures with the label. Brier is the mean of (probability -
// truth)², in 0..1, and NLL the binary cross-entropy in nats, as scikit-learn's brier_score_loss
// and log_loss have them. bins < 1 means DefaultBins. Summaries of an empty table, and of a label outside the
// vocabulary, are 0.
func (t *Table) LabelCalibration(k, bins int) Calibration {
	if k < 0 || k >= len(t.Vocab) {
		return newCalibration(bins, 0)
	}
	c := newCalibration(bins, len(t.Rows))
	for _, r := range t.Rows {
		p := float64(r.Prob(k))
		has := slices.Contains(r.Labels, t.Vocab[k])
		c.add(p, has)
		truth, given := 0.0, 1-p // given: the probability of what is true
		if has {
			truth, given = 1, p
		}
		c.Brier += float64((p - truth) * (p - truth))
		c.NLL -= math.Log(max(given, math.SmallestNonzeroFloat32))
	}
	c.finish()
	return c
}
