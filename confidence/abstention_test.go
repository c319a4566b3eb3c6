package confidence

import (
	"math"
	"strings"
	"testing"
)

// TestRiskCoverage compares with numpy (testdata/risk.py).
func TestRiskCoverage(t *testing.T) {
	var f struct {
		Cases []struct {
			Name           string
			Score          []float32
			Right          []bool
			AURC, Excess   float64
			Coverage, Risk []float64
		}
	}
	readCases(t, "risk.json", &f)
	for _, c := range f.Cases {
		of := make([]Judged, len(c.Score))
		for i, s := range c.Score {
			of[i] = Judged{s, c.Right[i]}
		}
		got, err := RiskCoverage(of)
		if err != nil || math.Abs(got.AURC-c.AURC) > 1e-12 || math.Abs(got.Excess-c.Excess) > 1e-12 || len(got.Points) != len(c.Risk) {
			t.Errorf("%s: AURC %v, excess %v, %d points, %v; numpy has %v, %v, %d", c.Name, got.AURC, got.Excess, len(got.Points), err, c.AURC, c.Excess, len(c.Risk))
			continue
		}
		for i, p := range got.Points {
			if math.Abs(p.Coverage-c.Coverage[i]) > 1e-12 || math.Abs(p.Risk-c.Risk[i]) > 1e-12 {
				t.Errorf("%s: point %d is %+v; numpy has coverage %v, risk %v", c.Name, i, p, c.Coverage[i], c.Risk[i])
			}
		}
	}
}

// answers are six pictures, sorted by score, of which the third and the last are wrong.
var answers = []Judged{{0.95, true}, {0.9, true}, {0.8, false}, {0.7, true}, {0.6, true}, {0.5, false}}

func TestAbstain(t *testing.T) {
	for name, c := range map[string]struct {
		abstain             func([]Judged, float64) (Abstention, error)
		of                  []Judged
		wanted              float64
		below               float32
		coverage, precision float64
	}{
		"all answers are good enough": {AbstainByPrecision, answers, 0.6, 0.25, 1, 4.0 / 6},
		"precision further down":      {AbstainByPrecision, answers, 0.75, 0.55, 5.0 / 6, 0.8},
		"only right ones":             {AbstainByPrecision, answers, 1, 0.85, 2.0 / 6, 1},
		"out of reach":                {AbstainByPrecision, []Judged{{0.9, false}, {0.8, true}, {0.7, false}}, 0.9, 0.75, 2.0 / 3, 0.5},
		"half":                        {AbstainByCoverage, answers, 0.5, 0.75, 0.5, 2.0 / 3},
		"between two counts":          {AbstainByCoverage, answers, 0.51, 0.65, 4.0 / 6, 0.75},
		"all":                         {AbstainByCoverage, answers, 1, 0.25, 1, 4.0 / 6},
		"equal ones together":         {AbstainByCoverage, []Judged{{0.9, true}, {0.9, false}, {0.4, true}}, 0.1, 0.65, 2.0 / 3, 0.5},
	} {
		got, err := c.abstain(c.of, c.wanted)
		if err != nil || got.Below != c.below || math.Abs(got.Coverage-c.coverage) > 1e-12 || math.Abs(got.Precision-c.precision) > 1e-12 || got.Pictures != len(c.of) {
			t.Errorf("%s: %+v, %v; want below %v, coverage %v, precision %v", name, got, err, c.below, c.coverage, c.precision)
		}
		if err := got.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAbstainBetweenNeighbors: where no number lies between two scores, the lower one
// is not answered.
func TestAbstainBetweenNeighbors(t *testing.T) {
	low := float32(0.5)
	high := math.Nextafter32(low, 1)
	a, err := AbstainByCoverage([]Judged{{high, true}, {low, false}}, 0.5)
	if err != nil || !(low < a.Below && high >= a.Below) {
		t.Errorf("below %v, %v: %v must be answered and %v not", a.Below, err, high, low)
	}
}

func TestAbstainRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		run  func() error
		want string
	}{
		"no pictures":        {func() error { _, err := AbstainByPrecision(nil, 0.9); return err }, "no pictures"},
		"precision above 1":  {func() error { _, err := AbstainByPrecision(answers, 1.1); return err }, "precision of 1.1"},
		"precision NaN":      {func() error { _, err := AbstainByPrecision(answers, math.NaN()); return err }, "precision of NaN"},
		"coverage 0":         {func() error { _, err := AbstainByCoverage(answers, 0); return err }, "coverage of 0"},
		"a score of NaN":     {func() error { _, err := RiskCoverage([]Judged{{float32(math.NaN()), true}}); return err }, "picture 0 is not a number"},
		"a threshold of 0":   {func() error { return Abstention{}.Check() }, "is 0: it must be"},
		"a threshold of NaN": {func() error { return Abstention{Below: float32(math.NaN())}.Check() }, "is NaN"},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
}

func TestRisksAtAndThinned(t *testing.T) {
	r, err := RiskCoverage(answers)
	if err != nil {
		t.Fatal(err)
	}
	if p := r.At(0.6); p.Score != 0.7 || p.Risk != 0.25 {
		t.Errorf("at 60 %%: %+v", p)
	}
	thin := r.Thinned(3)
	if len(thin.Points) != 3 || thin.Points[0] != r.Points[0] || thin.Points[2] != r.Points[5] || thin.AURC != r.AURC {
		t.Errorf("thinned to 3: %+v", thin)
	}
}
