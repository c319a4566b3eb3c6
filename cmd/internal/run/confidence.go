package run

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
)

// CheckConfidence reports why the data does not allow what the run asks for about how far the model's
// answers can be trusted, all of which is chosen on validation pictures: its temperature, thresholds, the score below which it
// abstains, sets of classes and strangeness.
func (c Config) CheckConfidence(dls *data.DataLoaders) error {
	if len(dls.Valid.Items()) == 0 && c.Thresholds != "" {
		if rule, err := ParseThresholdRule(c.Thresholds); err == nil && rule.Beta+rule.Precision > 0 {
			return fmt.Errorf("--thresholds %s: they are chosen on validation pictures, of which --valid %s leaves none: give a number, such as 0.5", c.Thresholds, c.Valid)
		}
	}
	if len(dls.Valid.Items()) == 0 && c.Calibrate {
		return fmt.Errorf("--calibrate fits a temperature on validation pictures, of which --valid %s leaves none: set some apart", c.Valid)
	}
	if err := c.checkAbstain(dls); err != nil {
		return err
	}
	if err := c.checkConformal(dls); err != nil {
		return err
	}
	return c.checkStrangeness(dls)
}
