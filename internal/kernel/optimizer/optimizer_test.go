package optimizer

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestOptimizerStepsGolden compares with parameters that fastai's own
// optimizers gave, step by step. The tolerance is a few float32 roundings.
func TestOptimizerStepsGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/optimizer_steps.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		P0    []float32
		Grads [][]float32
		Runs  map[string]struct{ F32, F64 [][]float64 }
	}
	if err := json.Unmarshal(raw, &ref); err != nil {
		t.Fatal(err)
	}
	adam := func(wd float64) func(p, g, avg, sqr []float32, t int) {
		return func(p, g, avg, sqr []float32, t int) {
			Adam{LR: 1e-2, WD: wd, Mom: 0.9, SqrMom: 0.99, Eps: 1e-5, Debias1: 1 - math.Pow(0.9, float64(t)), Debias2: 1 - math.Pow(0.99, float64(t))}.Step(p, g, avg, sqr)
		}
	}
	sgd := func(mom, wd float64) func(p, g, avg, sqr []float32, t int) {
		return func(p, g, avg, sqr []float32, t int) {
			if mom == 0 {
				avg = nil
			}
			SGD{LR: 1e-2, WD: wd, Mom: mom}.Step(p, g, avg)
		}
	}
	for name, step := range map[string]func(p, g, avg, sqr []float32, t int){
		"adam":             adam(0.01),
		"adam_do_wd_false": adam(0),
		"sgd_plain":        sgd(0, 0),
		"sgd_mom9":         sgd(0.9, 0),
		"sgd_mom9_wd01":    sgd(0.9, 0.01),
	} {
		t.Run(name, func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) {
				run := ref.Runs[name]
				if len(run.F64) != 10 {
					t.Fatalf("the stored run has %d steps, want 10", len(run.F64))
				}
				p := append([]float32(nil), ref.P0...)
				avg, sqr := make([]float32, len(p)), make([]float32, len(p))
				for i, g := range ref.Grads {
					step(p, g, avg, sqr, i+1)
					kerneltest.Near(t, "parameters", p, run.F64[i], 1e-6)
				}
			})
		})
	}
}

func TestAdamStep(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 3, 8, 15, 16, 17, 40, 64, 100, 2*rowwise.FlatChunk + 7} {
			const lr, wd, mom, sqrMom, eps, d1, d2 = 3e-2, 0.1, 0.85, 0.99, 1e-5, 0.6, 0.2
			var p, g, avg, sqr []float32
			out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
				p, g, avg, sqr = a.Normal(n, 0, 1), a.Normal(n, 0, 1e-2), a.Normal(n, 0, 1e-2), a.Normal(n, 1e-3, 0)
				if n > 4 {
					g[2], avg[2], sqr[2] = 0, 0, 0 // a weight that never had a gradient
				}
				p2, avg2, sqr2 := a.CopyOf(p), a.CopyOf(avg), a.CopyOf(sqr)
				Adam{LR: lr, WD: wd, Mom: mom, SqrMom: sqrMom, Eps: eps, Debias1: d1, Debias2: d2}.Step(p2, g, avg2, sqr2)
				return [][]float32{p2, avg2, sqr2}
			})
			wp, wa, ws := make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range p {
				d := float64(g[i])
				wa[i] = mom*float64(avg[i]) + (1-mom)*d
				ws[i] = sqrMom*float64(sqr[i]) + (1-sqrMom)*d*d
				wp[i] = float64(p[i])*(1-lr*wd) - lr/d1*wa[i]/(math.Sqrt(ws[i]/d2)+eps)
			}
			kerneltest.Near(t, "p", out[0], wp, 1e-6)
			kerneltest.Near(t, "avg", out[1], wa, 1e-8)
			kerneltest.Near(t, "sqr", out[2], ws, 1e-9)
		}
	})
}

func TestAdamStepNaN(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		p, g := make([]float32, 40), make([]float32, 40)
		g[17] = kerneltest.Nan32
		Adam{LR: 1e-3, WD: 0, Mom: 0.9, SqrMom: 0.99, Eps: 1e-5, Debias1: 0.1, Debias2: 0.01}.Step(p, g, make([]float32, 40), make([]float32, 40))
		for i, v := range p {
			if (v != v) != (i == 17) {
				t.Errorf("p[%d] = %v with a NaN gradient at 17", i, v)
			}
		}
	})
}

func TestSGDStep(t *testing.T) {
	kerneltest.EachSet(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 15, 16, 33, 100, 2*rowwise.FlatChunk + 7} {
			for _, mom := range []float64{0, 0.9} {
				const lr, wd = 0.1, 0.01
				var p, g, avg []float32
				out := kerneltest.SameForThreads(t, func(a *kerneltest.Arena) [][]float32 {
					p, g, avg = a.Normal(n, 0, 1), a.Normal(n, 0, 1), a.Normal(n, 0, 1)
					p2, avg2 := a.CopyOf(p), a.CopyOf(avg)
					SGD{LR: lr, WD: wd, Mom: mom}.Step(p2, g, avg2)
					return [][]float32{p2, avg2}
				})
				wp, wa := make([]float64, n), make([]float64, n)
				for i := range p {
					wa[i] = float64(avg[i])
					step := float64(g[i])
					if mom != 0 {
						wa[i] = mom*wa[i] + step
						step = wa[i]
					}
					wp[i] = float64(p[i])*(1-lr*wd) - lr*step
				}
				kerneltest.Near(t, "p", out[0], wp, 1e-6)
				kerneltest.Near(t, "avg", out[1], wa, 1e-6)
			}
		}
	})
}
