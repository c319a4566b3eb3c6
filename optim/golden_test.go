package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenFile struct {
	P0    []float32   `json:"p0"`
	Grads [][]float32 `json:"grads"`
	Runs  map[string]struct {
		F32, F64 [][]float64
		LR, Mom  []float64
	} `json:"runs"`
}

func golden(t *testing.T) goldenFile {
	t.Helper()
	raw, err := os.ReadFile("testdata/optimizers.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldenFile
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// Ten steps of every stored run. Two tolerances, both relative to the parameter
// (all are of order 1):
//   - against fastai in float64, 1e-6 and 2e-7 absolute: ten steps of float32
//     rounding (6e-8 each at most);
//   - against fastai in float32, the same, because its own rounding differs from
//     ours in the order of operations.
//
// A wrong rule (eps inside the root, decay after the step, debiasing with
// another momentum) is off by 1e-4 and more.
func TestStepsAreFastais(t *testing.T) {
	g := golden(t)
	for _, c := range []struct {
		run     string
		opt     Optimizer
		hyper   Hyper
		noDecay bool
	}{
		{"adam", &Adam{}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.01}, false},
		{"adam_lr3e3", &Adam{}, Hyper{LR: 3e-3, Mom: 0.9, WD: 0.01}, false},
		{"adam_l2", &Adam{L2: true}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.01}, false},
		{"adam_do_wd_false", &Adam{}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.01}, true},
		{"adam_one_cycle_1e-2", &Adam{}, Hyper{WD: 0.01}, false},
		{"sgd_plain", &SGD{}, Hyper{LR: 1e-2}, false},
		{"sgd_mom9", &SGD{Mom: 0.9}, Hyper{LR: 1e-2, Mom: 0.9}, false},
		{"sgd_mom9_wd01", &SGD{Mom: 0.9}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.01}, false},
		{"sgd_mom9_l2_01", &SGD{Mom: 0.9, L2: true}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.01}, false},
		{"sgd_mom9_one_cycle", &SGD{Mom: 0.9}, Hyper{}, false},
		{"rmsprop", &RMSProp{}, Hyper{LR: 1e-2}, false},
		{"radam", &RAdam{}, Hyper{LR: 1e-2, Mom: 0.9}, false},
	} {
		t.Run(c.run, func(t *testing.T) {
			r, ok := g.Runs[c.run]
			if !ok || len(r.F64) != len(g.Grads) {
				t.Fatal("no such run of ten steps in testdata/optimizers.json")
			}
			p := &Param{Name: "p", Data: append([]float32(nil), g.P0...), NoDecay: c.noDecay}
			for step, grad := range g.Grads {
				p.Grad = append(p.Grad[:0], grad...)
				h := c.hyper
				if r.LR != nil {
					h.LR, h.Mom = r.LR[step], r.Mom[step]
				}
				if err := c.opt.Step([][]*Param{{p}}, []Hyper{h}); err != nil {
					t.Fatal(err)
				}
				for i, v := range p.Data {
					for _, want := range []float64{r.F64[step][i], r.F32[step][i]} {
						if math.Abs(float64(v)-want) > 1e-6*math.Abs(want)+2e-7 {
							t.Errorf("step %d parameter %d: %v, want %v", step, i, v, want)
						}
					}
				}
			}
		})
	}
}

func TestEveryStoredRunIsTested(t *testing.T) {
	if n := len(golden(t).Runs); n != 12 {
		t.Errorf("testdata/optimizers.json has %d runs, TestStepsAreFastais compares 12", n)
	}
}
