package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
)

// This file is train --head-only: the body stays as it is, and a head is fitted to the features
// that it has of the training pictures.

// The values of Config.HeadOnly.
const (
	headLinear      = "linear"
	headNearestMean = "nearest-mean"
	headNeighbors   = "knn"
)

// HeadOfFit returns what head the run's --head-only fits, as Head has it.
func (c Config) HeadOfFit() string {
	if c.HeadOnly == headNeighbors {
		return models.NeighborsHead
	}
	return models.LinearHead
}

// stepFlags are those that say how epochs are trained, of which --head-only has none.
var stepFlags = strings.Fields(`epochs freeze-epochs lr schedule sizes layer-decay batch shards min-scale augment train-bn mixup auto-augment cutmix random-erase
	balance loss class-weights label-smoothing patience save-best monitor optimizer momentum sqr-mom eps l2 nesterov ema ema-warmup clip-norm
	warmup-epochs warmup-lr min-lr drop-path distill distill-alpha distill-temperature distill-hard distill-size head from checkpoint-every checkpoint-keep`)

// CheckHeadOnly reports what does not go with --head-only. changed tells which flags were given.
func (c Config) CheckHeadOnly(changed func(string) bool, ranks int) error {
	if c.HeadOnly == "" {
		return nil
	}
	switch {
	case c.HeadOnly != headLinear && c.HeadOnly != headNearestMean && c.HeadOnly != headNeighbors:
		return fmt.Errorf("--head-only %s: must be linear, nearest-mean or knn", c.HeadOnly)
	case changed("from"):
		return errors.New("--from goes on with a model's head, and --head-only fits a new one: give the model to --weights, which takes its body")
	case c.Weights == "none":
		return errors.New("--weights none: --head-only leaves the body as it is, and a random one has nothing to say of pictures")
	case c.TaskName == regression && c.HeadOnly != headLinear:
		return fmt.Errorf("--head-only %s: is for classes, not for --task %s: give --head-only linear", c.HeadOnly, c.TaskName)
	case c.TaskName == regression && c.Range != "":
		return fmt.Errorf("--range %s: --head-only fits numbers by a ridge regression, whose answers have no bounds: leave the range out", c.Range)
	case c.HeadOnly != headLinear && c.SeveralLabels():
		return fmt.Errorf("--head-only %s: is for one label a picture; for several give --head-only linear", c.HeadOnly)
	case c.HeadOnly != headLinear && changed("weight-decay"):
		return fmt.Errorf("--weight-decay: --head-only %s has no weights to decay: leave it out, or give --head-only linear", c.HeadOnly)
	case ranks > 1:
		return errors.New("--head-only is not divided among ranks: run it on one")
	}
	if i := slices.IndexFunc(stepFlags, changed); i >= 0 {
		return fmt.Errorf("--%s is about training in epochs, and --head-only fits the head at once: leave one of them out", stepFlags[i])
	}
	return nil
}

// Extractor returns the extractor of the features that the body of a model has of pictures prepared as pre says.
// What happens to damaged ones the run says.
func (c Config) Extractor(model *models.Classifier, pre preprocess.Config, o features.Options) (*features.Extractor, error) {
	if c.Damaged == "skip" {
		o.Damaged = data.SkipDamaged
	}
	return features.New(model, pre, o)
}

// FitHead fits the head of the run's learner to the features of its training pictures, without
// augmentation, and judges it by those of the validation pictures: features that are kept are not computed again.
func (c Config) FitHead(ctx context.Context, l *train.Learner, o features.Options) error {
	x, err := c.Extractor(l.Model, c.Preprocess(), o)
	if err != nil {
		return err
	}
	var head features.Scorer
	fit := func(ctx context.Context) (float64, error) {
		of, y, err := featuresOf(ctx, x, l.DLs.Train)
		if err != nil {
			return 0, err
		}
		if head, err = c.SolveHead(ctx, of.Values, y, len(l.DLs.Vocab)); err != nil {
			return 0, err
		}
		return putHead(l.Model, head), nil
	}
	validate := func(ctx context.Context) (train.Result, error) {
		of, y, err := featuresOf(ctx, x, l.DLs.Valid)
		if err != nil {
			return train.Result{}, err
		}
		s, err := head.Scores(of.Values)
		if err != nil {
			return train.Result{}, err
		}
		return l.ValidateScores(s, y)
	}
	return l.FitBy(ctx, fit, validate)
}

// featuresOf returns the features of a loader's pictures and the pictures' targets.
func featuresOf(ctx context.Context, x *features.Extractor, dl *data.Loader) (*features.Features, target.Targets, error) {
	of, err := x.Of(ctx, dl.Config().Source, dl.Items())
	if err != nil {
		return nil, target.Targets{}, err
	}
	return of, dl.Targets().Gather(of.Index), nil
}

// putHead writes a fitted head into the layers of the model that hold one of its kind, and returns its loss.
func putHead(model *models.Classifier, head features.Scorer) float64 {
	switch h := head.(type) {
	case *features.Neighbors:
		near, vote := model.NeighborsHead()
		h.Put(near.Weight.Value.Data, near.Bias.Value.Data, vote.Class)
		vote.Neighbors[0] = float32(h.Neighbors)
		return h.Loss
	case *features.Head:
		layer := model.LinearHead()
		copy(layer.Weight.Value.Data, h.Weight)
		copy(layer.Bias.Value.Data, h.Bias)
		return h.Loss
	}
	panic(fmt.Sprintf("no layers hold a head of type %T", head))
}

// SolveHead fits the head that the run asks for to the features [N,F] of pictures.
func (c Config) SolveHead(ctx context.Context, x *tensor.Tensor, y target.Targets, classes int) (features.Scorer, error) {
	linear := features.LinearOptions{WeightDecay: c.WeightDecay}
	switch {
	case c.HeadOnly == headNeighbors:
		return features.FitNeighbors(ctx, x, y, classes)
	case c.HeadOnly == headNearestMean:
		return features.FitNearestMean(x, y, classes)
	case c.TaskName == regression:
		return features.FitRidge(ctx, x, y, classes, linear)
	}
	return features.FitLinear(ctx, x, y, classes, linear)
}
