package kerneltest

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/rng"
)

// Randoms returns n values between -1 and 1.
func Randoms(seed uint64, n int) []float32 {
	s := rng.New(seed)
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(s.Float64()*2 - 1)
	}
	return v
}

// Normals returns n guarded standard normals times scale.
func Normals(seed uint64, n int, scale float64) []float32 {
	s, _ := guardSlice(n, 0, float32(math.NaN()))
	r := rng.New(seed)
	for i := range s {
		s[i] = float32(scale * r.Normal())
	}
	return s
}

// BenchSlices returns n slices of the given length with some values.
func BenchSlices(n, length int) [][]float32 {
	s := make([][]float32, n)
	for i := range s {
		s[i] = mem.Floats(length)
		for k := range s[i] {
			s[i][k] = float32((k*7+i*13)%1001)/500 - 1
		}
	}
	return s
}

// Odd puts values into s that kernels tend to get wrong.
func Odd(s []float32) {
	for i, v := range []float32{Nan32, Inf32, Minf32, 0, float32(math.Copysign(0, -1)), 1e-40, -1e-40, 3e38} {
		if at := i * 5; at < len(s) {
			s[at] = v
		}
	}
}

// Float64s returns s in float64.
func Float64s(s []float32) []float64 {
	d := make([]float64, len(s))
	for i, v := range s {
		d[i] = float64(v)
	}
	return d
}

// RelL2 returns |got-want| / |want| in the Euclidean norm.
func RelL2(got []float32, want []float64) float64 {
	var d, s float64
	for i, w := range want {
		e := float64(got[i]) - w
		d += e * e
		s += w * w
	}
	if s == 0 {
		return math.Sqrt(d)
	}
	return math.Sqrt(d / s)
}

// Values that kernels must not mistake.
var (
	Nan32  = float32(math.NaN())
	Inf32  = float32(math.Inf(1))
	Minf32 = float32(math.Inf(-1))
)

// Rate reports floating-point operations per second, a multiply-add being two.
func Rate(b *testing.B, flopsPerOp int) {
	b.ReportMetric(float64(flopsPerOp)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
