package drawn

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/rng"
)

type item = data.Item

// TestLinearModelFails trains multinomial logistic regression on pixels and
// demands that it stays near chance (10 %): what tells breeds apart must need
// more than a template of colors.
func TestLinearModelFails(t *testing.T) {
	slow.Test(t)
	const side, train, test = 16, 120, 40
	classes := len(Breeds.Classes())
	tx, ty := pixels(t, side, 0, train)
	vx, vy := pixels(t, side, train, test)
	best := 0.0
	for _, decay := range []float64{1e-3, 1e-1} {
		w := logistic(tx, ty, classes, 10, 0.02, decay)
		acc := accuracy(w, vx, vy)
		t.Logf("weight decay %g: training accuracy %.3f, test accuracy %.3f", decay, accuracy(w, tx, ty), acc)
		best = max(best, acc)
	}
	if best > 0.35 {
		t.Errorf("a linear model is right on %.1f %% of new pictures; breeds should be harder (at most 35 %%)", 100*best)
	}
}

// pixels draws count pictures of each breed, shrunk to side×side, centered on 0.
func pixels(t *testing.T, side, first, count int) ([][]float64, []int) {
	t.Helper()
	n := len(Breeds.Classes()) * count
	x, y := make([][]float64, n), make([]int, n)
	parallel.For(n, func(i int) {
		y[i] = i / count
		img, err := Breeds.Draw(1, y[i], first+i%count, 4*side)
		if err != nil {
			t.Error(err)
			return
		}
		img = shrink(img, side)
		v := make([]float64, 0, 3*side*side+1)
		for k, p := range img.Pix {
			if k%4 != 3 {
				v = append(v, (float64(p)-128)/64)
			}
		}
		x[i] = append(v, 1)
	})
	return x, y
}

// logistic runs stochastic gradient descent on the cross-entropy.
func logistic(x [][]float64, y []int, classes, epochs int, rate, decay float64) [][]float64 {
	w := make([][]float64, classes)
	for c := range w {
		w[c] = make([]float64, len(x[0]))
	}
	r := rng.New(7)
	for e := range epochs {
		lr := rate / (1 + float64(e)) / 4
		for _, i := range r.Perm(len(x)) {
			p := softmax(w, x[i])
			for c := range w {
				g := p[c]
				if c == y[i] {
					g--
				}
				for k, v := range x[i] {
					w[c][k] -= lr * (g*v + decay*w[c][k])
				}
			}
		}
	}
	return w
}

func softmax(w [][]float64, x []float64) []float64 {
	out := make([]float64, len(w))
	top, sum := math.Inf(-1), 0.0
	for c := range w {
		for k, v := range x {
			out[c] += w[c][k] * v
		}
		top = max(top, out[c])
	}
	for c := range out {
		out[c] = math.Exp(out[c] - top)
		sum += out[c]
	}
	for c := range out {
		out[c] /= sum
	}
	return out
}

func accuracy(w [][]float64, x [][]float64, y []int) float64 {
	right := 0
	for i := range x {
		p := softmax(w, x[i])
		best := 0
		for c := range p {
			if p[c] > p[best] {
				best = c
			}
		}
		if best == y[i] {
			right++
		}
	}
	return float64(right) / float64(len(x))
}
