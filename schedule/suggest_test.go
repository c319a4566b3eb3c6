package schedule

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// The valley and slide rules of fastai 2.5 (valley, slide in
// fastai/callback/schedule.py), run in PyTorch on the stored curves' records
// [10:-5], which fastai2 0.0.30 recorded but had no such rules for.
func TestValleyAndSlideAreFastais(t *testing.T) {
	want := map[string][2]float64{
		"diverging_smooth":      {0.0010000000474974513, 0.010964781977236271},
		"never_diverges":        {0.009120108559727669, 0.03981071710586548},
		"explodes_at_55":        {1.737800812406931e-05, 6.30957365501672e-05},
		"real_squeezenet_pets3": {0.0020892962347716093, 0.0004786300996784121},
	}
	for name, c := range goldenCurves(t) {
		f := &Finder{}
		sweep(f, c.Raw)
		s, err := f.Curve().Suggest()
		if err != nil || s.Errs != nil {
			t.Fatalf("%s: %v, %v", name, err, s.Errs)
		}
		// fastai rounds the rates to float32: 6e-8.
		for i, got := range []float64{s.Valley, s.Slide} {
			if w := want[name][i]; math.Abs(got-w) > 6e-8*w {
				t.Errorf("%s: %s is %v, want %v", name, []string{"valley", "slide"}[i], got, w)
			}
		}
	}
}

// rates are n rates that double, so that curves can be written down.
func rates(n int) []float64 {
	lrs := make([]float64, n)
	for i := range lrs {
		lrs[i] = math.Pow(2, float64(i-n))
	}
	return lrs
}

func TestRulesOnSmallCurves(t *testing.T) {
	v := []float64{5, 4, 4, 1, 2, 1, 9}
	lrs := rates(len(v))
	for _, c := range []struct {
		name   string
		rule   func(lrs, losses []float64) (float64, error)
		losses []float64
		want   float64
	}{
		{"min: the first of two equal lows, a tenth of its rate", SuggestMin, v, lrs[3] / 10},
		{"steep: left end of the fall from 4 to 1", SuggestSteep, v, lrs[2]},
		// The longest falling subsequence is 5,4,2,1: 4 long, ends at 5; the
		// stretch starts at 1, a third is 1.33: 1+1+0.
		{"valley: into the stretch", SuggestValley, v, lrs[2]},
		// All falls: the stretch starts one before the curve, 7 long: -1+2+1.
		{"valley: all of it falls", SuggestValley, []float64{7, 6, 5, 4, 3, 2, 1}, lrs[2]},
	} {
		got, err := c.rule(lrs, c.losses)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
	short, err := SuggestValley(rates(3), []float64{3, 2, 1})
	if err != nil || short != rates(3)[0] {
		t.Errorf("valley of three falling records: %v, %v, want the first rate", short, err)
	}
}

func TestOddCurvesGiveErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	line := func(n int, f func(i int) float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	falling := func(i int) float64 { return 5 - 0.01*float64(i) }
	for _, c := range []struct {
		name   string
		lrs    []float64
		losses []float64
		want   string
	}{
		{"empty", nil, nil, "0 steps are too few"},
		{"seventeen steps of a hundred", rates(17), line(17, falling), "17 steps are too few"},
		{"flat", rates(100), line(100, func(int) float64 { return 3 }), "the loss never changes"},
		{"flat but for float32", rates(100), line(100, func(i int) float64 { return 2 + 1e-6*float64(i%7) }), "the loss never changes"},
		{"flat, and a rise", rates(100), line(100, func(i int) float64 { return max(2-1e-6*float64(i%7), float64(i)-60) }), "the loss never falls"},
		{"rising", rates(100), line(100, func(i int) float64 { return float64(i) }), "the loss never falls"},
		{"NaN from the start", rates(100), line(100, func(int) float64 { return nan }), "not finite from step 0"},
		{"infinite at 12", rates(100), line(100, func(i int) float64 {
			if i == 12 {
				return inf
			}
			return 1
		}), "not finite from step 12"},
		{"lengths differ", rates(100), line(99, falling), "100 rates but 99 losses"},
		{"negative rate", line(100, func(i int) float64 { return float64(i) - 50 }), line(100, falling), "rate 0 is -50"},
		{"NaN rate", line(100, func(i int) float64 { return nan }), line(100, falling), "rate 0 is NaN"},
		{"rates that stay", line(100, func(int) float64 { return 0.5 }), line(100, falling), "rate 1 is 0.5 after 0.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := LRCurve{LRs: c.lrs, Losses: c.losses, Steps: 100}.Suggest()
			var ce *CurveError
			if !errors.As(err, &ce) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want a CurveError that says %q", err, c.want)
			}
			if len(ce.Curve.Losses) != len(c.losses) {
				t.Errorf("the error carries %d losses, want %d", len(ce.Curve.Losses), len(c.losses))
			}
			for _, v := range []float64{s.Min, s.Steep, s.Valley, s.Slide} {
				if !math.IsNaN(v) {
					t.Errorf("a suggestion of %v beside the error", v)
				}
			}
		})
	}
}

// A loss that falls here and there, but never below where it began, is that of a
// model that is trained already: fastai's numbers, and a doubt.
func TestWanderingCurveIsDoubted(t *testing.T) {
	n := 100
	c := LRCurve{LRs: rates(n), Losses: make([]float64, n), Steps: n}
	for i := range n {
		// A tooth every ten records: up by 0.02 at once, then down to where it was.
		c.Losses[i] = 0.1 + 0.002*float64((100-i)%10)
		if i > 70 {
			c.Losses[i] += 0.001 * float64((i-70)*(i-70))
		}
	}
	s, err := c.Suggest()
	if err != nil || !strings.Contains(s.Doubt, "never falls below where it began") {
		t.Fatalf("doubt %q, error %v; want suggestions with a doubt", s.Doubt, err)
	}
	// What fastai 2.7's minimum, steep, valley and slide give for records [10:-5]:
	// the lowest loss is the first of them; the longest fall are the ten records
	// to record 20, the stretch begins one before them, half of it is 3+1 in.
	want := Suggestions{Min: c.LRs[10] / 10, Steep: c.LRs[11], Valley: c.LRs[14]}
	if s.Min != want.Min || s.Steep != want.Steep || s.Valley != want.Valley {
		t.Errorf("min %v, steep %v, valley %v; want %v, %v, %v", s.Min, s.Steep, s.Valley, want.Min, want.Steep, want.Valley)
	}
	c.Losses[50] = 0.05
	if s, err := c.Suggest(); err != nil || s.Doubt != "" {
		t.Errorf("one loss below: doubt %q, error %v; want neither", s.Doubt, err)
	}
}

// A curve too short for the slide rule still gives the others.
func TestShortCurveGivesWhatItCan(t *testing.T) {
	n := 10 + 8 + 5
	losses := make([]float64, n)
	for i := range losses {
		losses[i] = 5 - 0.1*float64(i)
	}
	s, err := LRCurve{LRs: rates(n), Losses: losses, Steps: 100}.Suggest()
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(s.Slide) || s.Errs["slide"] == nil || len(s.Errs) != 1 {
		t.Errorf("slide of eight records: %v, errors %v; want NaN and a reason", s.Slide, s.Errs)
	}
	if math.IsNaN(s.Min) || math.IsNaN(s.Steep) || math.IsNaN(s.Valley) {
		t.Errorf("suggestions %+v, want all but slide", s)
	}
}

// A curve that turns NaN late is read up to there.
func TestLateNaNIsCutOff(t *testing.T) {
	f := &Finder{Steps: 100}
	for i := range 100 {
		loss := 4 - 0.03*float64(i)
		if i == 70 {
			loss = math.NaN()
		}
		if f.Observe(loss) {
			break
		}
	}
	c := f.Curve()
	if len(c.LRs) != 71 || !math.IsNaN(c.Losses[70]) {
		t.Fatalf("%d records, want 71 with the NaN that stopped it", len(c.LRs))
	}
	lrs, losses, err := c.Trim()
	if err != nil || len(lrs) != 71-10-5 || len(losses) != len(lrs) {
		t.Errorf("%d records left, %v, want 56", len(lrs), err)
	}
}

func TestFinderStops(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Finder
		loss func(i int) float64
		want int
	}{
		{"after all its steps", Finder{Steps: 20}, func(int) float64 { return 1 }, 20},
		{"after six at least", Finder{Steps: 2}, func(int) float64 { return 1 }, 6},
		{"at once on NaN", Finder{}, func(int) float64 { return math.NaN() }, 1},
		{"on infinity", Finder{}, func(i int) float64 { return 1 / float64(3-i) }, 4},
		{"not, when told not to", Finder{Diverge: -1, Steps: 30}, func(i int) float64 { return math.Pow(10, float64(i)) }, 30},
		{"when it diverges", Finder{}, func(i int) float64 { return math.Pow(10, float64(i)) }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			for i := range 1000 {
				n++
				if c.f.Observe(c.loss(i)) {
					break
				}
			}
			if n != c.want {
				t.Errorf("stopped after %d steps, want %d", n, c.want)
			}
		})
	}
}

func TestFinderCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Finder
		ok   bool
	}{
		{"defaults", Finder{}, true},
		{"negative start", Finder{Start: -1}, false},
		{"end below start", Finder{Start: 1, End: 0.5}, false},
		{"endless", Finder{End: math.Inf(1)}, false},
		{"NaN", Finder{Start: math.NaN()}, false},
		{"diverge NaN", Finder{Diverge: math.NaN()}, false},
	} {
		if err := c.f.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v, want ok %v", c.name, err, c.ok)
		}
	}
}

// Whatever the losses, Suggest answers with rates of the curve or an error.
func FuzzSuggest(f *testing.F) {
	f.Add([]byte{}, uint16(100))
	f.Add([]byte{200, 190, 150, 100, 50, 20, 10, 5, 3, 2, 1, 0, 1, 5, 20, 90, 255, 255, 255, 255, 255, 255, 255, 255}, uint16(20))
	f.Add([]byte("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3"), uint16(6))
	f.Fuzz(func(t *testing.T, b []byte, steps uint16) {
		if len(b) > 500 {
			b = b[:500]
		}
		finder := &Finder{Steps: int(steps)}
		for _, v := range b {
			loss := float64(v) / 16
			switch v {
			case 255:
				loss = math.NaN()
			case 254:
				loss = math.Inf(1)
			case 253:
				loss = 3e38 // past float32 when squared, still finite
			}
			if finder.Observe(loss) {
				break
			}
		}
		c := finder.Curve()
		s, err := c.Suggest()
		if err != nil {
			return
		}
		for name, v := range map[string]float64{"min": s.Min * 10, "steep": s.Steep, "valley": s.Valley, "slide": s.Slide} {
			if s.Errs[name] == nil && !(v >= c.LRs[0]*(1-1e-12) && v <= c.LRs[len(c.LRs)-1]*(1+1e-12)) {
				t.Errorf("%s suggests %v, outside the curve", name, v)
			}
		}
	})
}
