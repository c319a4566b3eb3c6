package interpret

import (
	"errors"
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// NumberScores is how well one number is predicted, as scikit-learn computes it.
type NumberScores struct {
	Name string  `json:"name"`
	MAE  float64 `json:"mae"`  // mean absolute error, in the number's unit
	RMSE float64 `json:"rmse"` // root of the mean squared error, in its unit
	R2   Area    `json:"r2"`   // share of the variance that is predicted; null of less than two pictures
	Bias float64 `json:"bias"` // mean of predicted less actual
	Mean float64 `json:"mean"` // of the actual numbers
}

// NumbersReport is the scores of a model that predicts numbers.
type NumbersReport []NumberScores

// NumbersReport computes the scores of every number. It returns an error for a table of classes or
// labels, and for an empty one.
func (t *Table) NumbersReport() (NumbersReport, error) {
	if len(t.Rows) == 0 {
		return nil, errors.New("interpret: the table has no predictions to judge")
	}
	var report NumbersReport
	n := len(t.Rows)
	for k, name := range t.Vocab {
		answers, actual := tensor.New(n, 1), tensor.New(n, 1)
		s := NumberScores{Name: name}
		for i, r := range t.Rows {
			if len(r.Numbers) != len(t.Vocab) {
				return nil, errors.New("interpret: the pictures of this table have classes or labels and no numbers")
			}
			answers.Data[i], actual.Data[i] = r.Probs[k], r.Numbers[k]
			s.Mean += float64(r.Numbers[k]) / float64(n)
			s.Bias += (float64(r.Probs[k]) - float64(r.Numbers[k])) / float64(n)
		}
		y := target.Targets{Values: actual}
		value := func(m metrics.Metric) (float64, error) {
			err := m.Update(answers, y)
			return m.Value(), err
		}
		var err error
		var r2 float64
		if s.MAE, err = value(metrics.MAE()); err == nil {
			if s.RMSE, err = value(metrics.RMSE()); err == nil {
				r2, err = value(metrics.R2Score())
			}
		}
		if err != nil {
			return nil, err
		}
		s.R2 = Area(r2)
		report = append(report, s)
	}
	return report, nil
}

// String lays the report out as a table.
func (r NumbersReport) String() string {
	w := len("number")
	for _, s := range r {
		w = max(w, terminal.StringWidth(s.Name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %10s  %10s  %8s  %10s  %10s\n", padRight("number", w), "MAE", "RMSE", "R²", "bias", "mean")
	for _, s := range r {
		fmt.Fprintf(&b, "%s  %10.4g  %10.4g  %8.4f  %10.3g  %10.4g\n", padRight(s.Name, w), s.MAE, s.RMSE, float64(s.R2), s.Bias, s.Mean)
	}
	return b.String()
}
