package optim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/rng"
)

// all returns one of each optimizer, new.
func all() map[string]func() Optimizer {
	return map[string]func() Optimizer{
		"adam":             func() Optimizer { return &Adam{} },
		"adam l2":          func() Optimizer { return &Adam{L2: true} },
		"sgd":              func() Optimizer { return &SGD{} },
		"sgd momentum":     func() Optimizer { return &SGD{Mom: 0.9} },
		"rmsprop":          func() Optimizer { return &RMSProp{} },
		"rmsprop momentum": func() Optimizer { return &RMSProp{Mom: 0.9} },
		"radam":            func() Optimizer { return &RAdam{} },
		"ranger":           func() Optimizer { return Ranger() },
	}
}

// model is two groups of parameters of odd lengths, one longer than a chunk.
func model(seed uint64) [][]*Param {
	r := rng.New(seed)
	param := func(name string, n int, noDecay bool) *Param {
		p := &Param{Name: name, Data: make([]float32, n), Grad: make([]float32, n), NoDecay: noDecay}
		for i := range p.Data {
			p.Data[i] = float32(r.Normal())
		}
		return p
	}
	return [][]*Param{
		{param("body.weight", chunk+chunk/2+3, false), param("body.bias", 7, true)},
		{param("head.weight", 129, false)},
	}
}

func gradients(groups [][]*Param, step int) {
	r := rng.New(99, uint64(step))
	for _, g := range groups {
		for _, p := range g {
			for i := range p.Grad {
				p.Grad[i] = float32(r.Normal())
			}
		}
	}
}

var hyper2 = []Hyper{{LR: 1e-3, Mom: 0.9, WD: 0.01}, {LR: 1e-2, Mom: 0.9, WD: 0.01}}

func steps(t *testing.T, o Optimizer, groups [][]*Param, from, to int) {
	t.Helper()
	for s := from; s < to; s++ {
		gradients(groups, s)
		if err := o.Step(groups, hyper2); err != nil {
			t.Fatal(err)
		}
	}
}

func sameBits(t *testing.T, what string, a, b [][]*Param) {
	t.Helper()
	for g := range a {
		for i, p := range a[g] {
			if !slices.Equal(p.Data, b[g][i].Data) {
				t.Errorf("%s: %s differs", what, p.Name)
			}
		}
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	for name, newOpt := range all() {
		parallel.SetThreads(1)
		one := model(1)
		steps(t, newOpt(), one, 0, 9)
		for _, n := range []int{2, 4} {
			parallel.SetThreads(n)
			many := model(1)
			steps(t, newOpt(), many, 0, 9)
			sameBits(t, name, one, many)
		}
	}
}

func TestResumeEqualsGoingOn(t *testing.T) {
	for name, newOpt := range all() {
		t.Run(name, func(t *testing.T) {
			going := model(1)
			o := newOpt()
			steps(t, o, going, 0, 8)

			stopped := model(1)
			first := newOpt()
			steps(t, first, stopped, 0, 4)
			second := newOpt()
			if err := second.SetState(first.State()); err != nil {
				t.Fatal(err)
			}
			// The copy must not share storage with the optimizer it came from.
			scrap := model(2)
			steps(t, first, scrap, 4, 5)
			steps(t, second, stopped, 4, 8)
			sameBits(t, "resumed run", going, stopped)
		})
	}
}

func TestResetForgets(t *testing.T) {
	for name, newOpt := range all() {
		o := newOpt()
		used, fresh := model(1), model(1)
		steps(t, o, model(1), 0, 7)
		o.Reset()
		steps(t, o, used, 0, 7)
		steps(t, newOpt(), fresh, 0, 7)
		sameBits(t, name+" after Reset", used, fresh)
	}
}

// A frozen parameter has no gradient: neither its values nor its state move.
func TestNoGradientNoChange(t *testing.T) {
	for name, newOpt := range all() {
		o := newOpt()
		m := model(1)
		before := slices.Clone(m[0][0].Data)
		m[0][0].Grad = nil
		steps(t, o, m, 0, 7)
		if !slices.Equal(before, m[0][0].Data) {
			t.Errorf("%s: a parameter without gradient moved", name)
		}
		if s := o.State().Params["body.weight"]; s.Step != 0 {
			t.Errorf("%s: a parameter without gradient has taken %d steps", name, s.Step)
		}
	}
}

// Weight decay reaches weights alone, under the rule p *= 1-lr*wd.
func TestDecaySkipsNoDecay(t *testing.T) {
	m := model(1)
	weight, bias := m[0][0].Data[0], slices.Clone(m[0][1].Data)
	o := &SGD{}
	if err := o.Step(m, []Hyper{{LR: 0.5, WD: 0.5}, {LR: 0.5, WD: 0.5}}); err != nil { // all gradients are 0
		t.Fatal(err)
	}
	if got, want := m[0][0].Data[0], weight*0.75; got != want {
		t.Errorf("weight: %v, want %v", got, want)
	}
	if !slices.Equal(m[0][1].Data, bias) {
		t.Errorf("bias decayed to %v from %v", m[0][1].Data, bias)
	}
}

// A parameter whose rate has a factor moves as one of a group with that rate does.
func TestLRScale(t *testing.T) {
	for _, o := range []func() Optimizer{
		func() Optimizer { return &Adam{} }, func() Optimizer { return &SGD{Mom: 0.9} }, func() Optimizer { return &RMSProp{Mom: 0.9} },
		func() Optimizer { return &RAdam{} }, func() Optimizer { return Ranger() },
	} {
		scaled, want := o(), o()
		p := &Param{Name: "w", Data: []float32{1, -2, 3}, Grad: []float32{0.5, 0.25, -1}, LRScale: 0.25}
		q := &Param{Name: "w", Data: slices.Clone(p.Data), Grad: p.Grad}
		for range 7 {
			if err := scaled.Step([][]*Param{{p}}, []Hyper{{LR: 0.5, Mom: 0.9, WD: 0.1}}); err != nil {
				t.Fatal(err)
			}
			if err := want.Step([][]*Param{{q}}, []Hyper{{LR: 0.125, Mom: 0.9, WD: 0.1}}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(p.Data, q.Data) {
			t.Errorf("%s: %v, with that rate %v", scaled.Name(), p.Data, q.Data)
		}
	}
}

func TestTrainable(t *testing.T) {
	for _, c := range []struct {
		name            string
		force           bool
		group, frozenTo int
		want            bool
	}{
		{"head of a frozen model", false, 2, 2, true},
		{"body of a frozen model", false, 1, 2, false},
		{"batch norm of a frozen body", true, 0, 2, true},
		{"body, nothing frozen", false, 0, 0, true},
	} {
		p := Param{ForceTrain: c.force}
		if got := p.Trainable(c.group, c.frozenTo); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStepErrors(t *testing.T) {
	ok := func() *Param { return &Param{Name: "w", Data: []float32{1, 2}, Grad: []float32{0, 0}} }
	h := []Hyper{{LR: 0.1}}
	for _, c := range []struct {
		name   string
		opt    Optimizer
		groups [][]*Param
		hyper  []Hyper
		want   string
	}{
		{"groups and hypers differ", &SGD{}, [][]*Param{{ok()}}, nil, "1 parameter groups but hyperparameters for 0"},
		{"nil parameter", &SGD{}, [][]*Param{{nil}}, h, "parameter 0 is nil"},
		{"no name", &SGD{}, [][]*Param{{{Data: []float32{1}, Grad: []float32{1}}}}, h, "has no name"},
		{"gradient too short", &SGD{}, [][]*Param{{{Name: "w", Data: []float32{1, 2}, Grad: []float32{1}}}}, h, "w has 2 values and 1 gradients"},
		{"name twice", &SGD{}, [][]*Param{{ok(), ok()}}, h, "two parameters are named w"},
		{"negative rate", &SGD{}, [][]*Param{{ok()}}, []Hyper{{LR: -1}}, "learning rate -1"},
		{"NaN rate", &Adam{}, [][]*Param{{ok()}}, []Hyper{{LR: math.NaN()}}, "learning rate NaN"},
		{"negative scale of the rate", &SGD{}, [][]*Param{{{Name: "w", Data: []float32{1, 2}, Grad: []float32{1, 1}, LRScale: -1}}}, h, "w has LRScale -1"},
		{"momentum of 1", &Adam{}, [][]*Param{{ok()}}, []Hyper{{Mom: 1}}, "momentum 1"},
		{"infinite decay", &Adam{}, [][]*Param{{ok()}}, []Hyper{{WD: math.Inf(1)}}, "weight decay +Inf"},
		{"sqr_mom above 1", &Adam{SqrMom: 2}, [][]*Param{{ok()}}, h, "sqr_mom is 2"},
		{"negative eps", &RMSProp{Eps: -1}, [][]*Param{{ok()}}, h, "eps is -1"},
		{"sqr_mom of RAdam", &RAdam{SqrMom: -1}, [][]*Param{{ok()}}, h, "sqr_mom is -1"},
		{"alpha of Lookahead", &Lookahead{Opt: &SGD{}, Alpha: 2}, [][]*Param{{ok()}}, h, "alpha is 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.opt.Step(c.groups, c.hyper)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one that says %q", err, c.want)
			}
			for _, p := range c.groups[0] {
				if p != nil && len(p.Data) == 2 && !slices.Equal(p.Data, []float32{1, 2}) {
					t.Errorf("the parameter moved to %v despite the error", p.Data)
				}
			}
		})
	}
}

func TestSetStateErrors(t *testing.T) {
	adam := &Adam{}
	if err := adam.SetState((&SGD{}).State()); err == nil || !strings.Contains(err.Error(), "same optimizer") {
		t.Errorf("the state of SGD was taken by Adam: %v", err)
	}
	bad := State{Algorithm: adam.Name(), Params: map[string]ParamState{"w": {Step: -1}}}
	if err := adam.SetState(bad); err == nil {
		t.Error("a state after -1 steps was taken")
	}
	short := State{Algorithm: adam.Name(), Params: map[string]ParamState{"w": {Step: 3, Avg: []float32{1}, Sqr: []float32{1}}}}
	if err := adam.SetState(short); err != nil {
		t.Fatal(err)
	}
	p := &Param{Name: "w", Data: []float32{1, 2}, Grad: []float32{0, 0}}
	err := adam.Step([][]*Param{{p}}, []Hyper{{LR: 0.1}})
	if err == nil || !strings.Contains(err.Error(), "another model") {
		t.Errorf("state of one value for a parameter of two: %v", err)
	}
}

func BenchmarkAdam(b *testing.B) {
	const n = 4 << 20
	p := &Param{Name: "w", Data: make([]float32, n), Grad: make([]float32, n)}
	o := &Adam{}
	b.SetBytes(7 * 4 * n) // reads p, g, avg, sqr; writes p, avg, sqr
	for b.Loop() {
		if err := o.Step([][]*Param{{p}}, []Hyper{{LR: 1e-3, Mom: 0.9, WD: 0.01}}); err != nil {
			b.Fatal(err)
		}
	}
}

// With a momentum scheduled down to 0, the average is the gradient alone, and
// the next step starts from there.
func TestMomentumOfZeroInOneStep(t *testing.T) {
	p := &Param{Name: "w", Data: []float32{0}, Grad: []float32{0}}
	o := &SGD{Mom: 0.5}
	for i, c := range []struct {
		mom  float64
		grad float32
		want float32 // the average, and the way of the step
	}{{0.5, 8, 8}, {0, 2, 2}, {0.5, 4, 5}} {
		p.Data[0], p.Grad[0] = 0, c.grad
		if err := o.Step([][]*Param{{p}}, []Hyper{{LR: 1, Mom: c.mom}}); err != nil {
			t.Fatal(err)
		}
		if got := o.State().Params["w"].Avg[0]; got != c.want || p.Data[0] != -c.want {
			t.Errorf("step %d: average %v and step %v, want %v", i, got, -p.Data[0], c.want)
		}
	}
}

// A step of a model's size allocates next to nothing: a closure for each
// parameter's parallel loop and for the step itself.
func TestStepAllocatesLittle(t *testing.T) {
	groups := model(1)
	o := &Adam{}
	steps(t, o, groups, 0, 1)
	n := testing.AllocsPerRun(10, func() {
		if err := o.Step(groups, hyper2); err != nil {
			t.Fatal(err)
		}
	})
	if n > 40 {
		t.Errorf("a step on three parameters allocates %v times, want at most 40", n)
	} else {
		t.Logf("%v allocations", n)
	}
}
