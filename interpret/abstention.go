package interpret

import "github.com/whippet-ml/whippet/confidence"

// Judged returns how sure the model was of each row's answer, and whether it was right:
// what confidence chooses an abstention by. Rows without exactly one class are passed over.
func (t *Table) Judged() []confidence.Judged {
	rows := t.classed()
	out := make([]confidence.Judged, len(rows))
	for i, r := range rows {
		out[i] = confidence.Judged{Score: r.Prob(r.Predicted), Right: r.Right()}
	}
	return out
}

// RiskCoverage returns the risk-coverage curve of the table. It returns an error for a
// table without rows that have exactly one class.
func (t *Table) RiskCoverage() (confidence.Risks, error) { return confidence.RiskCoverage(t.Judged()) }

// Abstained is what an abstention gives on a table's rows.
type Abstained struct {
	Below     float32 `json:"below"`     // of the abstention
	Rule      string  `json:"rule"`      // of the abstention
	Answered  int     `json:"answered"`  // rows
	Right     int     `json:"right"`     // of the answered ones
	Coverage  float64 `json:"coverage"`  // the share of rows answered
	Precision float64 `json:"precision"` // the share of the answered ones that is right; 1 where none is answered
	Spared    int     `json:"spared"`    // wrong answers that were not given
	Lost      int     `json:"lost"`      // right answers that were not given
}

// Abstained returns what a gives on the table's rows that have exactly one class.
func (t *Table) Abstained(a confidence.Abstention) Abstained {
	s := Abstained{Below: a.Below, Rule: a.Rule, Precision: 1}
	all := t.Judged()
	for _, j := range all {
		switch answered := j.Score >= a.Below; {
		case answered && j.Right:
			s.Answered++
			s.Right++
		case answered:
			s.Answered++
		case j.Right:
			s.Lost++
		default:
			s.Spared++
		}
	}
	if len(all) > 0 {
		s.Coverage = float64(s.Answered) / float64(len(all))
	}
	if s.Answered > 0 {
		s.Precision = float64(s.Right) / float64(s.Answered)
	}
	return s
}
