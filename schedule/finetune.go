package schedule

import (
	"cmp"
	"fmt"
)

// FineTunePhase is one call of fit_one_cycle as data: how long, how much of the model
// trains, and how the rates move.
type FineTunePhase struct {
	Epochs   int
	Frozen   bool // freeze before the phase; otherwise unfreeze
	LR       Rate
	Div      float64
	DivFinal float64
	PctStart float64
	Moms     [3]float64
}

// Schedule returns the phase's one-cycle for a model with groups layer groups.
func (p FineTunePhase) Schedule(groups int) (*Schedule, error) {
	lrs, err := p.LR.Groups(groups)
	if err != nil {
		return nil, err
	}
	return OneCycle(lrs, p.Div, p.DivFinal, p.PctStart, p.Moms)
}

// FineTuneOptions are the arguments of fastai's fine_tune; the zero value of
// each field means fastai's default.
type FineTuneOptions struct {
	BaseLR       float64    // rate of the head in the frozen phase; 0 means DefaultBaseLR
	FreezeEpochs int        // epochs of the frozen phase; 0 means DefaultFreezeEpochs, below 0 means none
	LRMult       float64    // the second phase starts at rate base/LRMult for the first group; 0 means 100
	PctStart     float64    // share of the second phase in which the rate rises; 0 means 0.3
	Div          float64    // the second phase starts from its highest rate / Div; 0 means 5
	Moms         [3]float64 // all 0 means DefaultMoms
}

// What zero fields of FineTuneOptions mean: the defaults of fastai's fine_tune.
const (
	DefaultBaseLR       = 2e-3
	DefaultFreezeEpochs = 1
)

// withDefaults puts fastai's defaults in place of zero fields.
func (o FineTuneOptions) withDefaults() FineTuneOptions {
	o.BaseLR = cmp.Or(o.BaseLR, DefaultBaseLR)
	o.FreezeEpochs = cmp.Or(o.FreezeEpochs, DefaultFreezeEpochs)
	o.LRMult = cmp.Or(o.LRMult, 100)
	o.PctStart = cmp.Or(o.PctStart, 0.3)
	o.Div = cmp.Or(o.Div, 5)
	o.Moms = cmp.Or(o.Moms, DefaultMoms)
	return o
}

// FineTune returns the phases of fastai's fine_tune(epochs, ...): first the head
// alone, at slice(base) with pct_start 0.99 and div 25; then the whole model at
// half the base rate, slice(base/2/mult, base/2). The optimizer's state is
// cleared between them, by unfreezing. Phases without epochs are left out.
func FineTune(epochs int, o FineTuneOptions) ([]FineTunePhase, error) {
	o = o.withDefaults()
	if epochs < 0 {
		return nil, fmt.Errorf("schedule: fine_tune for %d epochs: give 0 or more", epochs)
	}
	if err := checkRate(o.BaseLR); err != nil {
		return nil, err
	}
	if !(o.LRMult > 0) {
		return nil, fmt.Errorf("schedule: lr_mult is %v: it must be above 0", o.LRMult)
	}
	var phases []FineTunePhase
	if o.FreezeEpochs > 0 {
		phases = append(phases, FineTunePhase{
			Epochs: o.FreezeEpochs, Frozen: true, LR: SliceTo(o.BaseLR),
			Div: DefaultDiv, DivFinal: DefaultDivFinal, PctStart: 0.99, Moms: o.Moms,
		})
	}
	if epochs > 0 {
		base := o.BaseLR / 2
		phases = append(phases, FineTunePhase{
			Epochs: epochs, LR: Slice(base/o.LRMult, base),
			Div: o.Div, DivFinal: DefaultDivFinal, PctStart: o.PctStart, Moms: o.Moms,
		})
	}
	// Mistakes in Div, PctStart or Moms are found here, not after the first phase.
	for _, p := range phases {
		if _, err := p.Schedule(1); err != nil {
			return nil, err
		}
	}
	return phases, nil
}
