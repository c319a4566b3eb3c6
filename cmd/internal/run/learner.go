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
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/weights"
)

// MetricNames lists the metrics that --metrics takes.
func MetricNames() []string { return task.SingleLabel.Metrics().Names() }

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
		ms = append(ms, m)
	}
	return ms, nil
}

// Learner builds the run's learner on its loaders.
func (c Config) Learner(ctx context.Context, dls *data.DataLoaders) (*train.Learner, error) {
	return c.learner(ctx, dls, false)
}

// Resumed builds the learner that a checkpoint's state is put into: the same,
// but for the initial weights, which are not read again.
func (c Config) Resumed(ctx context.Context, dls *data.DataLoaders) (*train.Learner, error) {
	return c.learner(ctx, dls, true)
}

func (c Config) learner(ctx context.Context, dls *data.DataLoaders, resumed bool) (*train.Learner, error) {
	arch, err := models.ByName(c.Arch)
	if err != nil {
		return nil, err
	}
	ms, err := c.metrics(dls.Task())
	if err != nil {
		return nil, err
	}
	if len(dls.Valid.Items()) == 0 && (c.SaveBest || c.Patience > 0) {
		return nil, fmt.Errorf("--save-best and --patience go by the validation loss, but --valid %s leaves no picture for validation", c.Valid)
	}
	by, err := dls.Task().Loss(task.LossOptions{Smoothing: c.Smoothing})
	if err != nil {
		return nil, fmt.Errorf("--label-smoothing: %w", err)
	}
	opts := []train.Option{train.Metrics(ms...), train.Seed(c.streamSeed()), train.WeightDecay(c.WeightDecay), train.TrainBN(c.TrainBN),
		train.Loss(by)}
	if c.MixUp > 0 {
		opts = append(opts, train.Callbacks(&train.MixUp{Alpha: c.MixUp}))
	}
	if c.SaveBest {
		opts = append(opts, train.Callbacks(&train.SaveBest{Restore: true}))
	}
	if c.Patience > 0 {
		opts = append(opts, train.Callbacks(&train.EarlyStopping{Patience: c.Patience}))
	}
	if resumed {
		return finetune.NewLearner(ctx, dls, arch, finetune.RandomWeights(), opts...)
	}
	if c.From != "" {
		return c.continued(ctx, dls, arch, opts)
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
	return finetune.NewLearner(ctx, dls, arch, w, opts...)
}

// continued builds a learner whose model is the saved one of From. It is frozen,
// as one with pretrained weights is.
func (c Config) continued(ctx context.Context, dls *data.DataLoaders, arch *models.Architecture, opts []train.Option) (*train.Learner, error) {
	f, err := weights.Load(c.From)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	_, info, err := models.FromFile(f)
	if err != nil {
		return nil, fmt.Errorf("--from %s: %w", c.From, err)
	}
	by, err := info.Decoder()
	if err != nil {
		return nil, fmt.Errorf("--from %s: %w", c.From, err)
	}
	if by.Task.Name() != dls.Task().Name() {
		return nil, fmt.Errorf("--from %s: the model's task is %s, the data's %s: go on with data of its task", c.From, by.Task.Name(), dls.Task().Name())
	}
	if !slices.Equal(info.Vocab, dls.Vocab) {
		return nil, fmt.Errorf("--from %s: the model has the classes %.200q, the data %.200q: go on with the data it was trained on, or take its body alone with --weights",
			c.From, strings.Join(info.Vocab, ", "), strings.Join(dls.Vocab, ", "))
	}
	l, err := finetune.NewLearner(ctx, dls, arch, finetune.RandomWeights(), opts...)
	if err != nil {
		return nil, err
	}
	if err := nn.State(l.Model).Load(f); err != nil {
		return nil, fmt.Errorf("--from %s: %w", c.From, err)
	}
	return l, l.Freeze()
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
		p, err := l.NewPhase(c.Schedule, part.epochs, rate, part.freeze)
		if err != nil {
			return nil, err
		}
		plan = append(plan, p)
	}
	return plan, nil
}
