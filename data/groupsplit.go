package data

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/rng"
)

// This file splits by groups, with the classes' shares on both sides if asked for: a
// fraction, or one of several folds.

// Grouping says what a split by groups keeps. The zero value takes each item by itself and
// lets the classes fall as they may.
type Grouping struct {
	By       Grouper // which items stay together; nil for each by itself
	Stratify bool    // keep the classes' shares on both sides, as nearly as whole groups allow
}

// GroupSplit puts about a fraction of the items, in (0,1), into validation, whole groups only. Of
// several random choices it takes the one whose number of items, and with Stratify whose number of every
// label's items, are the nearest to the fraction. No label loses its last training item. It is
// an error when groups leave one side empty, and a warning when the share is far from the fraction.
func GroupSplit(frac float64, seed uint64, g Grouping) Splitter { return groupSplit{frac, seed, g} }

type groupSplit struct {
	frac float64
	seed uint64
	g    Grouping
}

func (s groupSplit) Split(string, []Item) (train, valid []int, err error) {
	return nil, nil, errNeedsBlock
}

func (s groupSplit) String() string {
	return fmt.Sprintf("GroupSplit(%v, seed %d%s)", s.frac, s.seed, s.g)
}

// String says what is kept, to stand behind other words.
func (g Grouping) String() (s string) {
	if g.By != nil {
		s = ", groups by " + describe(g.By)
	}
	if g.Stratify {
		s += ", stratified"
	}
	return s
}

// unit is a group as a split sees it: its items, and how many of them have each label.
type unit struct {
	name    string
	items   []int
	classes []int // in increasing order, with
	counts  []float64
}

// population is all units, and what they sum up to.
type population struct {
	units  []unit
	items  int
	labels []string  // by class; "" stands for items without a label
	totals []float64 // by class
}

// populate makes the units of a split.
func (g Grouping) populate(ctx context.Context, in splitInput) (*population, []string, error) {
	p := &population{items: len(in.items)}
	var groups []string
	if g.By != nil {
		var err error
		if groups, err = g.By.Groups(ctx, in.source, in.root, in.items); err != nil {
			return nil, nil, err
		}
		if len(groups) != len(in.items) {
			return nil, nil, mistakef(ErrSplit, "%s names %d groups for %s", describe(g.By), len(groups), plural(len(in.items), "item"))
		}
	}
	class, place := map[string]int{}, map[string]int{}
	for i := range in.items {
		k := len(p.units)
		if groups != nil {
			known := false
			if k, known = place[groups[i]]; !known {
				k = len(p.units)
				place[groups[i]] = k
			}
		}
		if k == len(p.units) {
			p.units = append(p.units, unit{})
			if groups != nil {
				p.units[k].name = groups[i]
			}
		}
		p.units[k].items = append(p.units[k].items, i)
		of := in.labels[i]
		if len(of) == 0 {
			of = []string{""}
		}
		for _, l := range of {
			c, known := class[l]
			if !known {
				c = len(p.labels)
				class[l] = c
				p.labels, p.totals = append(p.labels, l), append(p.totals, 0)
			}
			p.totals[c]++
			p.units[k].count(c)
		}
	}
	return p, groupWarnings(groups), nil
}

func (u *unit) count(c int) {
	at, known := slices.BinarySearch(u.classes, c)
	if !known {
		u.classes, u.counts = slices.Insert(u.classes, at, c), slices.Insert(u.counts, at, 0)
	}
	u.counts[at]++
}

// groupTries is how many random orders GroupSplit looks at.
const groupTries = 16

// Streams of random numbers of splits by groups.
const (
	streamGroups = 0x67726f7570 + iota
	streamFolds
)

func (s groupSplit) splitLabeled(ctx context.Context, in splitInput) (r splitResult, err error) {
	if !(s.frac > 0 && s.frac < 1) {
		return r, mistakef(ErrSplit, "a validation fraction of groups must be above 0 and below 1, not %v", s.frac)
	}
	p, warnings, err := s.g.populate(ctx, in)
	if err != nil {
		return r, err
	}
	if s.g.By == nil && p.items < 2 {
		return r, mistakef(ErrEmptySplit, "there is one item only, and one side of the split would be empty")
	}
	if len(p.units) < 2 {
		return r, mistakef(ErrEmptySplit, "all %s are of one group by %s, %q, so one side of the split would be empty: group them by something else", plural(p.items, "item"), describe(s.g.By), p.units[0].name)
	}
	var best *draft
	for try := range groupTries {
		d := p.draft(s.frac, s.g.Stratify)
		for _, k := range rng.New(s.seed, streamGroups, uint64(try)).Perm(len(p.units)) {
			if d.gain(k) < 0 && d.leaves(k) {
				d.take(k)
			}
		}
		if d.taken > 0 && (best == nil || d.score() < best.score()-1e-12) {
			best = d
		}
	}
	if best == nil { // every group is larger than the share: the one that misses it least
		d, at := p.draft(s.frac, s.g.Stratify), -1
		for k := range p.units {
			if d.leaves(k) && (at < 0 || d.gain(k) < d.gain(at)) {
				at = k
			}
		}
		if at < 0 {
			what := "picture"
			if s.g.By != nil {
				what = "group by " + describe(s.g.By)
			}
			return r, mistakef(ErrEmptySplit, "no %s can be for validation, as each is the only one with some label (%s): more of them must have these labels, or leave the labels out",
				what, strings.Join(quoted(slices.Clone(p.labels), shown), ", "))
		}
		d.take(at)
		best = d
	}
	validGroups := p.divide(&r, func(unit int) bool { return best.in[unit] })
	r.warnings = warnings
	if s.g.By != nil {
		r.notes = append(r.notes, p.note(s.g.By)+fmt.Sprintf("; %s for validation", plural(validGroups, "group")))
		if share := float64(len(r.valid)) / float64(p.items); math.Abs(share-s.frac) > max(0.02, s.frac/4) {
			r.warnings = append(r.warnings, fmt.Sprintf("%.1f %% of the pictures are for validation and not %.1f %%: groups are not cut, and the largest has %s", 100*share, 100*s.frac, plural(len(p.largest().items), "picture")))
		}
	}
	return r, nil
}

// divide puts the items of every unit on one of r's sides, in the order of the data,
// and returns how many units are for validation.
func (p *population) divide(r *splitResult, valid func(unit int) bool) (units int) {
	for k, u := range p.units {
		if valid(k) {
			units++
			r.valid = append(r.valid, u.items...)
		} else {
			r.train = append(r.train, u.items...)
		}
	}
	slices.Sort(r.train)
	slices.Sort(r.valid)
	return units
}

func (p *population) largest() unit {
	return slices.MaxFunc(p.units, func(a, b unit) int { return len(a.items) - len(b.items) })
}

// note says what groups there are.
func (p *population) note(by Grouper) string {
	u := p.largest()
	return fmt.Sprintf("%s in %s by %s, the largest %.60q with %d", plural(p.items, "picture"), plural(len(p.units), "group"), describe(by), u.name, len(u.items))
}

// draft is a choice of units for validation under way.
type draft struct {
	p        *population
	frac     float64
	stratify bool
	in       []bool
	taken    int       // units
	items    float64   // in them
	counts   []float64 // of each class in them
}

func (p *population) draft(frac float64, stratify bool) *draft {
	return &draft{p: p, frac: frac, stratify: stratify, in: make([]bool, len(p.units)), counts: make([]float64, len(p.totals))}
}

// miss is how much worse it is to have a of n than the fraction of n.
func (d *draft) miss(a, n float64) float64 {
	return (a - float64(d.frac*n)) * (a - float64(d.frac*n)) / n
}

// gain is by how much the score changes with unit k.
func (d *draft) gain(k int) float64 {
	u, n := &d.p.units[k], float64(d.p.items)
	v := d.miss(d.items+float64(len(u.items)), n) - d.miss(d.items, n)
	if d.stratify {
		for i, c := range u.classes {
			v += d.miss(d.counts[c]+u.counts[i], d.p.totals[c]) - d.miss(d.counts[c], d.p.totals[c])
		}
	}
	return v
}

// leaves reports whether every label has a training item without unit k.
func (d *draft) leaves(k int) bool {
	u := &d.p.units[k]
	for i, c := range u.classes {
		if d.p.labels[c] != "" && d.counts[c]+u.counts[i] >= d.p.totals[c] {
			return false
		}
	}
	return d.taken+1 < len(d.p.units)
}

func (d *draft) take(k int) {
	u := &d.p.units[k]
	d.in[k] = true
	d.taken++
	d.items += float64(len(u.items))
	for i, c := range u.classes {
		d.counts[c] += u.counts[i]
	}
}

func (d *draft) score() float64 {
	v := d.miss(d.items, float64(d.p.items))
	if d.stratify {
		for c, n := range d.counts {
			v += d.miss(n, d.p.totals[c])
		}
	}
	return v
}
