package conv

import (
	"fmt"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// linearRef computes x·wᵀ, the gradient of w and that of x, in float64.
func linearRef(l Linear, x, w, dy []float32) (y, dw, dx []float64) {
	y, dw, dx = make([]float64, l.Rows*l.Out), make([]float64, len(w)), make([]float64, len(x))
	for r := range l.Rows {
		for o := range l.Out {
			for i := range l.In {
				y[r*l.Out+o] += float64(x[r*l.In+i]) * float64(w[o*l.In+i])
				dw[o*l.In+i] += float64(x[r*l.In+i]) * float64(dy[r*l.Out+o])
				dx[r*l.In+i] += float64(w[o*l.In+i]) * float64(dy[r*l.Out+o])
			}
		}
	}
	return y, dw, dx
}

func TestLinear(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, l := range []Linear{{1, 1, 1}, {3, 5, 2}, {197, 24, 72}, {65, 40, 160}, {130, 192, 48}, {50, 17, 33}, {100, 80, 320}} {
			var x, w, dy, bias, res []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				x, w, dy = a.Normal(l.Rows*l.In, 0, 1), a.Normal(l.Out*l.In, 0, 1), a.Normal(l.Rows*l.Out, 0, 1)
				bias, res = a.Normal(l.Out, 0, 1), a.Normal(l.Rows*l.Out, 0, 1)
				y, dw, dx, added := a.Zeros(len(dy)), a.Zeros(len(w)), a.Zeros(len(x)), a.CopyOf(x)
				l.Forward(x, w, y, elementwise.Epilogue{Bias: bias, Residual: res})
				l.BackwardWeights(x, dy, dw)
				l.BackwardData(dy, w, dx, false)
				l.BackwardData(dy, w, added, true)
				return [][]float32{y, dw, dx, added}
			})
			y, dw, dx := linearRef(l, x, w, dy)
			for i := range y {
				y[i] += float64(bias[i%l.Out]) + float64(res[i])
			}
			added := make([]float64, len(dx))
			for i, v := range dx {
				added[i] = v + float64(x[i])
			}
			for i, want := range [][]float64{y, dw, dx, added} {
				if d := kerneltest.RelL2(out[i], want); !(d <= 1e-6) {
					t.Errorf("%+v: result %d is off by %.1e of its norm", l, i, d)
				}
			}
		}
	})
}

// BenchmarkLinear is the layers of a ViT-S/16 and of two stages of ConvNeXt-T, for 8
// pictures.
func BenchmarkLinear(b *testing.B) {
	for _, l := range []Linear{{8 * 197, 384, 1152}, {8 * 197, 384, 1536}, {8 * 197, 1536, 384}, {8 * 56 * 56, 96, 384}, {8 * 56 * 56, 384, 96}, {8 * 196, 384, 1536}, {8 * 196, 1536, 384}} {
		x, y := kerneltest.BenchSlices(2, l.Rows*l.In), kerneltest.BenchSlices(2, l.Rows*l.Out)
		w := kerneltest.BenchSlices(2, l.In*l.Out)
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { l.Forward(x[0], w[0], y[0], elementwise.Epilogue{}) }},
			{"weights", func() { l.BackwardWeights(x[0], y[0], w[1]) }},
			{"data", func() { l.BackwardData(y[0], w[0], x[0], false) }},
		} {
			b.Run(benchName(l)+"/"+pass.name, func(b *testing.B) {
				for b.Loop() {
					pass.run()
				}
				kerneltest.Rate(b, 2*l.Rows*l.In*l.Out)
			})
		}
	}
}

func benchName(l Linear) string { return fmt.Sprintf("%dx%d to %d", l.Rows, l.In, l.Out) }
