package optim

import (
	"math"
	"testing"
)

// scalar is one parameter under an optimizer's definition, in float64.
type scalar struct {
	p, avg, sqr, slow float64
	t                 int
}

// The definitions of what the stored fastai runs do not cover, each written
// down once more from its paper and fastai's variant.
func rmspropMomentum(s *scalar, g float64, h Hyper) {
	s.sqr = 0.99*s.sqr + 0.01*g*g
	s.avg = h.Mom*s.avg + g
	s.p = s.p*(1-h.LR*h.WD) - h.LR*s.avg/(math.Sqrt(s.sqr)+1e-8)
}

func radamStep(s *scalar, g float64, h Hyper, eps float64) {
	s.t++
	t := float64(s.t)
	s.avg = h.Mom*s.avg + (1-h.Mom)*g
	s.sqr = 0.99*s.sqr + 0.01*g*g
	s.p *= 1 - h.LR*h.WD
	mean := s.avg / (1 - math.Pow(h.Mom, t))
	const inf = 2/(1-0.99) - 1
	power := math.Pow(0.99, t)
	rho := inf - 2*t*power/(1-power)
	if rho <= 5 {
		s.p -= h.LR * mean
		return
	}
	r := math.Sqrt((rho - 4) * (rho - 2) * inf / ((inf - 4) * (inf - 2) * rho))
	s.p -= h.LR * r * mean / (math.Sqrt(s.sqr/(1-power)) + eps)
}

func rangerStep(s *scalar, g float64, h Hyper) {
	if s.t == 0 {
		s.slow = s.p
	}
	radamStep(s, g, h, 1e-6)
	if s.t%6 == 0 {
		s.slow += 0.5 * (s.p - s.slow)
		s.p = s.slow
	}
}

func lookaheadSGD(s *scalar, g float64, h Hyper) {
	if s.t == 0 {
		s.slow = s.p
	}
	s.t++
	s.p = s.p*(1-h.LR*h.WD) - h.LR*g
	if s.t%2 == 0 {
		s.slow += 0.25 * (s.p - s.slow)
		s.p = s.slow
	}
}

func TestStepsFollowTheirDefinition(t *testing.T) {
	g := golden(t)
	for _, c := range []struct {
		name  string
		opt   Optimizer
		step  func(s *scalar, g float64, h Hyper)
		hyper Hyper
	}{
		{"rmsprop with momentum and decay", &RMSProp{Mom: 0.9}, rmspropMomentum, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
		{"radam with decay", &RAdam{}, func(s *scalar, g float64, h Hyper) { radamStep(s, g, h, 1e-5) }, Hyper{LR: 1e-2, Mom: 0.9, WD: 0.1}},
		{"ranger", Ranger(), rangerStep, Hyper{LR: 1e-2, Mom: 0.95, WD: 0.01}},
		{"lookahead of sgd", &Lookahead{Opt: &SGD{}, K: 2, Alpha: 0.25}, lookaheadSGD, Hyper{LR: 1e-1, WD: 0.1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Param{Name: "p", Data: append([]float32(nil), g.P0...)}
			want := make([]scalar, len(p.Data))
			for i, v := range p.Data {
				want[i].p = float64(v)
			}
			for step := range 14 { // past RAdam's warm-up and two of Lookahead's sixes
				p.Grad = append(p.Grad[:0], g.Grads[step%len(g.Grads)]...)
				if err := c.opt.Step([][]*Param{{p}}, []Hyper{c.hyper}); err != nil {
					t.Fatal(err)
				}
				for i := range want {
					c.step(&want[i], float64(p.Grad[i]), c.hyper)
					// Float32 rounding of 14 steps on values of order 1.
					if math.Abs(float64(p.Data[i])-want[i].p) > 1e-6*math.Abs(want[i].p)+2e-7 {
						t.Errorf("step %d parameter %d: %v, want %v", step, i, p.Data[i], want[i].p)
					}
				}
			}
		})
	}
}
