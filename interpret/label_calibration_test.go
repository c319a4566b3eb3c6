package interpret

import (
	"math"
	"testing"
)

// TestLabelCalibration compares with scikit-learn's brier_score_loss and log_loss of
// [0, 1, 1, 0] and [0.2, 0.8, 0.6, 0.7], and with bins found by hand.
func TestLabelCalibration(t *testing.T) {
	table := labelsTable(t)
	c := table.LabelCalibration(1, 2)
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	if c.Count != 4 || !near(c.Brier, 0.1825) || !near(c.NLL, 0.5402713826800865) {
		t.Errorf("label b: %+v", c)
	}
	if lo, hi := c.Bins[0], c.Bins[1]; lo.Count != 1 || !near(lo.Confidence, 0.2) || lo.Accuracy != 0 || hi.Count != 3 || !near(hi.Confidence, 0.7) || !near(hi.Accuracy, 2.0/3) {
		t.Errorf("bins of label b: %+v", c.Bins)
	}
	if !near(c.MCE, 0.2) || !near(c.ECE, 0.075) {
		t.Errorf("label b is off by %v on average and by %v at most", c.ECE, c.MCE)
	}
	if c := table.LabelCalibration(3, 0); c.Count != 0 || c.ECE != 0 || len(c.Bins) != DefaultBins {
		t.Errorf("a label outside the vocabulary: %+v", c)
	}
}

func TestCoOccurrence(t *testing.T) {
	truth, answers := labelsTable(t).CoOccurrence()
	for _, tc := range []struct{ a, b, truth, answers int }{{0, 0, 2, 1}, {1, 1, 2, 3}, {0, 1, 1, 0}, {1, 0, 1, 0}, {1, 2, 0, 1}, {2, 2, 0, 1}} {
		if truth[tc.a][tc.b] != tc.truth || answers[tc.a][tc.b] != tc.answers {
			t.Errorf("labels %d and %d: %d pictures and %d answers, want %d and %d", tc.a, tc.b, truth[tc.a][tc.b], answers[tc.a][tc.b], tc.truth, tc.answers)
		}
	}
}
