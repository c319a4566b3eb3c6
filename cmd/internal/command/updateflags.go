package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
)

// optimizerFlags adds the flags that say how gradients move the weights. The values in
// u are the defaults.
func optimizerFlags(cmd *cobra.Command, u *run.Updates) {
	fl := cmd.Flags()
	fl.StringVar(&u.Optimizer, "optimizer", u.Optimizer, "`NAME` of the optimizer: "+strings.Join(run.OptimizerNames(), ", ")+" (default adam, which is fastai's)")
	fl.StringVar(&u.Momentum, "momentum", u.Momentum, "momentum, or beta1, that stays: a `NUMBER` (default the optimizer's usual, which one-cycle and fine-tune move)")
	fl.Float64Var(&u.SqrMom, "sqr-mom", u.SqrMom, "`SHARE` of the squared average that stays, beta2 or alpha; 0 for the optimizer's usual (default 0)")
	fl.Float64Var(&u.Eps, "eps", u.Eps, "what is added to the divisor; 0 for the optimizer's usual (default 0)")
	fl.BoolVar(&u.Nesterov, "nesterov", u.Nesterov, "Nesterov's momentum, with sgd")
	fl.BoolVar(&u.L2, "l2", u.L2, "add the weight decay to the gradient rather than shrink the weights (default with sgd and rmsprop)")
	fl.Float64Var(&u.ClipNorm, "clip-norm", u.ClipNorm, "scale a gradient that is longer than this `NORM` down to it; 0 for none (default 0)")
}

// averageFlags adds the flags about the average of weights.
func averageFlags(cmd *cobra.Command, u *run.Updates) {
	fl := cmd.Flags()
	fl.Float64Var(&u.EMA, "ema", u.EMA, "validate with and save an average of the weights, of which this `DECAY` stays at each step, such as 0.999; 0 for none (default 0)")
	fl.BoolVar(&u.EMAWarmUp, "ema-warmup", u.EMAWarmUp, "let the decay of --ema begin low, for short runs")
}

// courseFlags adds the flags of --schedule cosine.
func courseFlags(cmd *cobra.Command, c *run.Course) {
	fl := cmd.Flags()
	fl.Float64Var(&c.WarmUpEpochs, "warmup-epochs", c.WarmUpEpochs, "with --schedule cosine, `EPOCHS` of --epochs in which the learning rate rises (default 0)")
	fl.Float64Var(&c.WarmUpLR, "warmup-lr", c.WarmUpLR, "learning `RATE` at which the warm-up begins (default a hundredth of --lr)")
	fl.Float64Var(&c.MinLR, "min-lr", c.MinLR, "with --schedule cosine, learning `RATE` at the end (default 0)")
}

// dropPathFlag adds --drop-path.
func dropPathFlag(cmd *cobra.Command, c *run.Course) {
	cmd.Flags().StringVar(&c.DropPath, "drop-path", c.DropPath, "stochastic-depth `RATE`: leave the branches of the last residual block out with about this probability, of earlier ones less (default the architecture's own)")
}
