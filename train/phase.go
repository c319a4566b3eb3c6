package train

import (
	"cmp"
	"fmt"

	"github.com/whippet-ml/whippet/schedule"
)

// Phase is one call of a fit function as data, so that an interrupted run
// knows what it was doing and what comes next.
type Phase struct {
	Schedule string     `json:"schedule"` // one-cycle, flat-cos, cosine, constant
	Epochs   int        `json:"epochs"`
	FreezeTo *int       `json:"freeze_to,omitempty"` // first trainable layer group; nil leaves it as it is
	LR       []float64  `json:"lr"`                  // highest rate of each layer group
	Div      float64    `json:"div,omitempty"`
	DivFinal float64    `json:"div_final,omitempty"`
	PctStart float64    `json:"pct_start,omitempty"`
	Moms     [3]float64 `json:"moms"`
	WD       float64    `json:"wd"`

	LayerDecay float64 `json:"layer_decay,omitempty"` // see the option; 0 for none
}

// curves returns the schedule of the phase.
func (p Phase) curves() (*schedule.Schedule, error) {
	if err := p.checkLayerDecay(); err != nil {
		return nil, err
	}
	switch p.Schedule {
	case "one-cycle":
		return schedule.OneCycle(p.LR, p.Div, p.DivFinal, p.PctStart, p.Moms)
	case "flat-cos":
		return schedule.FlatCos(p.LR, p.DivFinal, p.PctStart)
	case "cosine":
		return schedule.Cosine(p.LR, p.PctStart, p.Div, p.DivFinal)
	case "constant":
		return schedule.Constant(p.LR)
	}
	return nil, fmt.Errorf("train: unknown schedule %q: this version knows one-cycle, flat-cos, cosine and constant", p.Schedule)
}

// FitOption changes one fit.
type FitOption func(*fitOptions)

type fitOptions struct {
	callbacks []Callback
	wd        *float64
	div       float64
	divFinal  float64
	pctStart  float64
	moms      *[3]float64
	freeze    int
	lrMult    float64
	baseLR    float64
}

// With adds callbacks for this fit only.
func With(c ...Callback) FitOption {
	return func(o *fitOptions) { o.callbacks = append(o.callbacks, c...) }
}

// WD sets the weight decay of this fit.
func WD(wd float64) FitOption { return func(o *fitOptions) { o.wd = &wd } }

// Div sets how far below its highest value the learning rate starts.
func Div(d float64) FitOption { return func(o *fitOptions) { o.div = d } }

// DivFinal sets how far below its highest value the learning rate ends.
func DivFinal(d float64) FitOption { return func(o *fitOptions) { o.divFinal = d } }

// PctStart sets the share of the fit in which the learning rate rises (for
// FitFlatCos: stays; for FitCosine 0 by default), between 0 and 1.
func PctStart(p float64) FitOption { return func(o *fitOptions) { o.pctStart = p } }

// Moms sets the momentum at the start, middle and end of a one-cycle.
func Moms(start, middle, end float64) FitOption {
	return func(o *fitOptions) { o.moms = &[3]float64{start, middle, end} }
}

// FreezeEpochs sets the number of frozen epochs of FineTune, 1 by default; 0
// leaves the frozen phase out.
func FreezeEpochs(n int) FitOption {
	return func(o *fitOptions) {
		o.freeze = n
		if n == 0 {
			o.freeze = -1
		}
	}
}

// BaseLR sets the learning rate of FineTune, 2e-3 by default.
func BaseLR(lr float64) FitOption { return func(o *fitOptions) { o.baseLR = lr } }

// LRMult sets how far apart FineTune's learning rates of the first group and
// the head are in the unfrozen phase, 100 by default.
func LRMult(m float64) FitOption { return func(o *fitOptions) { o.lrMult = m } }

func gather(opts []FitOption) fitOptions {
	var o fitOptions
	for _, f := range opts {
		f(&o)
	}
	return o
}

// NewPhase returns a fit as data, for a plan of several to Run: schedule is
// one-cycle, flat-cos, cosine or constant; freezeTo is the first layer group that trains
// (negative counts from the end), nil to leave it as it is.
func (l *Learner) NewPhase(schedule string, epochs int, lr schedule.Rate, freezeTo *int, opts ...FitOption) (Phase, error) {
	p, err := l.phase(schedule, epochs, lr, gather(opts))
	p.FreezeTo = freezeTo
	return p, err
}

// withDefaults puts fastai's defaults for a kind of schedule in place of zero
// options.
func (o fitOptions) withDefaults(kind string) fitOptions {
	if kind == "cosine" { // by default without warm-up, and down to 0
		o.div = cmp.Or(o.div, schedule.DefaultWarmUpDiv)
		return o
	}
	o.div = cmp.Or(o.div, schedule.DefaultDiv)
	o.divFinal = cmp.Or(o.divFinal, schedule.DefaultDivFinal)
	if kind == "flat-cos" {
		o.pctStart = cmp.Or(o.pctStart, schedule.DefaultFlatPctStart)
	}
	o.pctStart = cmp.Or(o.pctStart, schedule.DefaultPctStart)
	return o
}

// phase fills in what all fits have in common.
func (l *Learner) phase(kind string, epochs int, lr schedule.Rate, o fitOptions) (Phase, error) {
	if epochs < 0 {
		return Phase{}, fmt.Errorf("train: %d epochs: give 0 or more", epochs)
	}
	if lr.IsZero() {
		lr = schedule.Flat(l.LR)
	}
	lrs, err := lr.Groups(len(l.groups))
	if err != nil {
		return Phase{}, err
	}
	o = o.withDefaults(kind)
	p := Phase{Schedule: kind, Epochs: epochs, LR: lrs, Div: o.div, DivFinal: o.divFinal, PctStart: o.pctStart, Moms: l.Moms, WD: l.WD, LayerDecay: l.LayerDecay}
	if o.moms != nil {
		p.Moms = *o.moms
	}
	if o.wd != nil {
		p.WD = *o.wd
	}
	_, err = p.curves()
	return p, err
}
