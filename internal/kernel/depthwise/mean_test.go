package depthwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestMean(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) {
				oh, ow := c.Out()
				var x, dy []float32
				out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
					x, dy = a.Normal(c.N*c.H*c.W*c.C, 0, 1), a.Normal(c.N*oh*ow*c.C, 0, 1)
					y, dx := a.Normal(len(dy), 0, 1), a.Normal(len(x), 0, 1)
					Mean(c).Forward(x, y)
					Mean(c).Backward(dy, dx)
					return [][]float32{y, dx}
				})
				n, y, dx := make([]float64, len(dy)), make([]float64, len(dy)), make([]float64, len(x))
				c.each(func(i, j, _ int) { n[i]++; y[i] += float64(x[j]) })
				for i := range y {
					y[i] /= max(1, n[i])
				}
				c.each(func(i, j, _ int) { dx[j] += float64(dy[i]) / n[i] })
				kerneltest.Near(t, "y", out[0], y, 1e-5)
				kerneltest.Near(t, "dx", out[1], dx, 1e-5)
			})
		}
	})
}
