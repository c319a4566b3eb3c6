package elementwise

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// twinCase is a kernel beside its Go twin. run calls the kernel of the set
// in use, or the twin when twin is set; it returns the outputs. x, y, z are
// [rows, c], p holds eight slices of [c].
type twinCase struct {
	name string
	run  func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32
}

// kernelOr runs the kernel or, when twin is set, its Go twin.
func kernelOr(twin bool, kernel, goTwin func()) {
	if twin {
		goTwin()
	} else {
		kernel()
	}
}

var twinCases = []twinCase{
	{"add", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { AddPiece(x, y, z) }, func() { addGo(x, y, z) })
		return [][]float32{z}
	}},
	{"mul", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { mul(x, y, z) }, func() { mulGo(x, y, z) })
		return [][]float32{z}
	}},
	{"axpy", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { axpy(-0.7, x, z) }, func() { axpyGo(-0.7, x, z) })
		return [][]float32{z}
	}},
	{"scale add", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { scaleAdd(0.9, z, -0.1, x) }, func() { scaleAddGo(0.9, z, -0.1, x) })
		return [][]float32{z}
	}},
	{"add bias", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { AddBiasPiece(x, p[0], z, rows, c) }, func() { addBiasGo(x, p[0], z, rows, c) })
		return [][]float32{z}
	}},
	splitSumCase("split and sum", 0, false),
	splitSumCase("split and sum, middle", 3, false),
	splitSumCase("split and sum, relu", 0, true),
	splitSumCase("split and sum, relu, middle", 3, true),
	{"sum rows", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { SumPiece(x, rows, c, p[0]) }, func() { sumRowsGo(x, rows, c, p[0]) })
		return [][]float32{p[0]}
	}},
	{"stats", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { stats(x, p[0], rows, c, p[1], p[2]) }, func() { statsGo(x, p[0], rows, c, p[1], p[2]) })
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
	{"mask grad", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		s, dx := kerneltest.MaskOf(y, rows, c), a.Zeros(len(x))
		kernelOr(twin, func() { maskGrad(x, s, dx, rows, c) }, func() { maskGradGo(x, s, dx, rows, c) })
		return [][]float32{dx}
	}},
	bnGradCase("grad x", false, func(y []float32, p [8][]float32) Mask { return Mask{Scale: p[6], Shift: p[7]} }),
	{"adam", func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		sqr := a.Zeros(len(x))
		mulGo(x, x, sqr)
		k := adamConstants{0.999, 0.9, 0.1, 0.99, 0.01, 3, 1e-5, -0.01}
		kernelOr(twin, func() { adam(z, x, y, sqr, &k) }, func() { adamGo(z, x, y, sqr, &k) })
		return [][]float32{z, y, sqr}
	}},
}

func init() {
	for a := range Activation(activations) {
		twinCases = append(twinCases, twinCase{a.String(), func(_ *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
			kernelOr(twin, func() { activate(a, x, z) }, func() { activateGo(a, x, z, 1, rows*c, 0) })
			return [][]float32{z}
		}}, twinCase{a.String() + ", rows apart", func(_ *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
			n := (c + 1) / 2
			kernelOr(twin, func() { activateTile(a, z, rows, n, c) }, func() { activateGo(a, z, z, rows, n, c) })
			return [][]float32{z}
		}}, twinCase{a.String() + " grad", func(_ *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
			kernelOr(twin, func() { activateGrad(a, y, x, z) }, func() { activateGradGo(a, y, x, z) })
			return [][]float32{z}
		}})
	}
}

// splitSumCase takes the channels from edge on, but for the last edge ones.
func splitSumCase(name string, edge int, relu bool) twinCase {
	return twinCase{name, func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		edge := min(edge, (c-1)/2)
		n := c - 2*edge
		var mask []float32
		if relu {
			mask = y[edge:]
		}
		dz, sums := a.Zeros(rows*n), p[0][:n:n]
		kernelOr(twin, func() { splitSum(x[edge:], mask, c, dz, rows, n, sums, false) },
			func() { splitSumGo(x[edge:], mask, c, dz, rows, n, sums) })
		return [][]float32{dz, p[0]}
	}}
}

func scaleShiftCase(name string, residual, relu bool) twinCase {
	return twinCase{name, func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		if !residual {
			y = nil
		}
		kernelOr(twin, func() { scaleShift(x, p[0], p[1], y, z, rows, c, relu, false) },
			func() { scaleShiftGo(x, p[0], p[1], y, z, rows, c, relu) })
		return [][]float32{z}
	}}
}

// wordMask is the mask of y, stored.
func wordMask(y []float32, p [8][]float32) Mask {
	return Mask{Words: kerneltest.MaskOf(y, len(y)/len(p[0]), len(p[0]))}
}

// scaleShiftMaskCase returns, beside y, the mask as numbers.
func scaleShiftMaskCase(name string, residual bool) twinCase {
	return twinCase{name, func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		if !residual {
			y = nil
		}
		s := a.Words(MaskWords(rows, c))
		for i := range s {
			s[i] = 0xFFFF // what was there before does not show
		}
		kernelOr(twin, func() { scaleShiftMask(x, p[0], p[1], y, z, s, rows, c, false) }, func() {
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

func bnReduceCase(name string, m func(y []float32, p [8][]float32) Mask) twinCase {
	return twinCase{name, func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		kernelOr(twin, func() { bnReduce(z, x, p[0], m(y, p), rows, c, p[1], p[2]) },
			func() { bnReduceGo(z, x, p[0], m(y, p), rows, c, p[1], p[2]) })
		return [][]float32{p[1], p[2]}
	}}
}

func bnGradCase(name string, res bool, m func(y []float32, p [8][]float32) Mask) twinCase {
	return twinCase{name, func(a *kerneltest.Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32 {
		var dres []float32
		if res {
			dres = a.Normal(len(x), 0, 1)
		}
		k := NormCoefficients{p[0], p[1], p[2], p[3]}
		dx := a.Zeros(len(x))
		kernelOr(twin, func() { bnGrad(z, x, m(y, p), k, rows, c, dx, dres, false) },
			func() { bnGradGo(z, x, m(y, p), k, rows, c, dx, dres) })
		return [][]float32{dx, dres}
	}}
}

// compareWithTwin runs one kernel and its twin on the same values, misaligned
// and with a few odd values, and compares. The kernels fuse multiply-adds and
// group sums otherwise, so values may differ by some roundings of the largest
// magnitude that can have taken part; where one of them overflows the other
// need not.
func compareWithTwin(t *testing.T, k twinCase, rows, c, shift int, seed uint64, special bool) {
	t.Helper()
	run := func(twin bool) [][]float32 {
		a := kerneltest.NewArena(t, seed, shift)
		x, y, z := a.Normal(rows*c, 0.3, 1), a.Normal(rows*c, 0, 1), a.Normal(rows*c, 0, 1)
		var p [8][]float32
		for i := range p {
			p[i] = a.Normal(c, 0, 1)
		}
		if special {
			kerneltest.Odd(x)
			kerneltest.Odd(y[min(len(y), 2):])
		}
		out := k.run(a, x, y, z, p, rows, c, twin)
		a.Check()
		return out
	}
	got, want := run(false), run(true)
	for o := range want {
		for i, w := range want[o] {
			g := got[o][i]
			if g == w || g != g && w != w {
				continue
			}
			if special && (math.Abs(float64(w)) > 1e37 || math.Abs(float64(g)) > 1e37) {
				continue
			}
			if d := math.Abs(float64(g) - float64(w)); !(d <= 2e-6*math.Sqrt(float64(rows*c+16))*max(1, math.Abs(float64(w)))) {
				t.Fatalf("%s, %d x %d: output %d[%d] = %v, the Go twin gives %v", k.name, rows, c, o, i, g, w)
			}
		}
	}
}

func TestKernelsAgainstTwins(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, k := range twinCases {
			t.Run(k.name, func(t *testing.T) {
				for i, s := range kerneltest.Shapes {
					if s.Rows > 0 && s.Rows*s.C < 10000 {
						compareWithTwin(t, k, s.Rows, s.C, i%5, uint64(i), i%2 == 0)
					}
				}
			})
		}
	})
}

func FuzzKernelsAgainstTwins(f *testing.F) {
	for i := range twinCases {
		f.Add(uint8(i), uint8(5), uint16(37), uint8(1), uint64(1), false)
		f.Add(uint8(i), uint8(9), uint16(64), uint8(0), uint64(2), true)
	}
	f.Fuzz(func(t *testing.T, kernel, rows uint8, c uint16, shift uint8, seed uint64, special bool) {
		k := twinCases[int(kernel)%len(twinCases)]
		kerneltest.WithEachSet(func(s *isa.Set) {
			compareWithTwin(t, k, 1+int(rows)%40, 1+int(c)%300, int(shift)%16, seed, special)
		})
	})
}
