package attention

import (
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// attentionRef is the definition in float64, forward and backward.
func attentionRef(a Attention, qkv, dy []float32) (y, dqkv []float64) {
	y, dqkv = make([]float64, len(dy)), make([]float64, len(qkv))
	c := a.Heads * a.D
	scale := 1 / math.Sqrt(float64(a.D))
	for n := range a.N {
		for h := range a.Heads {
			at := func(part, t, d int) int { return (n*a.T+t)*3*c + part*c + h*a.D + d }
			out := func(t, d int) int { return (n*a.T+t)*c + h*a.D + d }
			p, g := make([]float64, a.T), make([]float64, a.T)
			for t := range a.T {
				sum, dot := 0.0, 0.0
				largest := math.Inf(-1)
				for u := range a.T {
					p[u] = 0
					for d := range a.D {
						p[u] += scale * float64(qkv[at(0, t, d)]) * float64(qkv[at(1, u, d)])
					}
					largest = math.Max(largest, p[u])
				}
				for u := range a.T {
					p[u] = math.Exp(p[u] - largest)
					sum += p[u]
				}
				for u := range a.T {
					p[u] /= sum
					g[u] = 0
					for d := range a.D {
						y[out(t, d)] += p[u] * float64(qkv[at(2, u, d)])
						dqkv[at(2, u, d)] += p[u] * float64(dy[out(t, d)])
						g[u] += float64(dy[out(t, d)]) * float64(qkv[at(2, u, d)])
					}
					dot += p[u] * g[u]
				}
				for u := range a.T {
					ds := p[u] * (g[u] - dot) * scale
					for d := range a.D {
						dqkv[at(0, t, d)] += ds * float64(qkv[at(1, u, d)])
						dqkv[at(1, u, d)] += ds * float64(qkv[at(0, t, d)])
					}
				}
			}
		}
	}
	return y, dqkv
}

func (a Attention) name() string {
	return fmt.Sprintf("%d×%d tokens, %d heads of %d", a.N, a.T, a.Heads, a.D)
}

func TestAttention(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, a := range []Attention{{1, 1, 1, 1}, {2, 5, 3, 4}, {1, 16, 1, 16}, {2, 50, 2, 64}, {1, 197, 2, 32}, {1, 197, 1, 64}, {1, 200, 1, 20}} {
			var qkv, dy []float32
			out := kerneltest.SameForThreads(t, func(r *kerneltest.Arena) [][]float32 {
				c := a.Heads * a.D
				qkv, dy = r.Normal(a.N*a.T*3*c, 0, 1.5), r.Normal(a.N*a.T*c, 0, 1)
				y, d := r.Zeros(len(dy)), r.Zeros(len(qkv))
				a.Forward(qkv, y)
				a.Backward(dy, qkv, d)
				return [][]float32{y, d}
			})
			y, d := attentionRef(a, qkv, dy)
			if e := kerneltest.RelL2(out[0], y); !(e <= 2e-6) {
				t.Errorf("%s: the result is off by %.1e of its norm", a.name(), e)
			}
			if e := kerneltest.RelL2(out[1], d); !(e <= 5e-6) {
				t.Errorf("%s: the gradient is off by %.1e of its norm", a.name(), e)
			}
		}
	})
}

// Many tokens are several blocks of queries.
func TestAttentionOfManyTokens(t *testing.T) {
	a := Attention{1, 600, 1, 16}
	r := kerneltest.NewArena(t, 1, 0)
	qkv, dy := r.Normal(a.T*3*a.D, 0, 1), r.Normal(a.T*a.D, 0, 1)
	y, d := r.Zeros(len(dy)), r.Zeros(len(qkv))
	a.Forward(qkv, y)
	a.Backward(dy, qkv, d)
	r.Check()
	wantY, wantD := attentionRef(a, qkv, dy)
	if e := kerneltest.RelL2(y, wantY); !(e <= 2e-6) {
		t.Errorf("the result is off by %.1e of its norm", e)
	}
	if e := kerneltest.RelL2(d, wantD); !(e <= 5e-6) {
		t.Errorf("the gradient is off by %.1e of its norm", e)
	}
}

// Scores far apart make one probability 1 and the others 0.
func TestSoftmaxOfLargeScores(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		x := make([]float32, columnStep)
		for i := range x {
			x[i] = kerneltest.Minf32
		}
		x[0], x[3], x[7] = -3e38, 3e38, 2e38
		softmax(x, 1, len(x), 1)
		for i, v := range x {
			if want := float32(0); i == 3 && v != 1 || i != 3 && v != want {
				t.Errorf("probability %d is %v", i, v)
			}
		}
		x[5] = kerneltest.Nan32
		softmax(x, 1, len(x), 1)
		if x[0] == x[0] {
			t.Errorf("with a NaN among the scores a probability is %v, want NaN", x[0])
		}
	})
}

func FuzzSoftmax(f *testing.F) {
	f.Add(uint8(3), uint8(2), uint64(1), 1.0)
	f.Add(uint8(9), uint8(13), uint64(2), 30.0)
	f.Fuzz(func(t *testing.T, rows, steps uint8, seed uint64, std float64) {
		n, c := 1+int(rows)%20, columnStep*(1+int(steps)%16)
		std = math.Min(math.Abs(std), 50)
		kerneltest.WithEachSet(func(s *isa.Set) {
			a := kerneltest.NewArena(t, seed, int(seed%16))
			x, g := a.Normal(n*c, 0, std), a.Normal(n*c, 0, 1)
			p, d := a.CopyOf(x), a.CopyOf(g)
			wantP, wantD := a.CopyOf(x), a.CopyOf(g)
			softmax(p, n, c, 0.125)
			softmaxGrad(p, d, n, c, 0.125)
			a.Check()
			softmaxGo(wantP, n, c, 0.125)
			softmaxGradGo(wantP, wantD, n, c, 0.125)
			kerneltest.Near(t, "probabilities", p, kerneltest.Float64s(wantP), 1e-5)
			kerneltest.Near(t, "gradient", d, kerneltest.Float64s(wantD), 1e-5)
		})
	})
}

func BenchmarkAttention(b *testing.B) {
	a := Attention{N: 8, T: 197, Heads: 6, D: 64}
	n := a.N * a.T * a.Heads * a.D
	qkv, y := kerneltest.BenchSlices(2, 3*n), kerneltest.BenchSlices(1, n)
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			a.Forward(qkv[0], y[0])
		}
		kerneltest.Rate(b, 4*a.T*n)
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			a.Backward(y[0], qkv[0], qkv[1])
		}
		kerneltest.Rate(b, 10*a.T*n)
	})
}
