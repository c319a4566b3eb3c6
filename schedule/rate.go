package schedule

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate is a learning rate for a model with layer groups, in fastai's three
// forms: one number for all groups (Flat), slice(stop) (SliceTo) and
// slice(start,stop) (Slice); and, besides, a list with one number for each
// group (PerGroup). Groups runs from the input side of the network to its
// head. The zero Rate means "not given".
type Rate struct {
	kind  rateKind
	start float64
	stop  float64
	list  []float64
}

type rateKind uint8

const (
	rateUnset rateKind = iota
	rateFlat
	rateSliceTo
	rateSlice
	rateList
)

// Flat is the same rate for every group, fastai's plain float.
func Flat(lr float64) Rate { return Rate{kind: rateFlat, stop: lr} }

// SliceTo is fastai's slice(stop): stop for the last group, the head, and a
// tenth of it for all others.
func SliceTo(stop float64) Rate { return Rate{kind: rateSliceTo, stop: stop} }

// Slice is fastai's slice(start,stop): start for the first group, stop for the
// last, and equal factors between (EvenMults).
func Slice(start, stop float64) Rate { return Rate{kind: rateSlice, start: start, stop: stop} }

// PerGroup gives every group its own rate, from the input side to the head.
func PerGroup(lrs ...float64) Rate {
	return Rate{kind: rateList, list: append([]float64(nil), lrs...)}
}

// IsZero reports whether no rate was given.
func (r Rate) IsZero() bool { return r.kind == rateUnset }

// Groups returns the rates of n layer groups (fastai's Optimizer.set_hyper). It
// is an error when no rate was given, a rate is negative or not finite, a slice
// starts at 0, or a list has another length than n.
func (r Rate) Groups(n int) ([]float64, error) {
	if n < 1 {
		return nil, fmt.Errorf("schedule: learning rate for %d layer groups: a model has at least one", n)
	}
	var lrs []float64
	switch r.kind {
	case rateUnset:
		return nil, fmt.Errorf("schedule: no learning rate given: use Flat, SliceTo or Slice")
	case rateFlat:
		lrs = repeat(r.stop, n)
	case rateSliceTo:
		lrs = repeat(r.stop/10, n)
		lrs[n-1] = r.stop
	case rateSlice:
		if err := checkRate(r.start); err != nil {
			return nil, err
		}
		if err := checkRate(r.stop); err != nil {
			return nil, err
		}
		if r.start == 0 || r.stop == 0 {
			return nil, fmt.Errorf("schedule: %v: both ends must be above 0, because the rates between are equal factors apart", r)
		}
		lrs = EvenMults(r.start, r.stop, n)
	case rateList:
		if len(r.list) != n {
			return nil, fmt.Errorf("schedule: %d learning rates %v for %d layer groups: give one for each group", len(r.list), r.list, n)
		}
		lrs = append(lrs, r.list...)
	}
	for _, lr := range lrs {
		if err := checkRate(lr); err != nil {
			return nil, err
		}
	}
	return lrs, nil
}

func checkRate(lr float64) error {
	if !(lr >= 0) || math.IsInf(lr, 0) {
		return fmt.Errorf("schedule: learning rate %v: it must be a finite number, 0 or more (1e-3 is a common start)", lr)
	}
	return nil
}

func repeat(v float64, n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// EvenMults returns n numbers from start to stop, each the same multiple of the
// one before (fastai's even_mults); for n = 1 it is stop alone. Start must not
// be 0. It returns nil for n < 1.
func EvenMults(start, stop float64, n int) []float64 {
	if n < 1 {
		return nil
	}
	if n == 1 {
		return []float64{stop}
	}
	step := math.Pow(stop/start, 1/float64(n-1))
	s := make([]float64, n)
	for i := range s {
		s[i] = start * math.Pow(step, float64(i))
	}
	return s
}

// String writes the rate as ParseRate reads it: "0.003", "slice(0.003)",
// "slice(1e-06,0.0001)", "[1e-05,1e-04]"; the zero Rate is "".
func (r Rate) String() string {
	switch r.kind {
	case rateFlat:
		return number(r.stop)
	case rateSliceTo:
		return "slice(" + number(r.stop) + ")"
	case rateSlice:
		return "slice(" + number(r.start) + "," + number(r.stop) + ")"
	case rateList:
		parts := make([]string, len(r.list))
		for i, v := range r.list {
			parts[i] = number(v)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return ""
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// ParseRate reads a rate as the command line and saved settings write it:
// "3e-3", "slice(3e-3)", "slice(1e-6,1e-4)", or a list "[1e-5,1e-4,1e-3]". An
// empty string is the zero Rate. Numbers must be finite and not negative.
func ParseRate(s string) (Rate, error) {
	t := strings.TrimSpace(s)
	bad := func(why string) (Rate, error) {
		return Rate{}, fmt.Errorf("learning rate %q: %s; write a number (3e-3), slice(stop), slice(start,stop) or a list [a,b,c]", s, why)
	}
	if t == "" {
		return Rate{}, nil
	}
	inner, isSlice := strings.CutPrefix(t, "slice(")
	close := ")"
	isList := false
	if !isSlice {
		inner, isList = strings.CutPrefix(t, "[")
		close = "]"
	}
	if !isSlice && !isList {
		v, err := parseNumber(t)
		if err != nil {
			return bad(err.Error())
		}
		return Flat(v), nil
	}
	inner, ok := strings.CutSuffix(inner, close)
	if !ok {
		return bad("it does not end in " + close)
	}
	var vals []float64
	for _, f := range strings.Split(inner, ",") {
		v, err := parseNumber(f)
		if err != nil {
			return bad(err.Error())
		}
		vals = append(vals, v)
	}
	switch {
	case isList:
		return PerGroup(vals...), nil
	case len(vals) == 1:
		return SliceTo(vals[0]), nil
	case len(vals) == 2:
		if vals[0] == 0 || vals[1] == 0 {
			return bad("both ends of a slice must be above 0")
		}
		return Slice(vals[0], vals[1]), nil
	}
	return bad("a slice has one or two numbers")
}

func parseNumber(s string) (float64, error) {
	s = strings.TrimSpace(s)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	if checkRate(v) != nil {
		return 0, fmt.Errorf("%q is not a finite number of 0 or more", s)
	}
	return v, nil
}

// MarshalText writes the rate as String does, so that it can stand in JSON
// settings.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err != nil {
		return err
	}
	*r = v
	return nil
}
