package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/train"
)

// Train measures whole training steps (forward, loss, backward, Adam) of a
// classifier with fastai's head on one batch in memory.
func Train(ctx context.Context, o Options) (Report, error) {
	if err := o.Check(); err != nil {
		return Report{}, err
	}
	if o.Batch < 2 {
		return Report{}, fmt.Errorf("--batch %d: training needs at least 2 pictures in a batch, for batch norm", o.Batch)
	}
	arch, err := models.ByName(o.Arch)
	if err != nil {
		return Report{}, err
	}
	l, err := train.New(&data.DataLoaders{Vocab: vocabulary(o.Classes)}, models.NewClassifier(arch, o.Classes, rng.New(1)), train.TrainBN(o.TrainBN))
	if err != nil {
		return Report{}, err
	}
	b := fixed(o)
	r := Report{Task: "train"}
	if o.Frozen {
		r.Task = "train frozen"
		if err := l.Freeze(); err != nil {
			return Report{}, err
		}
	}
	m := meter{profile: autograd.NewProfile()}
	l.Profile = m.profile
	if err := m.run(ctx, o, func() error { return l.TrainBatch(b, hypers(l)) }); err != nil {
		return Report{}, err
	}
	flops, err := trainFLOPs(l.Model, o.Size, !o.Frozen || o.TrainBN, !o.Frozen)
	if err != nil {
		return Report{}, err
	}
	m.report(&r, o, flops)
	runtime.KeepAlive(l) // its buffers are in the report
	return r, nil
}

// hypers are ordinary hyperparameters, small enough that thousands of steps on
// one batch of noise do not diverge.
func hypers(l *train.Learner) []optim.Hyper {
	h := make([]optim.Hyper, l.Groups())
	for i := range h {
		h[i] = optim.Hyper{LR: 1e-5, Mom: 0.9, WD: 0.01}
	}
	return h
}

// Infer measures a compiled classifier on one batch in memory.
func Infer(ctx context.Context, o Options) (Report, error) {
	if err := o.Check(); err != nil {
		return Report{}, err
	}
	arch, err := models.ByName(o.Arch)
	if err != nil {
		return Report{}, err
	}
	build := func(a *models.Architecture, classes int, r *rng.Stream) *models.Classifier {
		return models.NewClassifier(a, classes, r)
	}
	if o.OwnHead {
		build = models.NewOwnHead
	}
	model := build(arch, o.Classes, rng.New(1))
	arena := autograd.NewArena()
	inf := nn.CompileWith(model, arena)
	x := normal(o.Batch, o.Size)
	m := meter{profile: autograd.NewProfile()}
	if err := m.run(ctx, o, func() error {
		_, err := inf.RunProfiled(x, m.profile)
		return err
	}); err != nil {
		return Report{}, err
	}
	r := Report{Task: "infer"}
	all, _, _, err := macs(model, o.Size)
	if err != nil {
		return Report{}, err
	}
	m.report(&r, o, 2*all)
	runtime.KeepAlive(inf)
	return r, nil
}
