package page

import (
	"html/template"

	"github.com/whippet-ml/whippet/internal/htmlpage"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/plot"
)

// strangest is how many of the strangest pictures a page shows.
const strangest = 12

// strangeView is how far the pictures are from those of training.
type strangeView struct {
	interpret.Strange
	Plot template.URL
	Top  []strangeTop
}

// strangeTop is one of the strangest pictures.
type strangeTop struct {
	interpret.StrangeRow
	Picture int // -1 for none
	Shown   string
	Above   bool // the limit
}

// strange returns what the page says of strangeness, nil for a model that does not measure it.
func (b *builder) strange() (*strangeView, error) {
	if b.in.Strange == nil {
		return nil, nil
	}
	v := &strangeView{Strange: *b.in.Strange}
	for _, r := range b.strangest() {
		top := strangeTop{StrangeRow: r, Picture: -1, Shown: b.shown(r.Path), Above: v.Limit > 0 && r.Distance > v.Limit}
		if p, ok := b.picture[r.Index]; ok {
			top.Picture = p
		}
		v.Top = append(v.Top, top)
	}
	count, wrong := plot.Curve{Name: "pictures"}, plot.Curve{Name: "answered wrongly"}
	most := 0
	for _, bin := range v.Bins {
		count.X, count.Y = append(count.X, bin.Lo, bin.Hi), append(count.Y, float64(bin.Count), float64(bin.Count))
		wrong.X, wrong.Y = append(wrong.X, bin.Lo, bin.Hi), append(wrong.Y, float64(bin.Wrong), float64(bin.Wrong))
		most = max(most, bin.Count)
	}
	curves := []plot.Curve{count, wrong}
	if v.Limit > 0 {
		curves = append(curves, plot.Curve{Name: "limit", X: []float64{v.Limit, v.Limit}, Y: []float64{0, float64(most)}})
	}
	fig, err := plot.Lines(curves, plot.LineOptions{Title: "Strangeness", XLabel: "distance from the training pictures", YLabel: "pictures"})
	if err != nil {
		return nil, err
	}
	v.Plot, err = htmlpage.SVG(fig)
	return v, err
}

// strangest returns the pictures that are shown for their strangeness.
func (b *builder) strangest() []interpret.StrangeRow {
	if b.in.Strange == nil {
		return nil
	}
	return b.in.Strange.Strangest[:min(len(b.in.Strange.Strangest), strangest)]
}
