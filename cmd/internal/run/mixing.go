package run

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// Mixing are the settings of what is done to training pictures besides fastai's
// augmentation and mixup.
type Mixing struct {
	// AutoAugment is randaugment, randaugment:OPERATIONS,MAGNITUDE, randaugment:OPERATIONS,FIRST-LAST with --sizes, trivialaugment, augmix or augmix:SEVERITY; "" for none.
	AutoAugment string `json:"auto_augment,omitempty"`

	CutMix float64 `json:"cutmix,omitempty"`       // alpha; 0 for none
	Erase  float64 `json:"random_erase,omitempty"` // probability; 0 for none

	Repeats int `json:"aug_repeats,omitempty"` // of a training picture in a row, augmented anew; 0 and 1 for none
}

// check reports the first value that cannot be.
func (m Mixing) check() error {
	if _, err := m.policy(); err != nil {
		return err
	}
	switch {
	case !(m.CutMix >= 0 && m.CutMix <= 100):
		return fmt.Errorf("--cutmix %v: must be 0 (none) to 100, such as 1", m.CutMix)
	case !(m.Erase >= 0 && m.Erase <= 1):
		return fmt.Errorf("--random-erase %v: must be a probability, 0 (none) to 1", m.Erase)
	case m.Repeats < 0 || m.Repeats > 100:
		return fmt.Errorf("--aug-repeats %d: must be 0 (none) to 100, such as 3", m.Repeats)
	}
	return nil
}

// policy is what --auto-augment does to pictures.
type policy interface {
	data.ItemTransform
	Check() error
}

// policy returns what --auto-augment asks for, nil for nothing.
func (m Mixing) policy() (policy, error) {
	kind, args, with := strings.Cut(m.AutoAugment, ":")
	bad := fmt.Errorf("--auto-augment %s: must be randaugment, trivialaugment, augmix, randaugment:OPERATIONS,MAGNITUDE such as randaugment:2,9, with --sizes also randaugment:OPERATIONS,FIRST-LAST such as randaugment:2,5-15, or augmix:SEVERITY such as augmix:3", m.AutoAugment)
	switch {
	case m.AutoAugment == "":
		return nil, nil
	case kind == "trivialaugment" && !with:
		return vision.TrivialAugmentWide(), nil
	case kind == "randaugment" && !with:
		return vision.RandAugment(2, 9), nil
	case kind == "augmix" && !with:
		return vision.AugMix{}, nil
	case kind == "augmix":
		severity, err := strconv.Atoi(args)
		if err != nil {
			return nil, bad
		}
		if a := (vision.AugMix{Severity: severity}); severity > 0 && a.Check() == nil {
			return a, nil
		}
		return nil, fmt.Errorf("--auto-augment %s: want a severity of 1 to 10", m.AutoAugment)
	case kind != "randaugment":
		return nil, bad
	}
	if low, high, grows := m.magnitudes(); grows { // the last one stands for both, when both are good
		operations, _, _ := strings.Cut(args, ",")
		for _, magnitude := range []int{low, high} {
			m.AutoAugment = fmt.Sprintf("randaugment:%s,%d", operations, magnitude)
			p, err := m.policy()
			if err != nil || magnitude == high {
				return p, err
			}
		}
	}
	first, second, _ := strings.Cut(args, ",")
	operations, err1 := strconv.Atoi(first)
	magnitude, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil {
		return nil, bad
	}
	p := vision.RandAugment(operations, magnitude)
	if err := p.Check(); err != nil || operations < 1 || magnitude < 0 {
		return nil, fmt.Errorf("--auto-augment %s: want 1 to 100 operations, and a magnitude of 0 to 30", m.AutoAugment)
	}
	return p, nil
}

// automatic appends what --auto-augment asks for to the item transform first, which
// may be nil.
func (m Mixing) automatic(first data.ItemTransform) (data.ItemTransform, error) {
	p, err := m.policy()
	switch {
	case err != nil || p == nil:
		return first, err
	case first == nil:
		return p, nil
	}
	return data.Chain(first, p), nil
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
