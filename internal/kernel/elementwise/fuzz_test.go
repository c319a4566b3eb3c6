package elementwise

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

var twins = []kerneltest.Twin{
	{Name: "add", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { add(x, y, z) }, func() { addGo(x, y, z) })
		return [][]float32{z}
	}},
	{Name: "mul", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { mul(x, y, z) }, func() { mulGo(x, y, z) })
		return [][]float32{z}
	}},
	{Name: "axpy", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { axpy(-0.7, x, z) }, func() { axpyGo(-0.7, x, z) })
		return [][]float32{z}
	}},
	{Name: "add bias", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { addBias(x, p[0], z, rows, c) }, func() { addBiasGo(x, p[0], z, rows, c) })
		return [][]float32{z}
	}},
	splitSumCase("split and sum", 0, false),
	splitSumCase("split and sum, middle", 3, false),
	splitSumCase("split and sum, relu", 0, true),
	splitSumCase("split and sum, relu, middle", 3, true),
	{Name: "sum rows", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { sumRows(x, rows, c, p[0]) }, func() { sumRowsGo(x, rows, c, p[0]) })
		return [][]float32{p[0]}
	}},
}

func init() {
	for a := range Activation(activations) {
		twins = append(twins, kerneltest.Twin{Name: a.String(), Run: func(_ *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
			kerneltest.KernelOr(twin, func() { activate(a, x, z) }, func() { activateGo(a, x, z, 1, rows*c, 0) })
			return [][]float32{z}
		}}, kerneltest.Twin{Name: a.String() + ", rows apart", Run: func(_ *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
			n := (c + 1) / 2
			kerneltest.KernelOr(twin, func() { activateTile(a, z, rows, n, c) }, func() { activateGo(a, z, z, rows, n, c) })
			return [][]float32{z}
		}}, kerneltest.Twin{Name: a.String() + " grad", TimesY: true, Run: func(_ *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
			kerneltest.KernelOr(twin, func() { activateGrad(a, y, x, z) }, func() { activateGradGo(a, y, x, z) })
			return [][]float32{z}
		}})
	}
}

// splitSumCase takes the channels from edge on, but for the last edge ones.
func splitSumCase(name string, edge int, relu bool) kerneltest.Twin {
	return kerneltest.Twin{Name: name, Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		edge := min(edge, (c-1)/2)
		n := c - 2*edge
		var mask []float32
		if relu {
			mask = y[edge:]
		}
		dz, sums := a.Zeros(rows*n), p[0][:n:n]
		kerneltest.KernelOr(twin, func() { splitSum(x[edge:], mask, c, dz, rows, n, sums, false) },
			func() { splitSumGo(x[edge:], mask, c, dz, rows, n, sums) })
		return [][]float32{dz, p[0]}
	}}
}

func TestKernelsAgainstTwins(t *testing.T) { kerneltest.AgainstTwins(t, twins) }

func FuzzKernelsAgainstTwins(f *testing.F) { kerneltest.FuzzAgainstTwins(f, twins) }
