// Package finetune makes learners for pictures: a pretrained body, fastai's head on
// it, and the task's loss, ready for Learner.FineTune. It is what fastai calls
// cnn_learner.
//
//	learn, err := finetune.NewLearner(ctx, dls, models.ResNet34, finetune.Pretrained(), train.Metrics(metrics.ErrorRate()))
//	err = learn.FineTune(ctx, 2)
package finetune

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/weights"
)

// Weights says where a new learner's body gets its weights.
type Weights struct {
	file   string
	loaded *weights.File
	random bool
}

// Pretrained takes the published torchvision weights: from Whippet's or
// PyTorch's cache folder, or downloaded. It is the zero Weights.
func Pretrained() Weights { return Weights{} }

// RandomWeights starts from random weights, for training from scratch.
func RandomWeights() Weights { return Weights{random: true} }

// WeightsFile takes the weights of a .pth or .safetensors file: torchvision's
// network of the same architecture, or a model that Whippet saved.
func WeightsFile(path string) Weights { return Weights{file: path} }

// WeightsLoaded takes weights that are in memory already, such as ones embedded
// in the program.
func WeightsLoaded(f *weights.File) Weights { return Weights{loaded: f} }

// load reads the weights, downloading them if need be.
func (w Weights) load(ctx context.Context, arch *models.Architecture) (f *weights.File, from string, err error) {
	if w.loaded != nil {
		return w.loaded, "the given weights", nil
	}
	path := w.file
	if path == "" {
		if path, err = DefaultWeights(ctx, arch); err != nil {
			return nil, "", err
		}
	}
	f, err = weights.Load(path)
	return f, path, err
}

func (w Weights) String() string {
	switch {
	case w.random:
		return "none"
	case w.file != "":
		return w.file
	}
	return "default"
}

// streamInit keys the random stream of initial weights.
const streamInit = 201

// NewLearner returns a learner for pictures, fastai's cnn_learner: a body with
// pretrained weights, a new head for the loaders' classes, layer groups as the
// architecture has them.
// With pretrained weights it is frozen, so that only the head trains until
// Unfreeze; with random weights all of it trains. The seed of the head's (and a
// random body's) initial weights is that of train.Seed.
func NewLearner(ctx context.Context, dls *data.DataLoaders, arch *models.Architecture, w Weights, opts ...train.Option) (*train.Learner, error) {
	m := models.NewClassifier(arch, len(dls.Vocab), rng.New(train.SeedOf(opts...), streamInit))
	if !w.random {
		f, from, err := w.load(ctx, arch)
		if err != nil {
			return nil, err
		}
		if err := m.SetBody(f); err != nil {
			return nil, fmt.Errorf("finetune: %s: %w", from, err)
		}
	}
	l, err := train.New(dls, m, opts...)
	if err != nil {
		return nil, err
	}
	if !w.random {
		if err := l.Freeze(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// ErrNoWeights means that an architecture has no published weights.
var ErrNoWeights = errors.New("no published weights")
