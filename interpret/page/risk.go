package page

import (
	"fmt"
	"html/template"

	"github.com/whippet-ml/whippet/confidence"
	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/plot"
)

// riskView is what abstaining would give, and does where the model abstains.
type riskView struct {
	Plot   template.URL
	Area   confidence.Risks
	Points []confidence.RiskPoint // of the table
	Now    *interpret.Abstained   // nil where the model always answers
}

// coverages are the rows of the table of risks.
var coverages = []float64{1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.1}

// drawnRisks bounds the points of the curve.
const drawnRisks = 400

func (b *builder) risk() (riskView, error) {
	r, err := b.in.Table.RiskCoverage()
	if err != nil {
		return riskView{}, fmt.Errorf("page: %w", err)
	}
	v := riskView{Area: r}
	for _, c := range coverages {
		p := r.At(c)
		if n := len(v.Points); n == 0 || v.Points[n-1] != p {
			v.Points = append(v.Points, p)
		}
	}
	if b.in.Abstention != nil {
		now := b.in.Table.Abstained(*b.in.Abstention)
		v.Now = &now
	}
	curve := plot.Curve{Name: "error rate"}
	for _, p := range r.Thinned(drawnRisks).Points {
		curve.X, curve.Y = append(curve.X, p.Coverage), append(curve.Y, p.Risk)
	}
	fig, err := plot.Lines([]plot.Curve{curve}, plot.LineOptions{Title: "Risk and coverage", XLabel: "share of pictures answered", YLabel: "error rate of the answers"})
	if err != nil {
		return riskView{}, err
	}
	v.Plot, err = htmlpage.SVG(fig)
	return v, err
}
