package data

import (
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
)

// This file draws an epoch's items with weights, so that rare classes are seen as
// often as frequent ones, or with each item several times.

// BalancedItemWeights returns the weights of items for LoaderConfig.Weights by which every class is drawn
// equally often: for each item 1/(items of its class), as one gives PyTorch's WeightedRandomSampler and
// fastai's weighted_dataloaders. An item with several labels has the weight of its rarest one; those without
// any are a class of their own. Targets of c outputs whose values are not 0 and 1 are an error.
func BalancedItemWeights(y target.Targets, c int) ([]float64, error) {
	n := y.Len()
	counts := make([]float64, c+1) // the last one: items without a label
	labels := func(i int, f func(k int)) error {
		if y.Values == nil {
			f(y.Class[i])
			return nil
		}
		none := true
		for k, v := range y.Row(i) {
			switch v {
			case 1:
				f(k)
				none = false
			case 0:
			default:
				return fmt.Errorf("data: item %d has the target %v: numbers have no classes to balance", i, v)
			}
		}
		if none {
			f(c)
		}
		return nil
	}
	for i := range n {
		if err := labels(i, func(k int) { counts[k]++ }); err != nil {
			return nil, err
		}
	}
	w := make([]float64, n)
	for i := range w {
		_ = labels(i, func(k int) { w[i] = max(w[i], 1/counts[k]) })
	}
	return w, nil
}

// checkWeights reports weights that items cannot be drawn by.
func checkWeights(w []float64, items int) error {
	if w == nil {
		return nil
	}
	if len(w) != items {
		return fmt.Errorf("data: %d weights for %s", len(w), plural(items, "item"))
	}
	sum := 0.0
	for i, v := range w {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("data: the weight of item %d is %v: it must be 0 or more, and finite", i, v)
		}
		sum += v
	}
	if items > 0 && !(sum > 0) || math.IsInf(sum, 0) {
		return fmt.Errorf("data: the weights of the items sum up to %v: no item could be drawn", sum)
	}
	return nil
}

// draw returns as many items as weights, in random order, each drawn as often as its share
// of the weights says, rounded up or down at random (systematic sampling): item i is there n·w[i]/Σw times
// on average. Independent draws would leave more than a third of the items out of an epoch in which all weigh
// the same; these leave out none.
func draw(w []float64, r *rng.Stream) []int {
	n := len(w)
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	out := make([]int, 0, n)
	next := r.Float64() // of the n marks at next, next+1, …, which weights of n in all are laid on
	passed := 0.0
	for _, i := range r.Perm(n) {
		passed += float64(w[i] / sum * float64(n))
		for next < passed && len(out) < n {
			out = append(out, i)
			next++
		}
	}
	for i := 0; len(out) < n; i++ { // rounding may keep the last mark out of reach
		if w[i] > 0 {
			out = append(out, i)
		}
	}
	order := make([]int, n)
	for k, i := range r.Perm(n) {
		order[k] = out[i]
	}
	return order
}

// repeated returns as many items as order has, each of its first ones so often in a row: repeated augmentation
// (Hoffer et al. 2019, https://arxiv.org/abs/1901.09335), in the order that timm's RepeatAugSampler deals out to its ranks.
func repeated(order []int, times int) []int {
	out := make([]int, len(order))
	for k := range out {
		out[k] = order[k/times]
	}
	return out
}

// again counts, for each place of an order, how often its item was there before.
func again(order []int) []int {
	seen, out := make([]int, len(order)), make([]int, len(order))
	for k, i := range order {
		out[k] = seen[i]
		seen[i]++
	}
	return out
}
