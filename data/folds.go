package data

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whippet-ml/whippet/rng"
)

// FoldSplit divides the items into folds of nearly equal size, whole groups only, and puts fold
// number fold, from 1, into validation: over all folds every item is judged once by a model that was not
// trained on it (k-fold cross-validation). With Stratify each fold has nearly its part of every label, by
// the rule of scikit-learn's StratifiedGroupKFold: groups in decreasing order of how unevenly their items are
// spread over the labels, each to the fold where it leaves the labels spread most evenly over the folds.
//
// It is an error when there are fewer groups than folds, and when a label is in one fold only, which
// would have nothing to train on.
func FoldSplit(fold, folds int, seed uint64, g Grouping) Splitter {
	return foldSplit{fold, folds, seed, g}
}

type foldSplit struct {
	fold, folds int
	seed        uint64
	g           Grouping
}

func (s foldSplit) Split(string, []Item) (train, valid []int, err error) {
	return nil, nil, errNeedsBlock
}

func (s foldSplit) String() string {
	return fmt.Sprintf("FoldSplit(%d of %d, seed %d%s)", s.fold, s.folds, s.seed, s.g)
}

func (s foldSplit) splitLabeled(ctx context.Context, in splitInput) (r splitResult, err error) {
	if s.folds < 2 || s.fold < 1 || s.fold > s.folds {
		return r, mistakef(ErrSplit, "fold %d of %d: there must be 2 folds or more, and the fold be one of them, counted from 1", s.fold, s.folds)
	}
	p, warnings, err := s.g.populate(ctx, in)
	if err != nil {
		return r, err
	}
	if len(p.units) < s.folds {
		what := "pictures"
		if s.g.By != nil {
			what = "groups by " + describe(s.g.By)
		}
		return r, mistakef(ErrEmptySplit, "there are %d %s for %d folds, so a fold would be empty: take fewer folds", len(p.units), what, s.folds)
	}
	of := p.folds(s.folds, s.g.Stratify, rng.New(s.seed, streamFolds).Perm(len(p.units)))
	if err := p.checkFolds(of, s); err != nil {
		return r, err
	}
	groups := p.divide(&r, func(unit int) bool { return of[unit] == s.fold-1 })
	r.warnings = warnings
	if s.g.By != nil {
		r.notes = append(r.notes, p.note(s.g.By)+fmt.Sprintf("; %s in fold %d", plural(groups, "group"), s.fold))
	}
	return r, nil
}

// checkFolds refuses labels that a fold would have nothing to train on for.
func (p *population) checkFolds(of []int, s foldSplit) error {
	in := make([]int, len(p.totals)) // fold of a class; -1 for several
	units := make([]int, len(p.totals))
	for k, u := range p.units {
		for _, c := range u.classes {
			switch units[c]++; {
			case units[c] == 1:
				in[c] = of[k]
			case in[c] != of[k]:
				in[c] = -1
			}
		}
	}
	for c, f := range in {
		if f < 0 || p.labels[c] == "" {
			continue
		}
		next := "another seed of the split may part them, or stratify it"
		what := plural(units[c], "group")
		if s.g.By == nil {
			what = plural(units[c], "picture")
		}
		if units[c] == 1 {
			next = "give the label to more of them, or leave it out"
		}
		return mistakef(ErrSplit, "the label %q is in one fold only, fold %d, so that fold would have none to train on: it is in %s; %s", p.labels[c], f+1, what, next)
	}
	return nil
}

// folds returns the fold of every unit, from 0. order decides between units that are alike.
func (p *population) folds(folds int, stratify bool, order []int) []int {
	classes := len(p.totals)
	order = slices.Clone(order)
	// Without classes to balance, large units first: small ones fill the gaps.
	uneven := func(k int) float64 { return float64(len(p.units[k].items)) }
	if stratify {
		uneven = func(k int) float64 { // classes² times the variance of the counts, exact
			sum, squares := 0.0, 0.0
			for _, n := range p.units[k].counts {
				sum, squares = sum+n, squares+float64(n*n)
			}
			return float64(float64(classes)*squares) - float64(sum*sum)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(uneven(b), uneven(a)) })
	t := newTally(p, folds, stratify)
	of := make([]int, len(p.units))
	for _, k := range order {
		of[k] = t.place(&p.units[k])
	}
	return of
}

// tally counts what is in the folds: in all of them, the items as a class of their own
// where labels are not to be balanced.
type tally struct {
	stratify bool
	totals   []float64
	counts   [][]float64 // [class][fold]
	items    []float64   // of each fold; an item counts once for each label
	spread   []float64   // of each class: the standard deviation of its shares
	sum      float64     // of spread
}

func newTally(p *population, folds int, stratify bool) *tally {
	t := &tally{stratify: stratify, totals: p.totals, items: make([]float64, folds)}
	if !stratify {
		t.totals = []float64{float64(p.items)}
	}
	t.spread = make([]float64, len(t.totals))
	for range t.totals {
		t.counts = append(t.counts, make([]float64, folds))
	}
	return t
}

// place puts a unit into the fold where it leaves the folds most alike, among equals into the
// one with the fewest items.
func (t *tally) place(u *unit) int {
	classes, counts := u.classes, u.counts
	if !t.stratify {
		classes, counts = []int{0}, []float64{float64(len(u.items))}
	}
	best, least := -1, math.Inf(1)
	for f := range t.items {
		v := t.sum
		for i, c := range classes {
			t.counts[c][f] += counts[i]
			v += deviation(t.counts[c], t.totals[c]) - t.spread[c]
			t.counts[c][f] -= counts[i]
		}
		v /= float64(len(t.totals))
		near := math.Abs(v-least) <= 1e-8+float64(1e-5*least) // numpy's isclose
		if best < 0 || v < least && !near || near && t.items[f] < t.items[best] {
			best, least = f, v
		}
	}
	for i, c := range classes {
		t.counts[c][best] += counts[i]
		t.items[best] += counts[i]
		now := deviation(t.counts[c], t.totals[c])
		t.sum += now - t.spread[c]
		t.spread[c] = now
	}
	return best
}

// deviation is the standard deviation of the shares n[f]/total.
func deviation(n []float64, total float64) float64 {
	mean := 0.0
	for _, v := range n {
		mean += v / total
	}
	mean /= float64(len(n))
	sum := 0.0
	for _, v := range n {
		sum += float64((v/total - mean) * (v/total - mean))
	}
	return math.Sqrt(sum / float64(len(n)))
}
