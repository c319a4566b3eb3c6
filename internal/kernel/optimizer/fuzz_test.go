package optimizer

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

var twins = []kerneltest.Twin{
	{Name: "scale add", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { scaleAdd(0.9, z, -0.1, x) }, func() { scaleAddGo(0.9, z, -0.1, x) })
		return [][]float32{z}
	}},
	{Name: "lerp", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { lerp(z, x, 0.1) }, func() { lerpGo(z, x, 0.1) })
		return [][]float32{z}
	}},
	{Name: "adam", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		sqr := a.Zeros(len(x))
		for i, v := range x {
			sqr[i] = v * v
		}
		k := adamConstants{0.999, 0.9, 0.1, 0.99, 0.01, 3, 1e-5, -0.01}
		kerneltest.KernelOr(twin, func() { adam(z, x, y, sqr, &k) }, func() { adamGo(z, x, y, sqr, &k) })
		return [][]float32{z, y, sqr}
	}},
}

func TestKernelsAgainstTwins(t *testing.T) { kerneltest.AgainstTwins(t, twins) }

func FuzzKernelsAgainstTwins(f *testing.F) { kerneltest.FuzzAgainstTwins(f, twins) }
