package schedule

import (
	"fmt"
	"math"
	"strings"
)

// Suggestions are learning rates read out of a finder's curve. A rule that
// cannot be applied to the curve gives NaN and its reason in Errs.
type Suggestions struct {
	Min    float64 // a tenth of the rate at the lowest loss (fastai's lr_min): a safe choice
	Steep  float64 // the rate where the loss falls most steeply (fastai's lr_steep): often timid
	Valley float64 // two thirds into the longest fall of the loss (fastai 2.3's default)
	Slide  float64 // right before the slope of the loss begins to change for good

	Errs map[string]error // by rule: "min", "steep", "valley", "slide"; nil when all applied

	// Doubt says why the curve should be looked at before any of these is
	// believed, and what to do; empty when nothing speaks against them. It is set
	// for a loss that falls here and there but never below where it began, as
	// that of a model that is trained already. fastai gives the same numbers
	// there, without a word.
	Doubt string
}

// CurveError says why nothing can be read out of a learning-rate curve, and
// carries the curve, so that a person can look at it.
type CurveError struct {
	Reason string
	Advice string
	Curve  LRCurve
}

// Error gives the reason, what to do, and the ends of the curve.
func (e *CurveError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "learning-rate finder: %s; %s", e.Reason, e.Advice)
	if n := len(e.Curve.Losses); n > 0 && len(e.Curve.LRs) == n {
		fmt.Fprintf(&b, " (%d steps, loss %.4g at rate %.3g to %.4g at %.3g)",
			n, e.Curve.Losses[0], e.Curve.LRs[0], e.Curve.Losses[n-1], e.Curve.LRs[n-1])
	}
	return b.String()
}

// What fastai leaves out before it looks for suggestions: the first tenth of
// the steps, where the loss settles, and the last records, where it explodes.
const (
	skipFirst = 10 // a Steps/skipFirst-th of the records
	skipLast  = 5
)

// minPoints is the fewest records that a rule may be applied to; fewer say
// nothing of a slope.
const minPoints = 3

// Trim returns the part of the curve that suggestions are read from, as fastai
// cuts it: records [Steps/10 : -5], up to the first loss that is not finite. The
// slices share the curve's storage. It is a *CurveError when fewer than three
// records are left, or when the curve is not one.
func (c LRCurve) Trim() (lrs, losses []float64, err error) {
	fail := func(reason, advice string) ([]float64, []float64, error) {
		return nil, nil, &CurveError{Reason: reason, Advice: advice, Curve: c}
	}
	if len(c.LRs) != len(c.Losses) {
		return fail(fmt.Sprintf("%d rates but %d losses", len(c.LRs), len(c.Losses)), "give one loss for each rate")
	}
	for i, lr := range c.LRs {
		if !(lr > 0) || math.IsInf(lr, 0) {
			return fail(fmt.Sprintf("rate %d is %v", i, lr), "rates must be finite and above 0")
		}
		if i > 0 && lr <= c.LRs[i-1] {
			return fail(fmt.Sprintf("rate %d is %v after %v", i, lr, c.LRs[i-1]), "rates must grow from step to step")
		}
	}
	finite := len(c.Losses)
	for i, l := range c.Losses {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			finite = i
			break
		}
	}
	first := max(c.Steps, 0) / skipFirst
	end := min(len(c.Losses)-skipLast, finite)
	if end-first < minPoints {
		if finite < len(c.Losses) {
			return fail(fmt.Sprintf("the loss is not finite from step %d on", finite),
				"check the data and the model, or start from a lower rate")
		}
		return fail(fmt.Sprintf("%d steps are too few: the first %d and the last %d do not count", len(c.Losses), first, skipLast),
			"allow more steps, or start from a lower rate")
	}
	return c.LRs[first:end], c.Losses[first:end], nil
}

// rounding is the share of a loss by which smoothing in float32 makes equal
// losses differ, and more: a fall that small is none.
const rounding = 1e-5

// doubtful is the remark on a curve whose lowest loss is its first.
const doubtful = "the loss never falls below where it began, so these follow its noise; " +
	"look at the curve and take a rate ten times below where it begins to rise"

// Suggest applies every rule to the curve. The error is a *CurveError when the
// curve allows none of them: it is too short, or its loss falls nowhere. Rules
// that fail alone are in Errs.
func (c LRCurve) Suggest() (Suggestions, error) {
	nan := math.NaN()
	s := Suggestions{Min: nan, Steep: nan, Valley: nan, Slide: nan}
	lrs, losses, err := c.Trim()
	if err != nil {
		return s, err
	}
	lo, hi, falls := losses[0], losses[0], false
	for _, l := range losses {
		falls = falls || hi-l > rounding*math.Abs(hi) // below one before it
		lo, hi = min(lo, l), max(hi, l)
	}
	if !falls {
		reason, advice := "the loss never falls", "the first rate may already be too high, or nothing trains: start lower and check that the model is not frozen"
		if hi-lo <= rounding*math.Abs(hi) {
			reason, advice = "the loss never changes", "nothing trains: check that the model is not frozen, or end at a higher rate"
		}
		return s, &CurveError{Reason: reason, Advice: advice, Curve: c}
	}
	if losses[0]-lo <= rounding*math.Abs(losses[0]) {
		s.Doubt = doubtful
	}
	for _, rule := range []struct {
		name string
		f    func(lrs, losses []float64) (float64, error)
		to   *float64
	}{{"min", SuggestMin, &s.Min}, {"steep", SuggestSteep, &s.Steep}, {"valley", SuggestValley, &s.Valley}, {"slide", SuggestSlide, &s.Slide}} {
		v, err := rule.f(lrs, losses)
		if err != nil {
			if s.Errs == nil {
				s.Errs = map[string]error{}
			}
			s.Errs[rule.name] = err
			continue
		}
		*rule.to = v
	}
	return s, nil
}

// points checks what a rule is given and fails below need points.
func points(lrs, losses []float64, need int) error {
	c := LRCurve{LRs: lrs, Losses: losses}
	if len(lrs) != len(losses) {
		return &CurveError{Reason: fmt.Sprintf("%d rates but %d losses", len(lrs), len(losses)), Advice: "give one loss for each rate", Curve: c}
	}
	if len(lrs) < need {
		return &CurveError{Reason: fmt.Sprintf("%d records, this rule needs %d", len(lrs), need), Advice: "allow more steps, or start from a lower rate", Curve: c}
	}
	for i, l := range losses {
		if math.IsNaN(l) || math.IsInf(l, 0) || !(lrs[i] > 0) || math.IsInf(lrs[i], 0) {
			return &CurveError{Reason: fmt.Sprintf("record %d has rate %v and loss %v", i, lrs[i], l), Advice: "give finite losses and rates above 0, as Trim does", Curve: c}
		}
	}
	return nil
}

// SuggestMin returns a tenth of the rate at the lowest loss (fastai's lr_min).
// The curve is trimmed already; of equal losses the first counts.
func SuggestMin(lrs, losses []float64) (float64, error) {
	if err := points(lrs, losses, 1); err != nil {
		return 0, err
	}
	return lrs[lowest(losses)] / 10, nil
}

// SuggestSteep returns the rate where the loss falls most steeply against the
// logarithm of the rate (fastai's lr_steep): the left end of the steepest step
// of the trimmed curve.
func SuggestSteep(lrs, losses []float64) (float64, error) {
	if err := points(lrs, losses, 2); err != nil {
		return 0, err
	}
	slopes := make([]float64, len(losses)-1)
	for i := range slopes {
		// In float32 as fastai, so that ties fall the same way.
		rise := float32(losses[i+1]) - float32(losses[i])
		run := log32(lrs[i+1]) - log32(lrs[i])
		slopes[i] = float64(rise / run)
	}
	return lrs[lowest(slopes)], nil
}

func log32(x float64) float32 { return float32(math.Log(float64(float32(x)))) }

func lowest(v []float64) int {
	best := 0
	for i, x := range v {
		if x < v[best] {
			best = i
		}
	}
	return best
}

// SuggestValley returns the rate about two thirds (one third and half of one
// more) into the valley: the stretch that ends where the longest falling
// subsequence of the losses ends, and is as long as that has members. It is
// the default of fastai from 2.3 on (its valley, from the ESRI ArcGIS API).
func SuggestValley(lrs, losses []float64) (float64, error) {
	if err := points(lrs, losses, minPoints); err != nil {
		return 0, err
	}
	// run[i] is the length of the longest falling subsequence that ends at i.
	run := make([]int, len(losses))
	end := 0
	for i := range losses {
		run[i] = 1
		for j := range i {
			if losses[i] < losses[j] {
				run[i] = max(run[i], run[j]+1)
			}
		}
		if run[i] > run[end] {
			end = i
		}
	}
	if run[end] < 2 {
		return 0, &CurveError{Reason: "the loss never falls", Advice: "start from a lower rate", Curve: LRCurve{LRs: lrs, Losses: losses}}
	}
	start := end - run[end] // one before the stretch, as in fastai; -1 when all of the curve falls
	third := float64(run[end]) / 3
	i := start + int(third) + int(third/2)
	return lrs[max(i, 0)], nil
}

// How fastai's slide rule compares slopes: over an interval of slideSpan
// records, and which difference counts as no change.
const (
	slideSpan      = 15
	slideThreshold = 0.005
)

// SuggestSlide moves an interval of 15 records from the end of the trimmed
// curve towards its beginning while the slopes of the loss at its two ends
// differ by more than 0.005, and returns the rate at its left end (fastai's
// slide, the interval slide rule of the novelty-detection library). Slopes are
// per record, central differences.
func SuggestSlide(lrs, losses []float64) (float64, error) {
	if err := points(lrs, losses, slideSpan+1); err != nil {
		return 0, err
	}
	slope := gradient(losses)
	right := len(losses) - 1
	left := right - slideSpan
	lr := lrs[left]
	for left >= 0 && math.Abs(slope[right]-slope[left]) > slideThreshold {
		lr = lrs[left]
		right--
		left--
	}
	return lr, nil
}

// gradient is numpy.gradient with spacing 1: central differences, one-sided at
// the ends. It needs two values or more.
func gradient(v []float64) []float64 {
	n := len(v)
	g := make([]float64, n)
	g[0], g[n-1] = v[1]-v[0], v[n-1]-v[n-2]
	for i := 1; i < n-1; i++ {
		g[i] = (v[i+1] - v[i-1]) / 2
	}
	return g
}
