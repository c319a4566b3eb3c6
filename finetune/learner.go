// Package finetune makes learners for pictures: a pretrained body, fastai's head on
// it, and the task's loss, ready for Learner.FineTune. It is what fastai calls
// cnn_learner.
//
//	learn, err := finetune.NewLearner(ctx, dls, models.ResNet34, finetune.Pretrained(), train.Metrics(metrics.ErrorRate()))
//	err = learn.FineTune(ctx, 2)
package finetune

import (
	"cmp"
	"context"
	"fmt"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/pretrained"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/weights"
)

// Weights says where a new learner's body gets its weights.
type Weights struct {
	name          string // as pretrained.Find takes it
	file          string
	loaded        *weights.File
	random        bool
	ownHead       bool
	linearHead    bool
	neighborsHead bool
}

// Pretrained takes the architecture's default published weights: from a cache folder
// (Whippet's, PyTorch's, the Hugging Face Hub's), or downloaded. It is the zero
// Weights.
func Pretrained() Weights { return Weights{} }

// RandomWeights starts from random weights, for training from scratch.
func RandomWeights() Weights { return Weights{random: true} }

// WeightsFile takes the weights of a .pth or .safetensors file: torchvision's
// network of the same architecture, or a model that Whippet saved.
func WeightsFile(path string) Weights { return Weights{file: path} }

// WeightsNamed takes published weights by their name, such as IMAGENET1K_V2,
// timm/resnet50.a1_in1k or hf:ORG/REPO, or a folder in the Hub's layout; see
// pretrained.Find. A learner's pictures are prepared as its loaders do it: the
// weights' own way is what Find says.
func WeightsNamed(name string) Weights { return Weights{name: name} }

// OwnHead returns w for a learner with the architecture's own head (Architecture.Top)
// in place of fastai's, as the weights' authors trained it, for the data's classes and
// with random initial values. What it trains, torchvision and timm read.
func (w Weights) OwnHead() Weights {
	w.ownHead = true
	return w
}

// LinearHead returns w for a learner whose head is one linear layer; see models.HeadLinear.
func (w Weights) LinearHead() Weights {
	w.linearHead = true
	return w
}

// NeighborsHead returns w for a learner whose head is a vote of the nearest of the training pictures, one
// that is fitted at once; see models.HeadNeighbors.
func (w Weights) NeighborsHead() Weights {
	w.neighborsHead = true
	return w
}

// WeightsLoaded takes weights that are in memory already, such as ones embedded
// in the program.
func WeightsLoaded(f *weights.File) Weights { return Weights{loaded: f} }

// load reads the weights, downloading them if need be.
func (w Weights) load(ctx context.Context, arch *models.Architecture) (f *weights.File, from string, err error) {
	switch {
	case w.loaded != nil:
		return w.loaded, "the given weights", nil
	case w.file != "":
		f, err = weights.Load(w.file)
		return f, w.file, err
	}
	var found *pretrained.Weights
	if w.name != "" {
		found, err = pretrained.Find(ctx, w.name, arch, pretrained.Options{})
	} else {
		found, err = pretrained.Default(ctx, arch, pretrained.Options{})
	}
	if err != nil {
		return nil, "", fmt.Errorf("finetune: %w", err)
	}
	f, err = found.Load(ctx)
	return f, found.Name, err
}

func (w Weights) String() string {
	switch {
	case w.random:
		return "none"
	}
	return cmp.Or(w.file, w.name, "default")
}

// streamInit keys the random stream of initial weights.
const streamInit = 201

// NewLearner returns a learner for pictures, fastai's cnn_learner: a body with
// pretrained weights, a new head for the loaders' classes (fastai's, or with
// Weights.OwnHead the architecture's), layer groups as the architecture has them.
// With pretrained weights it is frozen, so that only the head trains until
// Unfreeze; with random weights all of it trains. The seed of the head's (and a
// random body's) initial weights is that of train.Seed.
func NewLearner(ctx context.Context, dls *data.DataLoaders, arch *models.Architecture, w Weights, opts ...train.Option) (*train.Learner, error) {
	r := rng.New(train.SeedOf(opts...), streamInit)
	var m *models.Classifier
	if w.ownHead {
		m = models.NewOwnHead(arch, len(dls.Vocab), r)
	} else if w.linearHead {
		m = models.NewClassifier(arch, len(dls.Vocab), r, models.HeadLinear())
	} else if w.neighborsHead {
		m = models.NewClassifier(arch, len(dls.Vocab), r, models.HeadNeighbors(len(dls.Train.Items())))
	} else {
		m = models.NewClassifier(arch, len(dls.Vocab), r)
	}
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
