package features

import (
	"context"
	"errors"
	"math"
)

// memory is how many steps L-BFGS makes its idea of the curvature of.
const memory = 10

// minimize moves v to the minimum of a convex function by L-BFGS with a backtracking line search, and
// returns the steps that it took: to where the gradient is a hundred-thousandth of what it was at first,
// or no step in float32's precision goes down. f returns the value at a place and writes the gradient.
func minimize(ctx context.Context, f func(v, grad []float64) float64, v []float64, most int) (steps int, err error) {
	n := len(v)
	grad, next, nextGrad, direction := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	var moves, turns [][]float64 // differences of places and of gradients
	var curvature []float64      // their products
	value := f(v, grad)
	enough := 1e-5 * math.Sqrt(dot(grad, grad))
	for ; steps < most; steps++ {
		if err := ctx.Err(); err != nil {
			return steps, context.Cause(ctx)
		}
		size := math.Sqrt(dot(grad, grad))
		if size-size != 0 || value-value != 0 {
			return steps, errors.New("features: the fit of the head diverged: are the features finite, and the weight decay not too large?")
		}
		if size <= enough {
			return steps, nil
		}
		descend(direction, grad, moves, turns, curvature)
		slope := dot(direction, grad)
		if !(slope < 0) {
			return steps, nil
		}
		length := 1.0
		if steps == 0 {
			length = min(1, 1/size)
		}
		var at float64
		for tries := 0; ; tries++ {
			for i := range next {
				next[i] = v[i] + float64(length*direction[i])
			}
			at = f(next, nextGrad)
			if at <= value+float64(1e-4*length*slope) {
				break
			}
			if tries == 30 {
				return steps, nil
			}
			length /= 2
		}
		move, turn := make([]float64, n), make([]float64, n)
		for i := range move {
			move[i], turn[i] = next[i]-v[i], nextGrad[i]-grad[i]
		}
		if product := dot(move, turn); product > 1e-10*dot(turn, turn) {
			if len(moves) == memory {
				moves, turns, curvature = moves[1:], turns[1:], curvature[1:]
			}
			moves, turns, curvature = append(moves, move), append(turns, turn), append(curvature, product)
		}
		copy(v, next)
		copy(grad, nextGrad)
		value = at
	}
	return steps, nil
}

// descend writes the step that the gradient and the curvature along past moves suggest.
func descend(direction, grad []float64, moves, turns [][]float64, curvature []float64) {
	copy(direction, grad)
	along := make([]float64, len(moves))
	for k := len(moves) - 1; k >= 0; k-- {
		along[k] = dot(moves[k], direction) / curvature[k]
		add(direction, -along[k], turns[k])
	}
	if k := len(moves) - 1; k >= 0 {
		scale := curvature[k] / dot(turns[k], turns[k])
		for i := range direction {
			direction[i] *= scale
		}
	}
	for k := range moves {
		add(direction, along[k]-dot(turns[k], direction)/curvature[k], moves[k])
	}
	for i := range direction {
		direction[i] = -direction[i]
	}
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += float64(v * b[i])
	}
	return sum
}

func add(dst []float64, by float64, v []float64) {
	for i, x := range v {
		dst[i] += float64(by * x)
	}
}
