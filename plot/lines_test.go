package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

// finderCurve looks like a learning-rate finder's: flat, down, diverging.
func finderCurve() (lrs, losses []float64) {
	r := rng.New(3)
	for i := range 92 {
		lr := math.Pow(10, -7+8*float64(i)/99)
		x := math.Log10(lr)
		lrs = append(lrs, lr)
		losses = append(losses, 1.2+2.2/(1+math.Exp(3*(x+3.2)))+0.05*r.Normal()+math.Exp(5*(x+0.05)))
	}
	return lrs, losses
}

var suggestions = []Suggestion{{"min/10", 3.3e-2}, {"steep", 6.3e-4}, {"valley", 1.2e-3}, {"slide", 5e-3}}

func TestLRFind(t *testing.T) {
	lrs, losses := finderCurve()
	f, err := LRFind(lrs, losses, suggestions, LineOptions{})
	check(t, "lrfind", f, err)
	for _, want := range []string{"steep  6.3e-4", "valley  1.2e-3", "slide  5.0e-3", "min/10  3.3e-2", "10⁻³"} {
		if !strings.Contains(texts(f), want) {
			t.Errorf("%q is not written in %q", want, texts(f))
		}
	}
	f, err = LRFind(lrs, losses, []Suggestion{{"far left", lrs[0]}, {"far right, and with a long name", lrs[91]}, {"outside", 1e5}, {"zero", 0}, {"NaN", math.NaN()}}, LineOptions{Title: "Frozen"})
	check(t, "lrfind at the edges", f, err)
	if got := texts(f); strings.Contains(got, "outside") || strings.Contains(got, "zero") || strings.Contains(got, "NaN") {
		t.Errorf("suggestions off the curve are drawn: %q", got)
	}
}

func TestLRFindOddCurves(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name        string
		lrs, losses []float64
		want        string
	}{
		{"one point", []float64{1e-3}, []float64{2}, ""},
		{"flat", []float64{1e-3, 1e-2, 1e-1}, []float64{2, 2, 2}, ""},
		{"with NaN and Inf", []float64{1e-3, 1e-2, 1e-1, 1}, []float64{2, nan, 3, inf}, ""},
		{"enormous", []float64{1e-3, 1e-2}, []float64{1e299, -1e299}, ""},
		{"tiny rates", []float64{1e-30, 1e-29}, []float64{1, 2}, ""},
		{"unsorted", []float64{1e-1, 1e-3, 1e-2}, []float64{1, 2, 3}, ""},
		{"nothing finite", []float64{1e-3, 0}, []float64{nan, 1}, "none of the 2 points"},
		{"empty", nil, nil, "none of the 0 points"},
		{"lengths", []float64{1}, nil, "1 learning rates and 0 losses"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := LRFind(c.lrs, c.losses, suggestions, LineOptions{})
			if c.want != "" {
				refused(t, c.name, f, err, c.want)
				return
			}
			check(t, "lrfind "+c.name, f, err)
		})
	}
}

func TestLosses(t *testing.T) {
	r := rng.New(4)
	var train []float64
	var valid []Point
	l := 3.9
	for i := range 740 {
		l += (0.3 + 1.5*math.Exp(-float64(i)/120) - l) * 0.02
		train = append(train, l+0.02*r.Normal())
		if i%148 == 147 {
			valid = append(valid, Point{float64(i), l * (0.9 - 0.1*r.Float64())})
		}
	}
	f, err := Losses(train, valid, LineOptions{})
	check(t, "losses", f, err)
	if got := texts(f); !strings.Contains(got, "train") || !strings.Contains(got, "valid") {
		t.Errorf("the legend is missing in %q", got)
	}
	f, err = Losses(train[:3], nil, LineOptions{})
	check(t, "losses of three steps", f, err)
	f, err = Losses(nil, nil, LineOptions{})
	check(t, "losses of no steps", f, err)
}

// TestLegendRows: names that do not fit in a row go into the next one, whole.
func TestLegendRows(t *testing.T) {
	var curves []Curve
	for i := range 7 {
		curves = append(curves, Curve{Name: fmt.Sprintf("runs/20260102-030405-resnet%d", i), Y: []float64{1, 2}})
	}
	f, err := Lines(curves, LineOptions{Title: "many"})
	check(t, "lines with a legend of several rows", f, err)
	for _, c := range curves {
		if !strings.Contains(texts(f), c.Name) {
			t.Errorf("%s is not in the legend whole", c.Name)
		}
	}
}

func TestLossesSkipTheFirst(t *testing.T) {
	train := append([]float64{1000, 900, 800, 700, 600}, make([]float64, 30)...)
	f, err := Losses(train, nil, LineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(texts(f), "1000") || strings.Contains(texts(f), "500") {
		t.Errorf("the first 5 losses are shown: %q", texts(f))
	}
}

func TestMetrics(t *testing.T) {
	all := []Curve{
		{Name: "error_rate", Y: []float64{0.12, 0.08, 0.075, 0.061, 0.0556}},
		{Name: "F1 (macro)", Y: []float64{0.88, 0.91, 0.92, 0.938, 0.944}},
		{Name: "top_5_accuracy", Y: []float64{0.991, 0.9955, 0.997, 0.998, 0.998}},
		{Name: "matthews, which once was not a number", Y: []float64{0.7, math.NaN(), 0.8, 0.82, 0.83}},
	}
	for n := 1; n <= 4; n++ {
		f, err := Metrics(all[:n], LineOptions{})
		check(t, fmt.Sprintf("metrics %d", n), f, err)
	}
	f, err := Metrics([]Curve{{Name: "once", Y: []float64{0.12}}}, LineOptions{})
	check(t, "metrics of one epoch", f, err)
	f, err = Metrics([]Curve{{Name: "none", Y: nil}}, LineOptions{})
	check(t, "metrics of no epoch", f, err)
	f, err = Metrics(nil, LineOptions{})
	refused(t, "no metrics", f, err, "no curve")
	f, err = Metrics([]Curve{{Name: "x", X: []float64{1}, Y: []float64{1, 2}}}, LineOptions{})
	refused(t, "lengths", f, err, `curve "x" has 1 x and 2 y`)
}

func TestSchedules(t *testing.T) {
	var three, one [][]float64
	var mom []float64
	cos := func(a, b, t float64) float64 { return a + (1+math.Cos(math.Pi*(1-t)))*(b-a)/2 }
	for i := range 276 {
		p := float64(i) / 276
		v, m := cos(1./25, 1, p/0.3), cos(0.95, 0.85, p/0.3)
		if p >= 0.3 {
			v, m = cos(1, 1e-5, (p-0.3)/0.7), cos(0.85, 0.95, (p-0.3)/0.7)
		}
		three = append(three, []float64{1e-5 * v, 1e-4 * v, 1e-3 * v})
		one = append(one, []float64{1e-3 * v})
		mom = append(mom, m)
	}
	f, err := Schedules(three, mom, LineOptions{})
	check(t, "schedule of three groups", f, err)
	f, err = Schedules(one, mom, LineOptions{})
	check(t, "schedule of one group", f, err)
	f, err = Schedules(one, nil, LineOptions{})
	check(t, "schedule without momentum", f, err)
	for _, c := range []struct {
		name string
		lrs  [][]float64
		want string
	}{{"no steps", nil, "no steps"}, {"no groups", [][]float64{{}}, "no layer groups"}, {"ragged", [][]float64{{1}, {1, 2}}, "step 1"}} {
		f, err := Schedules(c.lrs, nil, LineOptions{})
		refused(t, c.name, f, err, c.want)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		name string
		a    axis
		n    int
		want []string
	}{
		{"unit", axis{lo: 0, hi: 1}, 5, []string{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"negative", axis{lo: -0.3, hi: 0.3}, 3, []string{"-0.2", "0", "0.2"}},
		{"large", axis{lo: 0, hi: 4e6}, 4, []string{"0", "1e6", "2e6", "3e6", "4e6"}},
		{"tiny", axis{lo: 0, hi: 4e-5}, 4, []string{"0", "1e-5", "2e-5", "3e-5", "4e-5"}},
		{"whole", axis{lo: 0, hi: 2, whole: true}, 9, []string{"0", "1", "2"}},
		{"log", axis{lo: 1e-7, hi: 10, log: true}, 4, []string{"10⁻⁷", "10⁻⁵", "10⁻³", "10⁻¹", "10¹"}},
		{"log within a decade", axis{lo: 1.5, hi: 7, log: true}, 4, []string{"2", "5"}},
	} {
		var got []string
		for _, k := range c.a.ticks(c.n) {
			got = append(got, k.label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: ticks are %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCompactAndRate(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{compact(0.5), "0.5"}, {compact(0), "0"}, {compact(1.234e-5), "1.23e-5"}, {compact(-2e6), "-2e6"}, {compact(123.4), "123"},
		{rate(1.2e-3), "1.2e-3"}, {rate(9.99e-4), "1.0e-3"}, {rate(3), "3.0e0"}, {rate(1e-7), "1.0e-7"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestThinKeepsExtremes(t *testing.T) {
	n := 100_000
	xs, ys := make([]float64, n), make([]float64, n)
	for i := range xs {
		xs[i] = float64(i)
		ys[i] = math.Sin(float64(i) / 1000)
	}
	ys[54321], ys[777] = 9, -9
	ys[5] = math.NaN()
	ox, oy := thin(xs, ys, 1000)
	if len(ox) > 1000 || len(ox) != len(oy) {
		t.Fatalf("%d and %d points, want at most 1000 pairs", len(ox), len(oy))
	}
	if !slices.IsSorted(ox) || slices.Max(oy) != 9 || slices.Min(oy) != -9 {
		t.Errorf("extremes %v and %v, want -9 and 9 in order", slices.Min(oy), slices.Max(oy))
	}
	f, err := Lines([]Curve{{Name: "long", X: xs, Y: ys}}, LineOptions{Title: "100 000 points", LogY: false})
	check(t, "long curve", f, err)
}

// FuzzAxis asks for ticks of any range: they must be finite and within it.
func FuzzAxis(f *testing.F) {
	f.Add(0.0, 1.0, false, 5)
	f.Add(1e-9, 1e9, true, 4)
	f.Add(-1e300, 1e300, false, 1000)
	f.Add(1.0, math.Nextafter(1, 2), false, 5)
	f.Fuzz(func(t *testing.T, a, b float64, log bool, n int) {
		ax := span(log, 0.05, []float64{a, b})
		for _, k := range ax.ticks(n % 100) {
			if p := ax.at(k.v); math.IsNaN(p) || p < -0.01 || p > 1.01 {
				t.Errorf("axis %+v has a tick at %v, position %v", ax, k.v, p)
			}
		}
	})
}
