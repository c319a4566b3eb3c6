package features

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Fit fits a head to features [N,F] of pictures and their targets.
type Fit func(ctx context.Context, x *tensor.Tensor, y target.Targets, classes int) (Scorer, error)

// CrossValidated is what heads that were fitted to some pictures say of others.
type CrossValidated struct {
	Errors []float64 // of each fold
	Mean   float64   // of Errors
	Spread float64   // their standard deviation, with n-1 as the divisor; NaN of one fold
}

// CrossValidate fits a head to the training pictures of each fold and judges it on the
// validation pictures: the share of them that it answers wrongly or, of several labels, the share of labels, above a
// probability of one half. train and valid have rows of the features [N,F] for each fold; nothing of the validation pictures, their mean and standard
// deviation included, reaches the head.
func CrossValidate(ctx context.Context, features *tensor.Tensor, y target.Targets, classes int, train, valid [][]int, fit Fit) (CrossValidated, error) {
	var r CrossValidated
	if len(train) == 0 || len(train) != len(valid) {
		return r, fmt.Errorf("features: %d folds to fit to and %d to judge by", len(train), len(valid))
	}
	for k := range train {
		if len(valid[k]) == 0 {
			return r, fmt.Errorf("features: fold %d has no picture to judge by", k+1)
		}
		h, err := fit(ctx, gather(features, train[k]), y.Gather(train[k]), classes)
		if err != nil {
			return r, fmt.Errorf("fold %d: %w", k+1, err)
		}
		scores, err := h.Scores(gather(features, valid[k]))
		if err != nil {
			return r, fmt.Errorf("fold %d: %w", k+1, err)
		}
		wrong, of := 0, 0
		for i, row := range valid[k] {
			answers := scores.Data[i*classes : (i+1)*classes]
			if y.Values == nil {
				of++
				if tensor.Argmax(answers) != y.Class[row] {
					wrong++
				}
				continue
			}
			for c, truth := range y.Values.Data[row*classes : (row+1)*classes] {
				of++
				if (answers[c] > 0) != (truth > 0.5) {
					wrong++
				}
			}
		}
		r.Errors = append(r.Errors, float64(wrong)/float64(of))
	}
	n := float64(len(r.Errors))
	for _, e := range r.Errors {
		r.Mean += e / n
	}
	var squares float64
	for _, e := range r.Errors {
		d := e - r.Mean
		squares += float64(d * d)
	}
	r.Spread = math.Sqrt(squares / (n - 1))
	return r, ctx.Err()
}

// gather returns the rows of features [N,F] that are asked for.
func gather(features *tensor.Tensor, rows []int) *tensor.Tensor {
	f := features.Shape[1]
	x := tensor.New(len(rows), f)
	for i, row := range rows {
		copy(x.Data[i*f:(i+1)*f], features.Data[row*f:(row+1)*f])
	}
	return x
}

// ErrNoBodies is the error of a comparison of nothing.
var ErrNoBodies = errors.New("features: there is no body to compare")

// Judged is a body with what its features are good for, and what they take.
type Judged struct {
	CrossValidated
	Milliseconds float64 // of one picture, alone, through the network
}

// Choose returns the index of the body with the lowest mean error, the first of equal ones, and
// that of the fastest whose error is not above that by more than its standard error (the spread over the folds, divided by the root of their
// number), as the rule of one standard error has it (Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 7.10).
func Choose(of []Judged) (best, fast int, err error) {
	if len(of) == 0 {
		return 0, 0, ErrNoBodies
	}
	for i, j := range of {
		if j.Mean < of[best].Mean {
			best = i
		}
	}
	limit := of[best].Mean
	if s := of[best].Spread / math.Sqrt(float64(len(of[best].Errors))); s == s {
		limit += s
	}
	fast = best
	for i, j := range of {
		if j.Mean <= limit && j.Milliseconds < of[fast].Milliseconds {
			fast = i
		}
	}
	return best, fast, nil
}
