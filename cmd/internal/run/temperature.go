package run

import (
	"context"

	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/train"
)

// FitTemperature gives the learner a temperature, fitted on the validation pictures, if the run
// asks for one. The result is nil where it does not.
func (c Config) FitTemperature(ctx context.Context, l *train.Learner) (*interpret.Temperature, error) {
	if !c.Calibrate {
		return nil, nil
	}
	t, err := interpret.FitTemperature(ctx, l)
	if err != nil {
		return nil, err
	}
	l.Temperature = t.Value
	return &t, nil
}
