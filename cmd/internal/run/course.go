package run

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train"
)

// Course are the settings of --schedule cosine, and of stochastic depth.
type Course struct {
	WarmUpEpochs float64 `json:"warmup_epochs,omitempty"`
	WarmUpLR     float64 `json:"warmup_lr,omitempty"` // at which the warm-up begins; 0 for a hundredth of the rate
	MinLR        float64 `json:"min_lr,omitempty"`    // at the end
	DropPath     string  `json:"drop_path,omitempty"` // stochastic-depth rate, a number; "" for the architecture's own
}

// checkCourse reports the first value that cannot be.
func (c Config) checkCourse() error {
	bad := func(flag string, value any, want string) error {
		return fmt.Errorf("--%s %v: %s", flag, value, want)
	}
	top := 0.0
	if rate, err := schedule.ParseRate(c.Rate()); err == nil {
		if rates, err := rate.Groups(1); err == nil {
			top = slices.Max(rates)
		}
	}
	switch {
	case c.Schedule != "cosine" && c.WarmUpEpochs != 0:
		return bad("warmup-epochs", c.WarmUpEpochs, "goes with --schedule cosine; one-cycle has a warm-up of its own")
	case c.Schedule != "cosine" && c.WarmUpLR != 0:
		return bad("warmup-lr", c.WarmUpLR, "goes with --schedule cosine")
	case c.Schedule != "cosine" && c.MinLR != 0:
		return bad("min-lr", c.MinLR, "goes with --schedule cosine")
	case c.Schedule == "cosine" && !(c.WarmUpEpochs >= 0 && (c.WarmUpEpochs < float64(c.Epochs) || c.WarmUpEpochs == 0)):
		return bad("warmup-epochs", c.WarmUpEpochs, fmt.Sprintf("must be 0 or more, and fewer than --epochs, which is %d", c.Epochs))
	case c.WarmUpLR != 0 && c.WarmUpEpochs == 0:
		return bad("warmup-lr", c.WarmUpLR, "is where a warm-up begins: give --warmup-epochs too")
	case !(c.WarmUpLR >= 0 && c.WarmUpLR <= top):
		return bad("warmup-lr", c.WarmUpLR, fmt.Sprintf("must be above 0, and at most the learning rate, %v", c.Rate()))
	case !(c.MinLR >= 0 && c.MinLR <= top):
		return bad("min-lr", c.MinLR, fmt.Sprintf("must be 0 or more, and at most the learning rate, %v", c.Rate()))
	}
	if c.DropPath != "" {
		if p, err := strconv.ParseFloat(c.DropPath, 64); err != nil || !(p >= 0 && p < 1) {
			return bad("drop-path", c.DropPath, "must be a number from 0 up to, not including, 1, such as 0.1")
		}
	}
	return nil
}

// cosine returns what a phase of epochs along a cosine is told. Rates are given for
// the fastest layer group; the others keep their distance. The warm-up belongs to the
// last phase, in which all layers train.
func (c Config) cosine(epochs int, last bool, rates []float64) []train.FitOption {
	if c.Schedule != "cosine" {
		return nil
	}
	top := slices.Max(rates)
	var opts []train.FitOption
	if last && c.WarmUpEpochs > 0 {
		opts = append(opts, train.PctStart(c.WarmUpEpochs/float64(epochs)))
	}
	if c.WarmUpLR > 0 && top > 0 {
		opts = append(opts, train.Div(top/c.WarmUpLR))
	}
	if c.MinLR > 0 && top > 0 {
		opts = append(opts, train.DivFinal(top/c.MinLR))
	}
	return opts
}

// deepened sets the stochastic depth of a learner's model.
func (c Config) deepened(l *train.Learner, err error) (*train.Learner, error) {
	if err != nil || c.DropPath == "" {
		return l, err
	}
	rate, err := strconv.ParseFloat(c.DropPath, 64)
	if err == nil {
		err = l.Model.SetStochasticDepth(rate)
	}
	if err != nil {
		return nil, fmt.Errorf("--drop-path %s: %w", c.DropPath, err)
	}
	return l, nil
}
