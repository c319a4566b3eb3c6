package fastai

import (
	"fmt"

	"github.com/whippet-ml/whippet/models"
)

// Classifier builds the network that the file holds. a may be nil: the
// architecture is then the one whose name the file has, or else the one that the
// parameters' names and shapes fit. It returns an error for a network of another
// kind, and for one whose layers compute something else than a's (see Check).
func (n *Network) Classifier(a *models.Architecture) (*models.Classifier, error) {
	if a == nil {
		// Names that say nothing to us may still be of a network that we have.
		a, _ = models.ByName(n.Arch)
	}
	c, err := models.Import(n.Weights, a)
	if err != nil && n.Arch != "" && a == nil {
		return nil, fmt.Errorf("the network is a %s, which is none that Whippet has (whippet train --help lists them), nor do its parameters fit one", shown(n.Arch))
	}
	if err != nil {
		return nil, err
	}
	return c, n.Check(c)
}
