package norm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestScaleMaps(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		const n = 3
		m := ScaleMaps{N: n, HW: rows, C: c}
		var x, s, dy []float32
		out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
			x, s, dy = a.Normal(n*rows*c, 0, 1), a.Normal(n*c, 0, 1), a.Normal(n*rows*c, 0, 1)
			y, ds, over := a.Normal(len(x), 0, 1), a.Normal(len(s), 0, 1), a.CopyOf(x)
			m.Forward(x, s, y)
			m.Forward(over, s, over)
			m.BackwardFactors(x, dy, ds)
			return [][]float32{y, over, ds}
		})
		y, ds := make([]float64, len(x)), make([]float64, len(s))
		for i, v := range x {
			at := i/(rows*c)*c + i%c
			y[i] = float64(v) * float64(s[at])
			ds[at] += float64(v) * float64(dy[i])
		}
		kerneltest.Near(t, "y", out[0], y, 1e-6)
		kerneltest.Near(t, "y in place of x", out[1], y, 1e-6)
		kerneltest.Near(t, "ds", out[2], ds, 1e-3)
	})
}
