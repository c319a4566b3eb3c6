package elementwise

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

func TestFlat(t *testing.T) {
	relu := func(x, _ float64) float64 {
		if x < 0 {
			return 0
		}
		return x
	}
	grad := func(dy, y float64) float64 {
		if y > 0 {
			return dy
		}
		return 0
	}
	for _, tc := range []struct {
		name string
		run  func(x, y, dst []float32)
		want func(x, y float64) float64
		tol  float64
	}{
		{"relu", func(x, y, dst []float32) { ReLU.Apply(x, dst) }, relu, 0},
		{"relu in place", func(x, y, dst []float32) { copy(dst, x); ReLU.Apply(dst, dst) }, relu, 0},
		{"relu backward", func(x, y, dst []float32) { ReLU.Backward(x, y, dst) }, grad, 0},
		{"relu backward over dy", func(x, y, dst []float32) { copy(dst, x); ReLU.Backward(dst, y, dst) }, grad, 0},
		{"relu backward over y", func(x, y, dst []float32) { copy(dst, y); ReLU.Backward(x, dst, dst) }, grad, 0},
		{"add", func(x, y, dst []float32) { Add(x, y, dst) }, func(x, y float64) float64 { return float64(float32(x + y)) }, 0},
		{"add to x", func(x, y, dst []float32) { copy(dst, x); Add(dst, y, dst) }, func(x, y float64) float64 { return float64(float32(x + y)) }, 0},
		{"mul", func(x, y, dst []float32) { Mul(x, y, dst) }, func(x, y float64) float64 { return float64(float32(x * y)) }, 0},
		{"axpy", func(x, y, dst []float32) { copy(dst, y); AXPY(-1.5, x, dst) }, func(x, y float64) float64 { return float64(float32(y - 1.5*x)) }, 1e-6},
		{"axpy onto itself", func(x, y, dst []float32) { copy(dst, x); AXPY(0.5, dst, dst) }, func(x, y float64) float64 { return float64(float32(1.5 * x)) }, 1e-6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				for _, n := range []int{0, 1, 7, 8, 15, 16, 17, 31, 63, 64, 65, 127, 130, 1000, 3*rowwise.FlatChunk + 13} {
					var x, y []float32
					out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
						x, y = a.Normal(n, 0, 1), a.Normal(n, 0, 1)
						kerneltest.Odd(x)
						if n > 40 {
							kerneltest.Odd(y[3:])
						}
						dst := a.Zeros(n)
						tc.run(x, y, dst)
						return [][]float32{dst}
					})
					want := make([]float64, n)
					for i := range want {
						want[i] = tc.want(float64(x[i]), float64(y[i]))
					}
					kerneltest.Near(t, tc.name, out[0], want, tc.tol)
				}
			})
		})
	}
}

func TestAddBias(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		for _, alias := range []bool{false, true} {
			var x, bias []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				x, bias = a.Normal(rows*c, 0, 1), a.Normal(c, 0, 1)
				kerneltest.Odd(x)
				y := a.CopyOf(x)
				if alias {
					AddBias(y, rows, c, bias, y)
				} else {
					AddBias(x, rows, c, bias, y)
				}
				return [][]float32{y}
			})
			want := make([]float64, rows*c)
			for i := range want {
				want[i] = float64(x[i] + bias[i%c])
			}
			kerneltest.Near(t, "y", out[0], want, 0)
		}
	})
}

func TestSumRows(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		var x []float32
		out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
			x = a.Normal(rows*c, 0.5, 1)
			s := a.Normal(c, 0, 1) // overwritten
			SumRows(x, rows, c, s)
			return [][]float32{s}
		})
		want := make([]float64, c)
		for i, v := range x {
			want[i%c] += float64(v)
		}
		kerneltest.Near(t, "sum", out[0], want, 2e-6*math.Sqrt(float64(rows+1)))
	})
}

func TestCopyStrided(t *testing.T) {
	for _, tc := range []struct {
		name                  string
		rows, c, dstAt, dstSt int
		srcAt, srcSt          int
	}{
		{"whole", 700, 64, 0, 64, 0, 64},
		{"into the second half", 333, 64, 64, 128, 0, 64},
		{"out of the middle", 50, 3, 0, 3, 5, 11},
		{"one column", 2000, 1, 2, 5, 0, 1},
		{"no rows", 0, 4, 0, 4, 0, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var src []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				src = a.Normal(tc.rows*tc.srcSt, 0, 1)
				dst := a.Zeros(tc.rows * tc.dstSt)
				if tc.rows > 0 {
					CopyStrided(dst[tc.dstAt:], tc.dstSt, src[tc.srcAt:], tc.srcSt, tc.c, tc.rows)
				} else {
					CopyStrided(nil, tc.dstSt, nil, tc.srcSt, tc.c, 0)
				}
				return [][]float32{dst}
			})
			want := make([]float64, tc.rows*tc.dstSt)
			for r := range tc.rows {
				for i := range tc.c {
					want[r*tc.dstSt+tc.dstAt+i] = float64(src[r*tc.srcSt+tc.srcAt+i])
				}
			}
			kerneltest.Near(t, "dst", out[0], want, 0)
		})
	}
}

func TestLengthsAreChecked(t *testing.T) {
	s := func(n int) []float32 { return make([]float32, n) }
	for name, f := range map[string]func(){
		"ReLU":                func() { ReLU.Apply(s(4), s(3)) },
		"AddPiece":            func() { AddPiece(s(4), s(4), s(3)) },
		"AddBiasPiece":        func() { AddBiasPiece(s(8), s(3), s(8), 2, 4) },
		"SumPiece":            func() { SumPiece(s(7), 2, 4, s(4)) },
		"Activation.Backward": func() { SiLU.Backward(s(4), s(3), s(4)) },
		"Activation.Tile":     func() { SiLU.Tile(s(10), 2, 5, 6) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("slices of the wrong length were accepted")
				}
			}()
			f()
		})
	}
}
