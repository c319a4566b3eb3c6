package plot

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

func TestScatter(t *testing.T) {
	r := rng.New(8)
	var x, y []float64
	for range 4000 {
		v := 100 * r.Float64()
		x, y = append(x, v), append(y, v+5*r.Normal())
	}
	f, err := Scatter(x[:200], y[:200], ScatterOptions{Title: "age", XLabel: "actual", YLabel: "predicted", Diagonal: true})
	check(t, "scatter", f, err)
	for _, want := range []string{"age", "actual", "predicted"} {
		if !strings.Contains(texts(f), want) {
			t.Errorf("%q is not written in %q", want, texts(f))
		}
	}
	if strings.Contains(texts(f), "points") {
		t.Errorf("all points are drawn, and a note says otherwise: %q", texts(f))
	}
	x[777], y[777] = 50, -900
	f, err = Scatter(x, y, ScatterOptions{Level: true})
	check(t, "scatter of many", f, err)
	if !strings.Contains(texts(f), "of 4000 points") {
		t.Errorf("no note says that some points only are drawn: %q", texts(f))
	}
	var svg strings.Builder
	if err := f.WriteSVG(&svg); err != nil || !strings.Contains(svg.String(), "50, -900") {
		t.Errorf("the worst point is not among those drawn (%v)", err)
	}
	for name, v := range map[string][2][]float64{
		"one":      {{3}, {3}},
		"equal":    {{3, 3, 3}, {0, 0, 0}},
		"some NaN": {{1, math.NaN(), 2}, {math.Inf(1), 1, 2}},
		"enormous": {{1e299, -1e299}, {-1e299, 1e299}},
	} {
		f, err := Scatter(v[0], v[1], ScatterOptions{Diagonal: true})
		check(t, "scatter "+name, f, err)
	}
	f, err = Scatter([]float64{math.NaN()}, []float64{1}, ScatterOptions{})
	refused(t, "nothing finite", f, err, "none of the 1 points")
	f, err = Scatter([]float64{1}, nil, ScatterOptions{})
	refused(t, "lengths", f, err, "1 x and 0 y")
}
