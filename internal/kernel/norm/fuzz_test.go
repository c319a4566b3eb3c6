package norm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

var twins = []kerneltest.Twin{
	{Name: "stats", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { stats(x, p[0], rows, c, p[1], p[2]) }, func() { statsGo(x, p[0], rows, c, p[1], p[2]) })
		return [][]float32{p[1], p[2]}
	}},
	scaleShiftCase("scale shift", false, false),
	scaleShiftCase("scale shift relu", false, true),
	scaleShiftCase("scale shift add", true, false),
	scaleShiftCase("scale shift add relu", true, true),
	bnReduceCase("reduce", func(y []float32, p [8][]float32) Mask { return Mask{} }),
	bnReduceCase("reduce y", func(y []float32, p [8][]float32) Mask { return Mask{Y: y} }),
	bnReduceCase("reduce x", func(y []float32, p [8][]float32) Mask { return Mask{Scale: p[6], Shift: p[7]} }),
	bnReduceCase("reduce mask", wordMask),
	bnGradCase("grad", false, func(y []float32, p [8][]float32) Mask { return Mask{} }),
	bnGradCase("grad residual", true, func(y []float32, p [8][]float32) Mask { return Mask{} }),
	bnGradCase("grad mask", false, wordMask),
	bnGradCase("grad mask residual", true, wordMask),
	scaleShiftMaskCase("scale shift relu mask", false),
	scaleShiftMaskCase("scale shift add relu mask", true),
	{Name: "mask grad", Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		s, dx := kerneltest.MaskOf(y, rows, c), a.Zeros(len(x))
		kerneltest.KernelOr(twin, func() { maskGrad(x, s, dx, rows, c) }, func() { maskGradGo(x, s, dx, rows, c) })
		return [][]float32{dx}
	}},
	bnGradCase("grad x", false, func(y []float32, p [8][]float32) Mask { return Mask{Scale: p[6], Shift: p[7]} }),
}

func scaleShiftCase(name string, residual, relu bool) kerneltest.Twin {
	return kerneltest.Twin{Name: name, Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		if !residual {
			y = nil
		}
		kerneltest.KernelOr(twin, func() { scaleShift(x, p[0], p[1], y, z, rows, c, relu, false) },
			func() { scaleShiftGo(x, p[0], p[1], y, z, rows, c, relu) })
		return [][]float32{z}
	}}
}

// wordMask is the mask of y, stored.
func wordMask(y []float32, p [8][]float32) Mask {
	return Mask{Words: kerneltest.MaskOf(y, len(y)/len(p[0]), len(p[0]))}
}

// scaleShiftMaskCase returns, beside y, the mask as numbers.
func scaleShiftMaskCase(name string, residual bool) kerneltest.Twin {
	return kerneltest.Twin{Name: name, Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		if !residual {
			y = nil
		}
		s := a.Words(MaskWords(rows, c))
		for i := range s {
			s[i] = 0xFFFF // what was there before does not show
		}
		kerneltest.KernelOr(twin, func() { scaleShiftMask(x, p[0], p[1], y, z, s, rows, c, false) }, func() {
			scaleShiftGo(x, p[0], p[1], y, z, rows, c, true)
			maskGo(z, s, rows, c)
		})
		// A value next to 0 may round to either side of it.
		passed := a.Zeros(len(z))
		for i := range passed {
			passed[i] = float32(s[i/c*maskRowWords(c)+i%c/16] >> (i % c % 16) & 1)
			if z[i] > 0 != (passed[i] > 0) {
				a.T.Fatalf("%s: value %v has the sign %v", name, z[i], passed[i])
			}
		}
		return [][]float32{z}
	}}
}

func bnReduceCase(name string, m func(y []float32, p [8][]float32) Mask) kerneltest.Twin {
	return kerneltest.Twin{Name: name, Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kerneltest.KernelOr(twin, func() { bnReduce(z, x, p[0], m(y, p), rows, c, p[1], p[2]) },
			func() { bnReduceGo(z, x, p[0], m(y, p), rows, c, p[1], p[2]) })
		return [][]float32{p[1], p[2]}
	}}
}

func bnGradCase(name string, res bool, m func(y []float32, p [8][]float32) Mask) kerneltest.Twin {
	return kerneltest.Twin{Name: name, Run: func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		var dres []float32
		if res {
			dres = a.Normal(len(x), 0, 1)
		}
		k := Coefficients{p[0], p[1], p[2], p[3]}
		dx := a.Zeros(len(x))
		kerneltest.KernelOr(twin, func() { bnGrad(z, x, m(y, p), k, rows, c, dx, dres, false) },
			func() { bnGradGo(z, x, m(y, p), k, rows, c, dx, dres) })
		return [][]float32{dx, dres}
	}}
}

func TestKernelsAgainstTwins(t *testing.T) { kerneltest.AgainstTwins(t, twins) }

func FuzzKernelsAgainstTwins(f *testing.F) { kerneltest.FuzzAgainstTwins(f, twins) }
