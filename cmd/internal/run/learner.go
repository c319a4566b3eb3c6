package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/internal/demo/drawnweights"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// MetricNames lists the metrics that --metrics takes for pictures with one label
// each, for those with several, and for numbers.
func MetricNames() (one, several, numbers []string) {
	return task.SingleLabel.Metrics().Names(), task.MultiLabel.Metrics().Names(), task.Regression{}.Metrics().Names()
}

// metrics returns what --metrics asks for, of those that make sense for the task.
func (c Config) metrics(t task.Task) ([]metrics.Metric, error) {
	var ms []metrics.Metric
	for _, n := range strings.Split(c.Metrics, ",") {
		if n = strings.TrimSpace(n); n == "" {
			continue
		}
		m, err := t.Metrics().ByName(n)
		if err != nil {
			return nil, fmt.Errorf("--metrics %s: unknown; choose from %s", n, strings.Join(t.Metrics().Names(), ", "))
		}
		if slices.ContainsFunc(ms, func(o metrics.Metric) bool { return o.Name() == m.Name() }) {
			return nil, fmt.Errorf("--metrics %s: %s is there twice", c.Metrics, n)
		}
		ms = append(ms, m)
	}
	return c.withMonitored(t, ms)
}

// Learner builds the run's learner on its loaders.
func (c Config) Learner(ctx context.Context, dls *data.DataLoaders, more ...train.Option) (*train.Learner, error) {
	return c.deepened(c.learner(ctx, dls, false, more))
}

// Resumed builds the learner that a checkpoint's state is put into: the same,
// but for the initial weights, which are not read again.
func (c Config) Resumed(ctx context.Context, dls *data.DataLoaders, more ...train.Option) (*train.Learner, error) {
	return c.deepened(c.learner(ctx, dls, true, more))
}

func (c Config) learner(ctx context.Context, dls *data.DataLoaders, resumed bool, more []train.Option) (*train.Learner, error) {
	arch, err := models.ByName(c.Arch)
	if err != nil {
		return nil, err
	}
	ms, err := c.metrics(dls.Task())
	if err != nil {
		return nil, err
	}
	if len(dls.Valid.Items()) == 0 && c.monitored() != trainLoss && (c.SaveBest || c.Patience > 0) {
		return nil, fmt.Errorf("--save-best and --patience go by %s, but --valid %s leaves no picture for validation", c.monitored(), c.Valid)
	}
	if err := c.CheckConfidence(dls); err != nil {
		return nil, err
	}
	by, err := c.loss(dls)
	if err != nil {
		return nil, err
	}
	opts := []train.Option{train.Metrics(ms...), train.Seed(c.streamSeed()), train.WeightDecay(c.WeightDecay), train.LayerDecay(c.LayerDecay), train.TrainBN(c.TrainBN),
		train.Loss(by), train.Shards(max(c.Shards, 1))}
	if err := c.checkAverage(dls); err != nil {
		return nil, err
	}
	stages, err := c.stages(dls)
	if err != nil {
		return nil, err
	}
	opts = append(opts, train.Stages(stages...))
	taught, err := c.taught(ctx, dls.Vocab)
	if err != nil {
		return nil, err
	}
	opts = append(opts, taught...)
	opts = append(opts, c.Updates.options()...)
	opts = append(opts, more...)
	opts = append(opts, train.Callbacks(c.mixers()...))
	opts = append(opts, train.Callbacks(c.monitoring(dls.Task())...))
	if resumed && c.From != "" {
		return train.New(dls, c.likeFrom(arch, len(dls.Vocab)), opts...)
	}
	if resumed {
		return finetune.NewLearner(ctx, dls, arch, c.headed(finetune.RandomWeights()), opts...)
	}
	if c.From != "" {
		return c.continued(dls, opts)
	}
	w := c.weights()
	if c.Data == Drawn && c.Weights == "default" {
		if c.Arch != drawnweights.Arch {
			return nil, fmt.Errorf("--arch %s: the weights that come with the drawn set are %s's: use that, or --weights none", c.Arch, drawnweights.Arch)
		}
		f, err := drawnweights.Load()
		if err != nil {
			return nil, err
		}
		w = finetune.WeightsLoaded(f)
	}
	return finetune.NewLearner(ctx, dls, arch, c.headed(w), opts...)
}

// Fit carries out the run's plan on its learner.
func (c Config) Fit(ctx context.Context, l *train.Learner) error {
	plan, err := c.plan(l)
	if err != nil {
		return err
	}
	return l.Run(ctx, plan)
}

// Resume goes on from a checkpoint of the run, with the learning rate that
// counts now.
func (c Config) Resume(ctx context.Context, l *train.Learner, from *train.Checkpoint) error {
	if len(c.LRChanges) > 0 {
		plan, err := c.plan(l)
		if err != nil {
			return err
		}
		if err := from.SetRates(plan); err != nil {
			return err
		}
	}
	return l.Resume(ctx, from)
}

// plan lists the fits of the run.
func (c Config) plan(l *train.Learner) ([]train.Phase, error) {
	if c.Schedule == "fine-tune" {
		lr, _ := c.baseLR()
		return l.FineTunePlan(c.Epochs, train.FreezeEpochs(c.FreezeEpochs), train.BaseLR(lr))
	}
	rate, err := schedule.ParseRate(c.Rate())
	if err != nil {
		return nil, err
	}
	head, all := -1, 0
	var plan []train.Phase
	for _, part := range []struct {
		epochs int
		freeze *int
	}{{c.FreezeEpochs, &head}, {c.Epochs, &all}} {
		if part.epochs == 0 {
			continue
		}
		rates, err := rate.Groups(l.Groups())
		if err != nil {
			return nil, err
		}
		p, err := l.NewPhase(c.Schedule, part.epochs, rate, part.freeze, c.cosine(part.epochs, part.freeze == &all, rates)...)
		if err != nil {
			return nil, err
		}
		plan = append(plan, p)
	}
	return plan, nil
}
