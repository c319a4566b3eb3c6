package schedule

import "fmt"

// Schedule holds a learning rate, and perhaps a momentum, for every layer group
// as functions of the position in training (see Position). The training loop
// sets the optimizer from it before each step.
type Schedule struct {
	LR  []Func // one for each layer group
	Mom Func   // the same for all groups; nil leaves the momentum as it is
}

// Defaults of fastai's fit_one_cycle, fit_flat_cos and fit_sgdr, and of Cosine.
const (
	DefaultDiv          = 25.0 // one-cycle starts at lrMax/DefaultDiv
	DefaultDivFinal     = 1e5  // and ends at lrMax/DefaultDivFinal
	DefaultPctStart     = 0.25 // after rising for this share of training
	DefaultFlatPctStart = 0.75 // flat-cosine begins to fall here

	DefaultWarmUpDiv = 100.0 // a warm-up of Cosine begins at lr/DefaultWarmUpDiv (torchvision's recipes)
)

// DefaultMoms are fastai's momenta of a one-cycle: at the start, at the highest
// learning rate, and at the end.
var DefaultMoms = [3]float64{0.95, 0.85, 0.95}

// Groups returns the number of layer groups.
func (s *Schedule) Groups() int { return len(s.LR) }

// At writes the learning rate of every group at pos to lr, and the momentum to
// mom when the schedule has one; otherwise mom is left as it is. It panics when
// the lengths differ from the number of groups.
func (s *Schedule) At(pos float64, lr, mom []float64) {
	if len(lr) != len(s.LR) || len(mom) != len(s.LR) {
		panic(fmt.Sprintf("schedule: %d rates and %d momenta for %d groups", len(lr), len(mom), len(s.LR)))
	}
	for g, f := range s.LR {
		lr[g] = f(pos)
		if s.Mom != nil {
			mom[g] = s.Mom(pos)
		}
	}
}

// Constant keeps the rates of all groups where they are (fastai's plain fit).
func Constant(lr []float64) (*Schedule, error) {
	return each(lr, func(v float64) (Func, error) { return No(v), nil })
}

// OneCycle is fastai's fit_one_cycle, after Smith and Topin, "Super-convergence"
// (2018), with cosines: the learning rate of each group rises from lrMax/div to
// lrMax over the share pctStart of training and falls to lrMax/divFinal, while
// the momentum goes moms[0], moms[1], moms[2]. See DefaultDiv and its
// neighbors for fastai's values.
func OneCycle(lrMax []float64, div, divFinal, pctStart float64, moms [3]float64) (*Schedule, error) {
	if !(div > 0) || !(divFinal > 0) {
		return nil, fmt.Errorf("schedule: div is %v and div_final is %v: both must be above 0 (fastai's defaults are 25 and 1e5)", div, divFinal)
	}
	for _, m := range moms {
		if !(m >= 0 && m < 1) {
			return nil, fmt.Errorf("schedule: momentum %v in %v: it must be at least 0 and below 1", m, moms)
		}
	}
	s, err := each(lrMax, func(v float64) (Func, error) {
		return CombinedCos(pctStart, v/div, v, v/divFinal)
	})
	if err != nil {
		return nil, err
	}
	s.Mom, err = CombinedCos(pctStart, moms[0], moms[1], moms[2])
	return s, err
}

// FlatCos is fastai's fit_flat_cos: lr for the share pctStart of training
// (DefaultFlatPctStart), then a cosine down to lr/divFinal.
func FlatCos(lr []float64, divFinal, pctStart float64) (*Schedule, error) {
	if !(divFinal > 0) {
		return nil, fmt.Errorf("schedule: div_final is %v: it must be above 0 (fastai's default is 1e5)", divFinal)
	}
	return each(lr, func(v float64) (Func, error) {
		return CombinedCos(pctStart, v, v, v/divFinal)
	})
}

// Cosine is the schedule of most recipes for training from random weights: the
// learning rate of each group rises along a straight line from lr/div to lr over the
// share warmUp of training, in [0,1), and falls along half a cosine to lr/divFinal, or to 0 when divFinal
// is 0 (Loshchilov and Hutter 2017, without restarts; Goyal et al. 2017 for the
// warm-up). It is PyTorch's LinearLR followed by CosineAnnealingLR, and timm's cosine
// with --warmup-prefix, moved at every step.
func Cosine(lr []float64, warmUp, div, divFinal float64) (*Schedule, error) {
	switch {
	case !(warmUp >= 0 && warmUp < 1):
		return nil, fmt.Errorf("schedule: a warm-up of %v of the training: it must be 0 or more, and below 1", warmUp)
	case !(div >= 1):
		return nil, fmt.Errorf("schedule: div is %v: the warm-up must begin at or below the learning rate, with a div of 1 or more", div)
	case divFinal != 0 && !(divFinal >= 1):
		return nil, fmt.Errorf("schedule: div_final is %v: it must be 1 or more, or 0 to end at a rate of 0", divFinal)
	}
	return each(lr, func(v float64) (Func, error) {
		end := 0.0
		if divFinal != 0 {
			end = v / divFinal
		}
		rise, fall := Lin(v/div, v), Cos(v, end)
		return func(pos float64) float64 {
			if pos < warmUp {
				return rise(pos / warmUp)
			}
			return fall((pos - warmUp) / (1 - warmUp))
		}, nil
	})
}

// SGDR is fastai's fit_sgdr, warm restarts after Loshchilov and Hutter (2017):
// cycles cosines from lrMax to 0, the first of cycleLen epochs and each one mult
// times as long as the one before (fastai's default is 2). It returns the
// number of epochs as well.
func SGDR(lrMax []float64, cycles, cycleLen, mult int) (*Schedule, int, error) {
	if cycles < 1 || cycleLen < 1 || mult < 1 {
		return nil, 0, fmt.Errorf("schedule: SGDR with %d cycles of %d epochs, multiplied by %d: all must be at least 1", cycles, cycleLen, mult)
	}
	const limit = 1 << 30 // epochs, and cycles; beyond this the numbers overflow and nobody waits
	if cycles > limit {
		return nil, 0, fmt.Errorf("schedule: SGDR with %d cycles: that is too many", cycles)
	}
	var lens []int
	epochs, n := 0, cycleLen
	for range cycles {
		if n > limit || epochs > limit-n || mult > limit {
			return nil, 0, fmt.Errorf("schedule: SGDR with %d cycles of %d epochs, multiplied by %d, has too many epochs", cycles, cycleLen, mult)
		}
		lens = append(lens, n)
		epochs += n
		n *= mult // below 2^60
	}
	shares := make([]float64, cycles)
	for i, n := range lens {
		shares[i] = float64(n) / float64(epochs)
	}
	s, err := each(lrMax, func(v float64) (Func, error) {
		scheds := make([]Func, cycles)
		for i := range scheds {
			scheds[i] = Cos(v, 0)
		}
		return Combine(shares, scheds)
	})
	return s, epochs, err
}

// each builds one learning-rate function per group.
func each(lrs []float64, build func(float64) (Func, error)) (*Schedule, error) {
	if len(lrs) == 0 {
		return nil, fmt.Errorf("schedule: no learning rates: give one for each layer group")
	}
	s := &Schedule{LR: make([]Func, len(lrs))}
	for g, v := range lrs {
		if err := checkRate(v); err != nil {
			return nil, err
		}
		f, err := build(v)
		if err != nil {
			return nil, err
		}
		s.LR[g] = f
	}
	return s, nil
}
