package run

import (
	"fmt"

	"github.com/whippet-ml/whippet/train"
)

// Mixing are the settings of what is done to batches besides blending by fastai's
// mixup.
type Mixing struct {
	CutMix float64 `json:"cutmix,omitempty"`       // alpha; 0 for none
	Erase  float64 `json:"random_erase,omitempty"` // probability; 0 for none
}

// check reports the first value that cannot be.
func (m Mixing) check() error {
	switch {
	case !(m.CutMix >= 0 && m.CutMix <= 100):
		return fmt.Errorf("--cutmix %v: must be 0 (none) to 100, such as 1", m.CutMix)
	case !(m.Erase >= 0 && m.Erase <= 1):
		return fmt.Errorf("--random-erase %v: must be a probability, 0 (none) to 1", m.Erase)
	}
	return nil
}

// mixers returns the callbacks that change batches, in their order.
func (c Config) mixers() (cbs []train.Callback) {
	if c.Erase > 0 {
		cbs = append(cbs, &train.RandomErasing{P: c.Erase})
	}
	switch {
	case c.CutMix > 0:
		cbs = append(cbs, &train.CutMix{Alpha: c.CutMix, MixUp: c.MixUp})
	case c.MixUp > 0:
		cbs = append(cbs, &train.MixUp{Alpha: c.MixUp})
	}
	return cbs
}
