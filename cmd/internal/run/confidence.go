package run

import (
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/task"
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
	if t := dls.Task(); len(dls.Valid.Items()) == 0 && c.Thresholds == "" && !t.Exclusive() && !task.Continuous(t) {
		dls.Warnings = append(dls.Warnings, fmt.Sprintf("--valid %s leaves no pictures on which thresholds could be chosen: every label is answered from 0.5 on; --thresholds gives another number", c.Valid))
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
