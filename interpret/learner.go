package interpret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// FromLearner predicts the learner's validation set in evaluation mode and
// returns the table (fastai's ClassificationInterpretation.from_learner). A
// damaged picture that the loader leaves out has no row.
func FromLearner(ctx context.Context, l *train.Learner) (*Table, error) {
	if l.DLs == nil || l.DLs.Valid == nil || len(l.DLs.Valid.Items()) == 0 {
		return nil, errors.New("interpret: the learner has no validation set; predict other pictures with FromLoader")
	}
	return FromLoader(ctx, l, l.DLs.Valid)
}

// FromTTA is FromLearner with test-time augmentation, fastai's tta: the mean of
// n passes under training transforms, moved by beta towards the plain
// prediction. fastai's defaults are n = 4 and beta = 0.25.
func FromTTA(ctx context.Context, l *train.Learner, n int, beta float64) (*Table, error) {
	if l.DLs == nil || l.DLs.Valid == nil || len(l.DLs.Valid.Items()) == 0 {
		return nil, errors.New("interpret: the learner has no validation set")
	}
	p, err := l.TTA(ctx, nil, n, beta)
	if err != nil {
		return nil, fmt.Errorf("interpret: %w", err)
	}
	return fromPreds(l, l.DLs.Valid, p)
}

// FromLoader is FromLearner for a loader of choice, such as
// l.DLs.Train.WithTransforms(false) or one of l.DLs.LabeledLoader. It must
// have labels.
func FromLoader(ctx context.Context, l *train.Learner, dl *data.Loader) (*Table, error) {
	if dl == nil || !dl.Targets().Known() {
		return nil, errors.New("interpret: the loader has no labels to compare predictions with")
	}
	get := l.GetPreds
	if l.Temperature != 0 {
		get = l.GetLogits
	}
	p, err := get(ctx, dl)
	if err != nil {
		return nil, fmt.Errorf("interpret: %w", err)
	}
	t, err := fromPreds(l, dl, p)
	if err != nil || p.Logits == nil {
		return t, err
	}
	if err := l.DLs.Task().Activate(p.Logits, p.Logits); err != nil {
		return nil, fmt.Errorf("interpret: %w", err)
	}
	classes := l.Model.Classes
	for i := range t.Rows {
		t.Rows[i].Unscaled = p.Logits.Data[i*classes : (i+1)*classes : (i+1)*classes]
	}
	return t, nil
}

func fromPreds(l *train.Learner, dl *data.Loader, p *train.Preds) (*Table, error) {
	items, classes := dl.Items(), len(l.DLs.Vocab)
	paths, probs := make([]string, len(p.Index)), make([][]float32, len(p.Index))
	for i, k := range p.Index {
		paths[i] = items[k].Path
		probs[i] = p.Probs.Data[i*classes : (i+1)*classes : (i+1)*classes]
	}
	return NewTaskTable(l.Decoder(), paths, p.Targets, probs, p.Losses)
}

// ModelBlock returns plan changed so that its pictures reach the network as the
// saved model's description says: its task, its vocabulary, its resizing and its
// normalization. Augmentation stays, if it is vision.AugTransforms, and matters
// for test-time augmentation only. Training batches become single pictures.
func ModelBlock(plan data.Block, info models.Info) (data.Block, error) {
	pre := info.Preprocess
	plan.Vocab = info.Vocab
	t, err := task.ByName(info.Task)
	if err != nil {
		return plan, fmt.Errorf("interpret: the model's description: %w", err)
	}
	plan.Task = t
	// The training part may be smaller than a batch: nothing trains on it.
	plan.ValidBatchSize = cmp.Or(plan.ValidBatchSize, plan.BatchSize, 64)
	plan.BatchSize = 1
	augment, _ := plan.BatchTransforms.(vision.AugTransforms) // for test time
	item, batch, err := vision.Transforms(pre, augment)
	if err != nil {
		return plan, fmt.Errorf("interpret: the model's preprocessing: %w", err)
	}
	plan.ItemTransforms, plan.BatchTransforms = item, batch
	plan.Items = vision.Oriented(plan.Items, pre.RawEXIF)
	return plan, nil
}

// FromModel judges a saved model on the pictures of a folder: plan says where
// they are, what they are called and which count as validation (data.AllValid
// for all of them); their classes must be in the model's vocabulary. Besides
// the table it returns the learner that made it, for Look and for further
// loaders; close its DLs when done.
func FromModel(ctx context.Context, model *models.Classifier, info models.Info, plan data.Block, root string) (*Table, *train.Learner, error) {
	l, err := ModelLearner(ctx, model, info, plan, root)
	if err != nil {
		return nil, nil, err
	}
	t, err := FromLearner(ctx, l)
	if err != nil {
		return nil, nil, errors.Join(err, l.DLs.Close())
	}
	return t, l, nil
}

// ModelLearner returns a learner for a saved model on the loaders of plan, set up
// by ModelBlock. It is for looking, not for training. Of the options, train.Distributed lets ranks
// share its predictions.
func ModelLearner(ctx context.Context, model *models.Classifier, info models.Info, plan data.Block, root string, opts ...train.Option) (*train.Learner, error) {
	plan, err := ModelBlock(plan, info)
	if err != nil {
		return nil, err
	}
	dls, err := plan.DataLoaders(ctx, root)
	if err != nil {
		return nil, err
	}
	l, err := train.New(dls, model, opts...)
	if err != nil {
		return nil, errors.Join(err, dls.Close())
	}
	l.Thresholds, l.Temperature, l.Abstention, l.Conformal, l.Strangeness = info.Thresholds, info.Temperature, info.Abstention, info.Conformal, info.Strangeness
	return l, nil
}

// OpenFrom returns an Opener that reads pictures from a source of items, such
// as DataLoaders.Block.Items.
func OpenFrom(src data.Source) Opener {
	return func(path string) (image.Image, error) {
		m, err := src.Open(data.Item{Path: path})
		if err != nil {
			return nil, err
		}
		defer m.Free()
		return vision.ToImage(m), nil
	}
}
