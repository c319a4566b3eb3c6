package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// peerStart and peerGrad are the formulas of testdata/reference.py.
func peerStart() (a, b *Param) {
	a = &Param{Name: "a", Data: make([]float32, 6), Grad: make([]float32, 6)}
	b = &Param{Name: "b", Data: make([]float32, 3), Grad: make([]float32, 3), NoDecay: true}
	for i := range a.Data {
		a.Data[i] = float32(math.Sin(1.7*float64(i) + 0.3))
	}
	for i := range b.Data {
		b.Data[i] = float32(0.5 * math.Cos(float64(i)))
	}
	return a, b
}

func peerGrad(step int, a, b *Param) {
	for which, p := range []*Param{a, b} {
		for i := range p.Grad {
			p.Grad[i] = float32(math.Sin(0.9*float64(step)+2.1*float64(i)+float64(which)) * math.Exp(-0.4*float64(i)))
		}
	}
}

type peerFile struct {
	Clipped []struct {
		Limit, Norm float64
		Grads       []float64
	}
	Runs map[string][][]float64
}

func peers(t *testing.T, name string) (f peerFile) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestStepsAreTheirPeers compares fourteen steps with PyTorch's, timm's and fastai's in
// float64. The tolerance is the rounding of float32 over the steps; another rule is
// off by 1e-4 and more.
func TestStepsAreTheirPeers(t *testing.T) {
	used := 0
	for file, cases := range map[string][]struct {
		run   string
		opt   Optimizer
		hyper Hyper
	}{
		"torch.json": {
			{"adamw", AdamW(), Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"sgd", &SGD{Mom: 0.9, L2: true}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"sgd_nesterov", &SGD{Mom: 0.9, L2: true, Nesterov: true}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"rmsprop", &TorchRMSProp{L2: true}, Hyper{LR: 1e-2, WD: 0.1}},
			{"rmsprop_momentum", &TorchRMSProp{L2: true, Mom: 0.9}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"rmsprop_tf", &TorchRMSProp{TF: true, L2: true, Mom: 0.9}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"rmsprop_tf_decoupled", &TorchRMSProp{TF: true, Mom: 0.9, SqrMom: 0.95, Eps: 1e-3}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"lamb", &LAMB{}, Hyper{LR: 5e-2, Mom: 0.9, WD: 0.02}},
			{"lamb_unclipped", &LAMB{MaxNorm: -1, SqrMom: 0.99, Eps: 1e-3}, Hyper{LR: 5e-2, Mom: 0.8, WD: 0.02}},
		},
		"fastai.json": {
			{"radam", &RAdam{}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
			{"ranger", Ranger(), Hyper{LR: 1e-2, Mom: 0.95, WD: 0.01}},
			{"lamb_fastai", &LAMB{Fastai: true}, Hyper{LR: 5e-2, Mom: 0.9, WD: 0.1}},
			{"rmsprop_fastai", &RMSProp{Mom: 0.9}, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
		},
	} {
		f := peers(t, file)
		used += len(f.Runs)
		for _, c := range cases {
			used--
			t.Run(c.run, func(t *testing.T) {
				a, b := peerStart()
				if len(f.Runs[c.run]) != 14 {
					t.Fatalf("%s has no such run of 14 steps", file)
				}
				for step, want := range f.Runs[c.run] {
					peerGrad(step, a, b)
					if err := c.opt.Step([][]*Param{{a}, {b}}, []Hyper{c.hyper, c.hyper}); err != nil {
						t.Fatal(err)
					}
					for i, v := range append(append([]float32(nil), a.Data...), b.Data...) {
						if math.Abs(float64(v)-want[i]) > 2e-6*math.Abs(want[i])+5e-7 {
							t.Fatalf("step %d parameter %d: %v, want %v", step, i, v, want[i])
						}
					}
				}
			})
		}
	}
	if used != 0 {
		t.Errorf("the files have %d runs more than are compared", used)
	}
}

func TestClipGradNormIsTorchs(t *testing.T) {
	for _, c := range peers(t, "torch.json").Clipped {
		a, b := peerStart()
		peerGrad(0, a, b)
		if norm := ClipGradNorm([][]*Param{{a}, {b}}, c.Limit); math.Abs(norm-c.Norm) > 1e-6 {
			t.Errorf("limit %v: the norm was %v, PyTorch's %v", c.Limit, norm, c.Norm)
		}
		for i, v := range append(append([]float32(nil), a.Grad...), b.Grad...) {
			if math.Abs(float64(v)-c.Grads[i]) > 1e-7 {
				t.Errorf("limit %v: gradient %d is %v, PyTorch's %v", c.Limit, i, v, c.Grads[i])
			}
		}
	}
	a := &Param{Grad: []float32{3, float32(math.Inf(1))}}
	if norm := ClipGradNorm([][]*Param{{a}}, 1); !math.IsInf(norm, 1) || a.Grad[0] != 3 {
		t.Errorf("an infinite gradient: norm %v, gradients %v; want them left alone", norm, a.Grad)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, o := range []Optimizer{&SGD{Nesterov: true}, &TorchRMSProp{SqrMom: 1}, &LAMB{Eps: -1}, &LAMB{MaxNorm: math.NaN()}} {
		a, b := peerStart()
		peerGrad(0, a, b)
		was := a.Data[0]
		if err := o.Step([][]*Param{{a, b}}, []Hyper{{LR: 1}}); err == nil || a.Data[0] != was {
			t.Errorf("%s: error %v, parameter %v, was %v", o.Name(), err, a.Data[0], was)
		}
	}
}
