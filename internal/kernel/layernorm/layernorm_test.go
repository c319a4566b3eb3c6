package layernorm

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// layerNormRef is the definition in float64: y, and the gradients of x, weight and bias.
func layerNormRef(rows, c int, eps float64, x, w, b, dy []float32) (y, dx, dw, db []float64) {
	y, dx, dw, db = make([]float64, rows*c), make([]float64, rows*c), make([]float64, c), make([]float64, c)
	h := make([]float64, c)
	for r := range rows {
		mean, variance, sg, sgh := 0.0, 0.0, 0.0, 0.0
		for i := range c {
			mean += float64(x[r*c+i]) / float64(c)
		}
		for i := range c {
			d := float64(x[r*c+i]) - mean
			variance += d * d / float64(c)
		}
		rstd := 1 / math.Sqrt(variance+eps)
		for i := range c {
			h[i] = (float64(x[r*c+i]) - mean) * rstd
			g := float64(dy[r*c+i])
			y[r*c+i] = h[i]*float64(w[i]) + float64(b[i])
			dw[i] += g * h[i]
			db[i] += g
			sg += g * float64(w[i]) / float64(c)
			sgh += g * float64(w[i]) * h[i] / float64(c)
		}
		for i := range c {
			dx[r*c+i] = rstd * (float64(dy[r*c+i])*float64(w[i]) - sg - h[i]*sgh)
		}
	}
	return y, dx, dw, db
}

const testEps = 1e-6

// check compares both passes with the definition, at rows that are mean away from 0.
func check(t *testing.T, rows, c int, mean float64) {
	t.Helper()
	l := LayerNorm{Rows: rows, C: c, Eps: testEps}
	var x, w, b, dy, had []float32
	out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
		x, w, b, dy = a.Normal(rows*c, mean, 1), a.Normal(c, 1, 0.3), a.Normal(c, 0, 1), a.Normal(rows*c, 0, 1)
		had = a.Normal(rows*c, 0, 1)
		means, rstds, y, over := a.Zeros(rows), a.Zeros(rows), a.Zeros(rows*c), a.CopyOf(x)
		l.Forward(x, w, b, y, means, rstds)
		l.Forward(over, w, b, over, means, rstds)
		dx, added, place := a.Zeros(rows*c), a.CopyOf(had), a.CopyOf(dy)
		dw, db := a.Zeros(c), a.Zeros(c)
		l.Backward(dy, x, w, means, rstds, added, true, dw, db)
		l.Backward(place, x, w, means, rstds, place, false, dw, db)
		l.Backward(dy, x, w, means, rstds, dx, false, dw, db)
		return [][]float32{y, over, dx, place, added, dw, db}
	})
	y, dx, dw, db := layerNormRef(rows, c, testEps, x, w, b, dy)
	sum := make([]float64, len(dx))
	for i, v := range dx {
		sum[i] = v + float64(had[i])
	}
	// Two values that hardly differ are far apart in units of their deviation, and
	// what is rounded in their mean is then too.
	tol := 1e-4 * (1 + math.Abs(mean)) * math.Sqrt(float64(1+64/(c*c)))
	for i, want := range [][]float64{y, y, dx, dx, sum, dw, db} {
		if c == 1 && i == 2 || c == 1 && i == 3 || c == 1 && i == 4 {
			continue // 0 but for rounding, times up to a thousand
		}
		if d := kerneltest.RelL2(out[i], want); !(d <= tol) && !(c == 1 && i == 5) {
			t.Errorf("%d×%d about %v: output %d is off by %.1e of its norm, at most %.1e is right", rows, c, mean, i, d, tol)
		}
	}
}

func TestLayerNorm(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		check(t, rows, c, 0)
		check(t, rows, c, 5)
	})
}

// Outliers of some tokens are a part of vision transformers.
func TestLayerNormOfOutliers(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		const c = 384
		x, one, zero, y, s := make([]float32, c), make([]float32, c), make([]float32, c), make([]float32, c), make([]float32, 2)
		for i := range one {
			one[i] = 1
		}
		x[7], x[11] = 1e4, kerneltest.Nan32
		l := LayerNorm{Rows: 1, C: c, Eps: testEps}
		l.Forward(x, one, zero, y, s[:1], s[1:])
		if y[0] == y[0] {
			t.Errorf("a row with a NaN gives %v, want NaN", y[0])
		}
		x[11] = 0
		l.Forward(x, one, zero, y, s[:1], s[1:])
		if want := math.Sqrt(c - 1); math.Abs(float64(y[7])-want) > 1e-4 {
			t.Errorf("the only value above the others comes out as %v, want %v", y[7], want)
		}
	})
}

func FuzzLayerNorm(f *testing.F) {
	f.Add(uint8(3), uint8(17), uint64(1))
	f.Add(uint8(40), uint8(96), uint64(2))
	f.Fuzz(func(t *testing.T, rows, c uint8, seed uint64) {
		n, k := 1+int(rows)%50, 2+int(c)
		kerneltest.WithEachSet(func(s *isa.Set) {
			a := kerneltest.NewArena(t, seed, int(seed%16))
			x, w, b, dy := a.Normal(n*k, 0, 1), a.Normal(k, 1, 0.3), a.Normal(k, 0, 1), a.Normal(n*k, 0, 1)
			y, dx, dw, db, means, rstds := a.Zeros(n*k), a.Zeros(n*k), a.Zeros(k), a.Zeros(k), a.Zeros(n), a.Zeros(n)
			l := LayerNorm{Rows: n, C: k, Eps: 1e-2}
			l.Forward(x, w, b, y, means, rstds)
			l.Backward(dy, x, w, means, rstds, dx, false, dw, db)
			a.Check()
			wantY, wantDX, wantDW, wantDB := layerNormRef(n, k, 1e-2, x, w, b, dy)
			kerneltest.Near(t, "y", y, wantY, 1e-3)
			kerneltest.Near(t, "dx", dx, wantDX, 1e-3)
			kerneltest.Near(t, "dweight", dw, wantDW, 1e-3)
			kerneltest.Near(t, "dbias", db, wantDB, 1e-3)
		})
	})
}

func BenchmarkLayerNorm(b *testing.B) {
	for _, shape := range [][2]int{{32 * 197, 384}, {32 * 56 * 56, 96}} {
		rows, c := shape[0], shape[1]
		l := LayerNorm{Rows: rows, C: c, Eps: testEps}
		s := kerneltest.BenchSlices(3, rows*c)
		w, stats := kerneltest.BenchSlices(4, c), kerneltest.BenchSlices(2, rows)
		b.Run("forward", func(b *testing.B) {
			b.SetBytes(int64(8 * rows * c))
			for b.Loop() {
				l.Forward(s[0], w[0], w[1], s[1], stats[0], stats[1])
			}
		})
		b.Run("backward", func(b *testing.B) {
			b.SetBytes(int64(12 * rows * c))
			for b.Loop() {
				l.Backward(s[1], s[0], w[0], stats[0], stats[1], s[2], false, w[2], w[3])
			}
		})
	}
}
