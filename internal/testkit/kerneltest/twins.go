package kerneltest

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
)

// Twin is a kernel that passes over rows beside its Go twin. Run calls the kernel
// of the set in use, or the twin when twin is set; it returns the outputs. x, y, z
// are [rows, c], p holds eight slices of [c].
type Twin struct {
	Name string
	Run  func(a *Arena, x, y, z []float32, p [8][]float32, rows, c int, twin bool) [][]float32

	// TimesY says that the results are y times something of the order of 1, whose
	// rounding y enlarges where it is one of the odd values.
	TimesY bool
}

// KernelOr runs the kernel or, when twin is set, its Go twin.
func KernelOr(twin bool, kernel, goTwin func()) {
	if twin {
		goTwin()
	} else {
		kernel()
	}
}

// compare runs one kernel and its twin on the same values, misaligned
// and with a few odd values, and compares. The kernels fuse multiply-adds and
// group sums otherwise, so values may differ by some roundings of the largest
// magnitude that can have taken part; where one of them overflows the other
// need not.
func compare(t *testing.T, k Twin, rows, c, shift int, seed uint64, special bool) {
	t.Helper()
	var factor []float32
	run := func(twin bool) [][]float32 {
		a := NewArena(t, seed, shift)
		x, y, z := a.Normal(rows*c, 0.3, 1), a.Normal(rows*c, 0, 1), a.Normal(rows*c, 0, 1)
		var p [8][]float32
		for i := range p {
			p[i] = a.Normal(c, 0, 1)
		}
		if special {
			Odd(x)
			Odd(y[min(len(y), 2):])
		}
		factor = append([]float32(nil), y...)
		out := k.Run(a, x, y, z, p, rows, c, twin)
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
			part := max(1, math.Abs(float64(w)))
			if special && k.TimesY {
				part = max(part, math.Abs(float64(factor[i])))
			}
			if d := math.Abs(float64(g) - float64(w)); !(d <= 2e-6*math.Sqrt(float64(rows*c+16))*part) {
				t.Fatalf("%s, %d x %d: output %d[%d] = %v, the Go twin gives %v", k.Name, rows, c, o, i, g, w)
			}
		}
	}
}

// AgainstTwins compares kernels of every instruction set with their twins.
func AgainstTwins(t *testing.T, twins []Twin) {
	EachSet(t, func(t *testing.T) {
		for _, k := range twins {
			t.Run(k.Name, func(t *testing.T) {
				for i, s := range Shapes {
					if s.Rows > 0 && s.Rows*s.C < 10000 {
						compare(t, k, s.Rows, s.C, i%5, uint64(i), i%2 == 0)
					}
				}
			})
		}
	})
}

// FuzzAgainstTwins compares kernels with their twins for random shapes.
func FuzzAgainstTwins(f *testing.F, twins []Twin) {
	for i := range twins {
		f.Add(uint8(i), uint8(5), uint16(37), uint8(1), uint64(1), false)
		f.Add(uint8(i), uint8(9), uint16(64), uint8(0), uint64(2), true)
	}
	f.Fuzz(func(t *testing.T, kernel, rows uint8, c uint16, shift uint8, seed uint64, special bool) {
		k := twins[int(kernel)%len(twins)]
		WithEachSet(func(s *isa.Set) {
			compare(t, k, 1+int(rows)%40, 1+int(c)%300, int(shift)%16, seed, special)
		})
	})
}
