package norm

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// statsRef is ChannelStats in float64.
func statsRef(x []float32, rows, c int) (mean, variance []float64) {
	mean, variance = make([]float64, c), make([]float64, c)
	for i, v := range x {
		mean[i%c] += float64(v) / float64(rows)
	}
	for i, v := range x {
		d := float64(v) - mean[i%c]
		variance[i%c] += d * d / float64(rows)
	}
	return mean, variance
}

func TestChannelStats(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		for _, tc := range []struct {
			name      string
			mean, std float64
		}{{"centred", 0, 1}, {"far from zero", 1e4, 1}, {"tiny", -3e-6, 1e-8}, {"constant", 17.3, 0}} {
			var x []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				x = a.Normal(rows*c, tc.mean, tc.std)
				m, v := a.Normal(c, 0, 1), a.Normal(c, 0, 1)
				ChannelStats(x, rows, c, m, v)
				return [][]float32{m, v}
			})
			mean, variance := statsRef(x, rows, c)
			for ch := range c {
				m, v := float64(out[0][ch]), float64(out[1][ch])
				// One rounding of the mean itself, and rounding of the sums.
				if tol := 1e-7*math.Abs(mean[ch]) + 1e-6*math.Sqrt(variance[ch]); math.Abs(m-mean[ch]) > tol {
					t.Errorf("%s: mean[%d] = %v, want %v within %g", tc.name, ch, m, mean[ch], tol)
				}
				if tol := 1e-5*variance[ch] + 1e-13*mean[ch]*mean[ch]; math.Abs(v-variance[ch]) > tol {
					t.Errorf("%s: variance[%d] = %v, want %v within %g", tc.name, ch, v, variance[ch], tol)
				}
			}
		}
	})
}

// An outlier in the rows that give the shift is the worst case for the one-pass
// variance.
func TestChannelStatsOutlierFirst(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		const rows, c = 4000, 20
		a := kerneltest.NewArena(t, 3, 0)
		x := a.Normal(rows*c, 5, 1)
		for ch := range c {
			x[ch] = 1e5
		}
		m, v := a.Zeros(c), a.Zeros(c)
		ChannelStats(x, rows, c, m, v)
		mean, variance := statsRef(x, rows, c)
		for ch := range c {
			if e := math.Abs(float64(v[ch])/variance[ch] - 1); e > 1e-4 {
				t.Errorf("variance[%d] = %v, want %v (relative error %g)", ch, v[ch], variance[ch], e)
			}
			if e := math.Abs(float64(m[ch])/mean[ch] - 1); e > 1e-5 {
				t.Errorf("mean[%d] = %v, want %v", ch, m[ch], mean[ch])
			}
		}
	})
}

func TestChannelStatsNaN(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, bad := range []float32{kerneltest.Nan32, kerneltest.Inf32, kerneltest.Minf32} {
			for _, at := range []int{0, 99} {
				x := make([]float32, 100*3)
				x[at*3+1] = bad
				m, v := make([]float32, 3), make([]float32, 3)
				ChannelStats(x, 100, 3, m, v)
				if m[0] != 0 || v[0] != 0 || m[2] != 0 || v[2] != 0 {
					t.Errorf("%v in channel 1 reached others: %v %v", bad, m, v)
				}
				if v[1] == v[1] {
					t.Errorf("%v in row %d: variance %v, want NaN", bad, at, v[1])
				}
			}
		}
	})
}

// activation is ReLU or none.
func activation(relu bool) elementwise.Activation {
	if relu {
		return elementwise.ReLU
	}
	return elementwise.Identity
}

func TestScaleShift(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		for _, tc := range []struct {
			name     string
			residual bool
			relu     bool
			yIsX     bool
			yIsResid bool
		}{
			{name: "plain"},
			{name: "in place", yIsX: true},
			{name: "relu", relu: true},
			{name: "residual", residual: true},
			{name: "residual relu", residual: true, relu: true},
			{name: "residual relu over x", residual: true, relu: true, yIsX: true},
			{name: "residual relu over residual", residual: true, relu: true, yIsResid: true},
		} {
			var x, scale, shift, res []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				x, scale, shift = a.Normal(rows*c, 1, 1), a.Normal(c, 0, 1), a.Normal(c, 0, 1)
				kerneltest.Odd(x)
				r := a.Normal(rows*c, 0, 1)
				res = nil
				if tc.residual {
					res = r
				}
				y := a.Zeros(rows * c)
				switch {
				case tc.yIsX:
					copy(y, x)
					ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(y, y, elementwise.Epilogue{Residual: res, Activation: activation(tc.relu)})
				case tc.yIsResid:
					copy(y, res)
					ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, y, elementwise.Epilogue{Residual: y, Activation: activation(tc.relu)})
				default:
					ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, y, elementwise.Epilogue{Residual: res, Activation: activation(tc.relu)})
				}
				return [][]float32{y}
			})
			want := make([]float64, rows*c)
			for i := range want {
				v := float64(x[i])*float64(scale[i%c]) + float64(shift[i%c])
				if res != nil {
					v += float64(res[i])
				}
				if tc.relu && v < 0 {
					v = 0
				}
				if math.Abs(v) > math.MaxFloat32 {
					v = math.Copysign(math.Inf(1), v)
				}
				want[i] = v
			}
			kerneltest.Near(t, tc.name, out[0], want, 1e-6)
		}
	})
}

// bnRef is the backward pass in float64, straight from the formulas.
func bnRef(dy, y, x, mean, invstd, gamma []float32, rows, c int, train bool) (g, dx, dgamma, dbeta []float64) {
	g, dx = make([]float64, rows*c), make([]float64, rows*c)
	dgamma, dbeta = make([]float64, c), make([]float64, c)
	xhat := func(i int) float64 { return (float64(x[i]) - float64(mean[i%c])) * float64(invstd[i%c]) }
	for i := range dy {
		if y == nil || y[i] > 0 {
			g[i] = float64(dy[i])
		}
		dbeta[i%c] += g[i]
		dgamma[i%c] += g[i] * xhat(i)
	}
	for i := range dx {
		ch := i % c
		v := g[i]
		if train {
			v -= (dbeta[ch] + xhat(i)*dgamma[ch]) / float64(rows)
		}
		dx[i] = float64(gamma[ch]) * float64(invstd[ch]) * v
	}
	return g, dx, dgamma, dbeta
}

func TestBatchNormBackward(t *testing.T) {
	kerneltest.AllShapes(t, func(t *testing.T, rows, c int) {
		for _, tc := range []struct {
			name               string
			relu, fromX, train bool
			res, inPlace       bool
			offset             float64
		}{
			{name: "plain", train: true},
			{name: "relu", relu: true, train: true},
			{name: "relu from x", relu: true, fromX: true, train: true},
			{name: "relu from x in place", relu: true, fromX: true, train: true, inPlace: true},
			{name: "relu in place", relu: true, train: true, inPlace: true},
			{name: "residual", relu: true, train: true, res: true},
			{name: "residual in place", relu: true, train: true, res: true, inPlace: true},
			{name: "residual without relu", train: true, res: true},
			{name: "far from zero", relu: true, train: true, offset: 1000},
			{name: "running statistics", relu: true},
			{name: "running statistics, residual", relu: true, res: true},
			{name: "running statistics in place", relu: true, res: true, inPlace: true},
			{name: "running statistics, no relu"},
			{name: "running statistics, no relu, residual", res: true},
		} {
			var dy, y, x, mean, invstd, gamma []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				dy, x = a.Normal(rows*c, 0.1, 1), a.Normal(rows*c, tc.offset, 1)
				mean, invstd, gamma = a.Normal(c, tc.offset, 0.1), a.Normal(c, 1, 0.1), a.Normal(c, 1, 0.3)
				scale, shift := a.Normal(c, 1, 0.3), a.Normal(c, 0, 0.3)
				y = nil
				if tc.relu {
					y = a.Zeros(rows * c)
					if tc.fromX {
						ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, y, elementwise.Epilogue{Activation: elementwise.ReLU})
					} else {
						copy(y, a.Normal(rows*c, 0, 1))
						elementwise.ReLU.Apply(y, y)
					}
				}
				dgamma, dbeta := a.Normal(c, 0, 1), a.Normal(c, 0, 1)
				if tc.fromX {
					BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: invstd, DGamma: dgamma, DBeta: dbeta, Passed: Mask{Scale: scale, Shift: shift}}.Reduce(dy, x)
				} else {
					BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: invstd, DGamma: dgamma, DBeta: dbeta, Passed: Mask{Words: kerneltest.MaskOf(y, rows, c)}}.Reduce(dy, x)
				}
				d, dx := dy, a.Zeros(rows*c)
				if tc.inPlace {
					copy(dx, dy)
					d = dx
				}
				var dres []float32
				if tc.res {
					dres = a.Normal(rows*c, 0, 1)
				}
				switch {
				case tc.fromX:
					BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: invstd, Gamma: gamma, DGamma: dgamma, DBeta: dbeta, Passed: Mask{Scale: scale, Shift: shift}}.Grad(d, x, dx, nil)
				case tc.train:
					BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: invstd, Gamma: gamma, DGamma: dgamma, DBeta: dbeta, Passed: Mask{Words: kerneltest.MaskOf(y, rows, c)}}.Grad(d, x, dx, dres)
				default:
					BatchNorm{Rows: rows, C: c, InvStd: invstd, Gamma: gamma, Passed: Mask{Words: kerneltest.MaskOf(y, rows, c)}, Running: true}.Grad(d, nil, dx, dres)
				}
				return [][]float32{dgamma, dbeta, dx, dres}
			})
			g, dx, dgamma, dbeta := bnRef(dy, y, x, mean, invstd, gamma, rows, c, tc.train)
			tol := 2e-6 * math.Sqrt(float64(rows+1))
			kerneltest.Near(t, tc.name+": dgamma", out[0], dgamma, tol)
			kerneltest.Near(t, tc.name+": dbeta", out[1], dbeta, tol)
			kerneltest.Near(t, tc.name+": dx", out[2], dx, 5e-6)
			if tc.res {
				kerneltest.Near(t, tc.name+": dres", out[3], g, 1e-6)
			}
		}
	})
}

// batchNormCoefficients turns statistics into what ScaleShift applies.
func batchNormCoefficients(gamma, beta, mean, variance []float32, eps float64, scale, shift, invstd []float32) {
	for i, g := range gamma {
		inv := 1 / math.Sqrt(float64(variance[i])+eps)
		s := float64(g) * inv
		scale[i], shift[i], invstd[i] = float32(s), float32(float64(beta[i])-float64(mean[i])*s), float32(inv)
	}
}

// The gradient also agrees with finite differences of the forward functions
// themselves, through the statistics.
func TestBatchNormFiniteDifferences(t *testing.T) {
	const rows, c, eps = 6, 3, 1e-5
	a := kerneltest.NewArena(t, 5, 0)
	x, gamma, beta, w := a.Normal(rows*c, 0.5, 1), a.Normal(c, 1, 0.2), a.Normal(c, 0.2, 0.2), a.Normal(rows*c, 0, 1)
	res := a.Normal(rows*c, 0, 1)
	mean, variance, scale, shift, invstd, y := a.Zeros(c), a.Zeros(c), a.Zeros(c), a.Zeros(c), a.Zeros(c), a.Zeros(rows*c)
	loss := func() float64 {
		ChannelStats(x, rows, c, mean, variance)
		batchNormCoefficients(gamma, beta, mean, variance, eps, scale, shift, invstd)
		ScaleShift{Rows: rows, C: c, Scale: scale, Shift: shift}.Apply(x, y, elementwise.Epilogue{Residual: res, Activation: elementwise.ReLU})
		s := 0.0
		for i := range y {
			s += float64(w[i]) * float64(y[i])
		}
		return s
	}
	diff := func(p []float32, i int) float64 {
		const h = 1e-2
		v := p[i]
		p[i] = v + h
		up := loss()
		p[i] = v - h
		down := loss()
		p[i] = v
		return (up - down) / (2 * h)
	}
	loss()
	dgamma, dbeta, dx, dres := a.Zeros(c), a.Zeros(c), a.Zeros(rows*c), a.Zeros(rows*c)
	BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: invstd, DGamma: dgamma, DBeta: dbeta, Passed: Mask{Words: kerneltest.MaskOf(y, rows, c)}}.Reduce(w, x)
	BatchNorm{Rows: rows, C: c, Mean: mean, InvStd: invstd, Gamma: gamma, DGamma: dgamma, DBeta: dbeta, Passed: Mask{Words: kerneltest.MaskOf(y, rows, c)}}.Grad(w, x, dx, dres)
	for _, p := range []struct {
		name      string
		value, dp []float32
	}{{"x", x, dx}, {"gamma", gamma, dgamma}, {"beta", beta, dbeta}, {"residual", res, dres}} {
		for i := range p.value {
			// h is large for float32's sake, so the tolerance holds h² terms.
			if want := diff(p.value, i); math.Abs(float64(p.dp[i])-want) > 5e-3*max(1, math.Abs(want)) {
				t.Errorf("d loss/d %s[%d] = %v, finite difference %v", p.name, i, p.dp[i], want)
			}
		}
	}
	a.Check()
}
