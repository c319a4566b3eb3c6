package models

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

// timmTwins are what timm calls networks that have only torchvision's name here, and "" for
// those that it does not have, or has with other values added to variances.
var timmTwins = map[string]string{
	"mobilenet_v2":   "mobilenetv2_100",
	"regnet_x_800mf": "regnetx_008", "regnet_x_1_6gf": "regnetx_016", "regnet_x_3_2gf": "regnetx_032",
	"regnet_y_400mf": "regnety_004", "regnet_y_1_6gf": "regnety_016", "regnet_y_3_2gf": "regnety_032",
	"regnet_x_400mf": "", "regnet_y_800mf": "", // timm's of these sizes have other widths
	"efficientnet_v2_s": "", "mobilenet_v3_large": "", "mobilenet_v3_small": "", "resnet10_small": "",
	"shufflenet_v2_x0_5": "", "shufflenet_v2_x1_0": "", "shufflenet_v2_x1_5": "", "shufflenet_v2_x2_0": "", "squeezenet1_0": "", "squeezenet1_1": "",
}

// ErrNoTimmHead is the error of TimmFile for a classifier with fastai's head, or a linear one that
// is not the architecture's own.
var ErrNoTimmHead = errors.New("the head is fastai's, a linear one or one of nearest pictures, which timm does not have: train the network's own head")

// TimmFile returns c's parameters and running statistics as timm's network of the same
// kind has them, and what timm calls it. It returns an error for a head that is not the
// architecture's own, and for an architecture that timm does not have.
func TimmFile(c *Classifier) (name string, f *weights.File, err error) {
	a := c.Arch
	if !c.OwnHead {
		return "", nil, fmt.Errorf("models: %w", ErrNoTimmHead)
	}
	name, translated := timmTwins[a.Name]
	_, here := builtinNamed(a)
	if translated && name == "" || !here {
		return "", nil, fmt.Errorf("models: timm has no network that computes what %s does", a.Name)
	}
	f = &weights.File{Metadata: map[string]string{"format": "pt"}, Arrays: nn.State(c).Arrays()}
	if !translated {
		name = a.Name
	}
	theirs, err := a.timmNames(name)
	if err != nil {
		return "", nil, fmt.Errorf("models: %w", err)
	}
	for i := range f.Arrays {
		x := &f.Arrays[i]
		if n, ok := theirs[x.Name]; ok {
			x.Name = n
		}
	}
	return name, f, nil
}

// timmNames returns what timm's network calls the arrays of a that it calls otherwise.
func (a *Architecture) timmNames(timm string) (map[string]string, error) {
	if timm != a.Name { // the other one has a's names as a spelling
		other, err := ByName(timm)
		if err != nil {
			return nil, err
		}
		l, err := other.layout()
		if err != nil {
			return nil, err
		}
		own, err := a.layout()
		if err != nil {
			return nil, err
		}
		for _, n := range l.namings[1:] {
			if _, ok := n.ours[own.namings[0].first]; ok {
				return n.ours, nil
			}
		}
		return nil, fmt.Errorf("%s has no spelling with the names of %s", timm, a.Name)
	}
	l, err := a.layout()
	if err != nil || !l.namings[0].prefix {
		return nil, err
	}
	for _, n := range l.namings[1:] { // a's own names are torchvision's
		if n.of == a.Name && !n.prefix {
			theirs := make(map[string]string, len(n.ours))
			for name, ours := range n.ours {
				theirs[ours] = name
			}
			return theirs, nil
		}
	}
	return nil, nil
}
