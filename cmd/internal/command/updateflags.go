package command

import (
	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// updateFlags adds the flags that say how gradients move the weights. The values in
// u are the defaults.
func updateFlags(cmd *cobra.Command, u *run.Updates) {
	fl := cmd.Flags()
	fl.Float64Var(&u.ClipNorm, "clip-norm", u.ClipNorm, "scale a gradient that is longer than this `NORM` down to it; 0 for none (default 0)")
	fl.Float64Var(&u.EMA, "ema", u.EMA, "validate with and save an average of the weights, of which this `DECAY` stays at each step, such as 0.999; 0 for none (default 0)")
	fl.BoolVar(&u.EMAWarmUp, "ema-warmup", u.EMAWarmUp, "let the decay of --ema begin low, for short runs")
}
