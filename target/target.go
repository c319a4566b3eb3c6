// Package target holds the right answers that a model is trained towards and
// judged by: the class of each item, or a row of numbers for each.
package target

import (
	"fmt"
	"slices"

	"github.com/whippet-ml/whippet/tensor"
)

// Targets are the right answers for N items, in one of two forms: Class, or
// Values. Without either the items are unlabeled. Which form it is, and what the
// numbers mean, is the task's decision. Targets are passed by value and share
// their storage.
type Targets struct {
	// Class has the class of each item, in [0,C): length N.
	Class []int
	// Values has a row for each item, [N,C]: which labels it has as 0 and 1, or
	// the numbers to be predicted.
	Values *tensor.Tensor

	// Other and Lambda are set when items of Class form are mixed, as by mixup:
	// the loss of item i is Lambda[i]*loss(Class[i]) + (1-Lambda[i])*loss(Other[i])
	// (fastai's MixUp). Both are nil or of length N.
	Other  []int
	Lambda []float32
}

// Classes returns targets of one class an item.
func Classes(class []int) Targets { return Targets{Class: class} }

// Known reports whether there are targets at all, if only for no items.
func (y Targets) Known() bool { return y.Class != nil || y.Values != nil }

// Len returns the number of items.
func (y Targets) Len() int {
	if y.Values != nil {
		return y.Values.Shape[0]
	}
	return len(y.Class)
}

// Row returns the numbers of item i, and nil for targets of Class form. It is
// shared.
func (y Targets) Row(i int) []float32 {
	if y.Values == nil {
		return nil
	}
	c := y.Values.Shape[1]
	return y.Values.Data[i*c : (i+1)*c : (i+1)*c]
}

// Equal reports whether items i and j have the same target.
func (y Targets) Equal(i, j int) bool {
	if y.Values != nil {
		return slices.Equal(y.Row(i), y.Row(j))
	}
	return y.Class[i] == y.Class[j]
}

// Slice returns the targets of items lo to hi-1, sharing storage.
func (y Targets) Slice(lo, hi int) Targets {
	var out Targets
	if y.Class != nil {
		out.Class = y.Class[lo:hi]
	}
	if y.Values != nil {
		c := y.Values.Shape[1]
		out.Values = &tensor.Tensor{Shape: []int{hi - lo, c}, Data: y.Values.Data[lo*c : hi*c]}
	}
	if y.Lambda != nil {
		out.Other, out.Lambda = y.Other[lo:hi], y.Lambda[lo:hi]
	}
	return out
}

// Gather returns the targets of the items of these indices, copied; of unlabeled
// items, none. Mixed targets are not gathered: mixing is the last thing that
// happens to a batch.
func (y Targets) Gather(index []int) Targets {
	var out Targets
	if y.Class != nil {
		out.Class = make([]int, len(index))
		for i, k := range index {
			out.Class[i] = y.Class[k]
		}
	}
	if y.Values != nil {
		c := y.Values.Shape[1]
		out.Values = tensor.New(len(index), c)
		for i, k := range index {
			copy(out.Values.Data[i*c:(i+1)*c], y.Row(k))
		}
	}
	return out
}

// Append returns the targets of y's items followed by those of z, of the same
// form. y may be the zero Targets, and its storage may be used again, as by
// Go's append.
func (y Targets) Append(z Targets) Targets {
	if z.Class != nil {
		y.Class = append(y.Class, z.Class...)
	}
	if z.Values == nil {
		return y
	}
	if y.Values == nil {
		y.Values = tensor.New(0, z.Values.Shape[1])
	}
	n := y.Values.Shape[0] + z.Values.Shape[0]
	y.Values = &tensor.Tensor{Shape: []int{n, z.Values.Shape[1]}, Data: append(y.Values.Data, z.Values.Data...)}
	return y
}

// Mix returns the targets of a batch whose item i was blended with item perm[i],
// with weights lambda[i] and 1-lambda[i]. Classes stay apart, each with its
// weight, since the loss of a blend is the blend of the losses; rows of numbers
// are blended themselves, which is the same for a loss that is linear in the
// target, as binary cross-entropy is. lambda is kept, y is not changed.
func (y Targets) Mix(perm []int, lambda []float32) Targets {
	other := y.Gather(perm)
	if y.Values == nil {
		return Targets{Class: y.Class, Other: other.Class, Lambda: lambda}
	}
	for i, w := range lambda {
		to := other.Row(i)
		for j, v := range y.Row(i) {
			to[j] += float32(w * (v - to[j]))
		}
	}
	return other
}

// CheckClasses returns an error unless y has one class in [0,c) for each of n
// items, and the partners and weights, if mixed, fit.
func (y Targets) CheckClasses(n, c int) error {
	if y.Values != nil {
		return fmt.Errorf("rows of numbers as targets where one class for each item is needed: the data was made for another task")
	}
	if err := checkClasses("targets", y.Class, n, c); err != nil {
		return err
	}
	if y.Other == nil && y.Lambda == nil {
		return nil
	}
	if err := checkClasses("mixed targets", y.Other, n, c); err != nil {
		return err
	}
	if len(y.Lambda) != n {
		return fmt.Errorf("%d mixing weights for %d rows of scores: one is needed for each row", len(y.Lambda), n)
	}
	for i, l := range y.Lambda {
		if !(l >= 0 && l <= 1) {
			return fmt.Errorf("mixing weight %d is %v: it must be between 0 and 1", i, l)
		}
	}
	return nil
}

func checkClasses(what string, classes []int, n, c int) error {
	if len(classes) != n {
		return fmt.Errorf("%d %s for %d rows of scores: one is needed for each row", len(classes), what, n)
	}
	for i, k := range classes {
		if k < 0 || k >= c {
			return fmt.Errorf("%s[%d] is %d, but there are %d classes: it must be in 0..%d", what, i, k, c, c-1)
		}
	}
	return nil
}

// CheckValues returns an error unless y has a row of c finite numbers for each
// of n items.
func (y Targets) CheckValues(n, c int) error {
	if y.Class != nil || y.Values == nil {
		return fmt.Errorf("no rows of numbers as targets, which this task needs: the data was made for another one")
	}
	v := y.Values
	if len(v.Shape) != 2 || v.Shape[0] != n || v.Shape[1] != c || len(v.Data) != n*c {
		return fmt.Errorf("targets of shape %v with %d values for scores of shape [%d %d]: they must be alike", v.Shape, len(v.Data), n, c)
	}
	for i, x := range v.Data {
		if x-x != 0 {
			return fmt.Errorf("target %d of item %d is %v: it must be a finite number", i%c, i/c, x)
		}
	}
	return nil
}
