package train

import (
	"fmt"
	"math"
)

// LayerDecay lets learning rates fall with depth: the head trains at the rate of the
// schedule, each layer below at decay times the rate of the one above it, decay being
// above 0 and at most 1. Layers are those of models.Classifier.LayersByName, for networks
// that timm has those of its --layer-decay (Bao et al., "BEiT", 2021,
// https://arxiv.org/abs/2106.08254). Weight decay, which goes with the rate, falls too.
//
// It takes the place of rates that differ from layer group to layer group: FineTune
// spreads none, and rates such as schedule.Slice are refused. Freezing is as without it.
// The recorder has the rates of the head.
func LayerDecay(decay float64) Option { return func(l *Learner) { l.LayerDecay = decay } }

// decays reports whether d is a layer decay that changes rates.
func decays(d float64) bool { return d != 0 && d != 1 }

func checkLayerDecay(d float64) error {
	if !(d >= 0 && d <= 1) {
		return fmt.Errorf("layer decay %v: it must be above 0, and 1 at most (0.65 to 0.9 is usual; 0 or 1 for none)", d)
	}
	return nil
}

// checkLayerDecay refuses rates that differ between layer groups and fall with depth too.
func (p Phase) checkLayerDecay() error {
	if err := checkLayerDecay(p.LayerDecay); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	for _, lr := range p.LR {
		if last := p.LR[len(p.LR)-1]; decays(p.LayerDecay) && lr != last {
			return fmt.Errorf("train: learning rates %v of the layer groups, and a layer decay of %v: give one rate, the head's, from which those of the layers follow, or leave the layer decay out", p.LR, p.LayerDecay)
		}
	}
	return nil
}

// scaleRates gives the parameters the factors of their learning rates.
func (l *Learner) scaleRates(decay float64) error {
	if !decays(decay) {
		decay = 0
	}
	if decay == l.decayed {
		return nil
	}
	if err := checkLayerDecay(decay); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	layer, layers, err := l.Model.LayersByName()
	if err != nil {
		return err
	}
	for _, ps := range l.params {
		for _, p := range ps {
			p.opt.LRScale = 0
			if decay != 0 {
				p.opt.LRScale = math.Pow(decay, float64(layers-1-layer[p.Name]))
			}
		}
	}
	l.decayed = decay
	return nil
}
