package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// lossGrad returns the batch's loss and its gradient with respect to logits.
func (l *Learner) lossGrad(out *autograd.Variable) (float64, *tensor.Tensor, error) {
	if l.dlogits == nil || !tensor.SameShape(l.dlogits.Shape, out.Value.Shape) {
		l.dlogits = tensor.New(out.Value.Shape...)
	}
	v, err := l.Loss.ForwardBackward(out.Value, l.Targets, nil, l.dlogits)
	if err == nil {
		v, err = l.learnFromTeacher(out.Value, v, l.dlogits)
	}
	return v, l.dlogits, err
}

// Result is what a validation found.
type Result struct {
	Loss    float64   // mean over the pictures
	Metrics []float64 // of Learner.Metrics, in order
	Items   int       // pictures judged
}

// Validate measures loss and metrics on the validation set, in evaluation
// mode, of the network's own scores, as training needs them: the Temperature does not
// count. The loss is the mean over pictures: batch means weighted by batch
// size, as fastai averages them.
func (l *Learner) Validate(ctx context.Context) (Result, error) {
	if l.DLs == nil || l.DLs.Valid == nil {
		return Result{}, errors.New("train: there is no validation set")
	}
	return l.ValidateOn(ctx, l.DLs.Valid)
}

// ValidateOn is Validate on a loader of choice, whose items must have labels.
func (l *Learner) ValidateOn(ctx context.Context, dl *data.Loader) (Result, error) {
	var res Result
	if !dl.Targets().Known() {
		return res, errors.New("train: the loader has no labels to judge by")
	}
	for _, m := range l.Metrics {
		m.Reset()
	}
	err := l.predictEach(ctx, dl, 0, func(b *data.Batch, logits *tensor.Tensor) error { return l.judge(&res, logits, b.Y) })
	if err != nil {
		return res, err
	}
	l.conclude(&res)
	return res, nil
}

// ValidateScores is Validate for scores [N,C] that the model is known to have of N pictures, whose targets are y:
// where its head was applied to features that are kept, no picture need be seen again. Probabilities take the scores' place.
func (l *Learner) ValidateScores(scores *tensor.Tensor, y target.Targets) (Result, error) {
	var res Result
	n, c := y.Len(), l.Model.Classes
	if n == 0 || !tensor.SameShape(scores.Shape, []int{n, c}) {
		return res, fmt.Errorf("train: scores of shape %v for %d pictures and %d classes", scores.Shape, n, c)
	}
	for _, m := range l.Metrics {
		m.Reset()
	}
	for from := 0; from < n; {
		to := min(from+l.DLs.Valid.BatchSize(), n)
		if err := l.judge(&res, tensor.FromSlice(scores.Data[from*c:to*c], to-from, c), y.Slice(from, to)); err != nil {
			return res, err
		}
		from = to
	}
	l.conclude(&res)
	return res, nil
}

// judge adds a batch to what a validation found. Probabilities take the scores' place.
func (l *Learner) judge(res *Result, scores *tensor.Tensor, y target.Targets) error {
	v, err := l.batchTotal(scores, y)
	if err != nil {
		return err
	}
	res.Loss += v
	res.Items += y.Len()
	if err := l.DLs.Task().Activate(scores, scores); err != nil {
		return err
	}
	for _, m := range l.Metrics {
		if err := m.Update(scores, y); err != nil { // probabilities by now
			return err
		}
	}
	return nil
}

// conclude turns sums over all batches into means.
func (l *Learner) conclude(res *Result) {
	res.Loss /= float64(res.Items)
	for _, m := range l.Metrics {
		res.Metrics = append(res.Metrics, m.Value())
	}
}

// batchTotal returns the sum of the batch's losses, which for a mean is the mean
// times the batch size.
func (l *Learner) batchTotal(logits *tensor.Tensor, y target.Targets) (float64, error) {
	reduction := l.Loss.Reduce()
	var items []float32
	if reduction == loss.None {
		items = make([]float32, y.Len())
	}
	v, err := l.Loss.Forward(logits, y, items)
	switch reduction {
	case loss.Mean:
		v *= float64(y.Len())
	case loss.None:
		v = 0
		for _, x := range items {
			v += float64(x)
		}
	}
	return v, err
}

// predictEach runs the model in evaluation mode over one epoch of dl. Several ranks share
// the work, and each is called with all batches, in their order, on all of them; those of other ranks
// have no pictures.
func (l *Learner) predictEach(ctx context.Context, dl *data.Loader, epoch int, each func(b *data.Batch, logits *tensor.Tensor) error) error {
	inf := nn.CompileIn(l.Model, l.arena)
	defer inf.Release()
	src := l.feed(ctx, dl, epoch, 0, l.batchShare())
	defer src.close()
	if l.group.Size() > 1 {
		return l.onRanks(func() error { return l.predictTogether(ctx, inf, dl, src, each) })
	}
	for n := range dl.Len() {
		b, logits, err := l.predictBatch(ctx, inf, dl, src, n)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		err = each(b, logits)
		b.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// predictBatch runs the model on batch n of dl; b is nil when all its pictures were left
// out. The caller releases b; logits are the model's until it runs again.
func (l *Learner) predictBatch(ctx context.Context, inf *nn.Inference, dl *data.Loader, src source, n int) (b *data.Batch, logits *tensor.Tensor, err error) {
	if ctx.Err() != nil {
		return nil, nil, interrupted(ctx)
	}
	b, err = src.take(ctx, n, 0)
	if err != nil {
		return nil, nil, err
	}
	if l.nextEpoch > 0 && n+l.group.Size() >= dl.Len() { // the last one of this rank
		l.prefetch(ctx, l.trainLoader(l.planEpoch()+1), l.nextEpoch, l.trainShare())
	}
	if b == nil {
		return nil, nil, nil
	}
	if logits, err = inf.Run(b.X); err != nil {
		b.Release()
		return nil, nil, err
	}
	return b, logits, nil
}

// Preds are predictions for the items of a loader, row i for item Index[i].
type Preds struct {
	Index   []int          // the loader's item of each row: 0, 1, … without damaged pictures
	Probs   *tensor.Tensor // [N,classes]
	Targets target.Targets // what each item is; not Known when the loader has no labels
	Losses  []float32      // of each item, nil without labels
	Logits  *tensor.Tensor // [N,classes], the network's own scores; nil but for GetLogits
}

// GetPreds returns probabilities for every item of dl (nil: the validation
// set) in evaluation mode, with the loss of each where there are labels
// (fastai's get_preds(with_loss=True)). Both are of scores divided by the learner's
// Temperature.
func (l *Learner) GetPreds(ctx context.Context, dl *data.Loader) (*Preds, error) {
	return l.preds(ctx, dl, 0, false)
}

// GetLogits is GetPreds with the network's own scores besides, as they are before the
// Temperature.
func (l *Learner) GetLogits(ctx context.Context, dl *data.Loader) (*Preds, error) {
	return l.preds(ctx, dl, 0, true)
}

func (l *Learner) preds(ctx context.Context, dl *data.Loader, epoch int, logitsToo bool) (*Preds, error) {
	if dl == nil {
		if dl = l.DLs.Valid; dl == nil {
			return nil, errors.New("train: there is no validation set")
		}
	}
	p := &Preds{Probs: tensor.New(0, l.Model.Classes)}
	if logitsToo {
		p.Logits = tensor.New(0, l.Model.Classes)
	}
	by := l.Decoder()
	err := l.predictEach(ctx, dl, epoch, func(b *data.Batch, logits *tensor.Tensor) error {
		p.Index = append(p.Index, b.Index...)
		if logitsToo {
			p.Logits.Data = append(p.Logits.Data, logits.Data...)
		}
		by.Divide(logits)
		if b.Y.Known() {
			losses := make([]float32, b.Y.Len())
			if _, err := l.Loss.Forward(logits, b.Y, losses); err != nil {
				return err
			}
			p.Losses = append(p.Losses, losses...)
			p.Targets = p.Targets.Append(b.Y)
		}
		if err := l.DLs.Task().Activate(logits, logits); err != nil {
			return err
		}
		p.Probs.Data = append(p.Probs.Data, logits.Data...)
		return nil
	})
	p.Probs.Shape[0] = len(p.Index)
	if logitsToo {
		p.Logits.Shape[0] = len(p.Index)
	}
	return p, err
}

// TTA predicts with test-time augmentation (fastai's tta): the mean of n
// passes under training transforms, moved by beta towards the plain prediction.
// fastai's defaults are n = 4 and beta = 0.25. dl nil means the validation set.
func (l *Learner) TTA(ctx context.Context, dl *data.Loader, n int, beta float64) (*Preds, error) {
	if n < 1 || !(beta >= 0 && beta <= 1) {
		return nil, errors.New("train: TTA needs n >= 1 and beta between 0 and 1 (fastai: 4 and 0.25)")
	}
	plain, err := l.preds(ctx, dl, 0, false)
	if err != nil {
		return nil, err
	}
	if dl == nil {
		dl = l.DLs.Valid
	}
	augmented := dl.WithTransforms(true)
	sum := make([]float64, plain.Probs.Len())
	for i := range n {
		p, err := l.preds(ctx, augmented, i, false)
		if err != nil {
			return nil, err
		}
		for k, v := range p.Probs.Data {
			sum[k] += float64(v) / float64(n)
		}
	}
	for k, v := range sum {
		plain.Probs.Data[k] = float32(v + float64(beta*(float64(plain.Probs.Data[k])-v)))
	}
	c := l.Model.Classes
	for i := range plain.Losses {
		plain.Losses[i] = l.DLs.Task().ItemLoss(plain.Probs.Data[i*c:(i+1)*c], plain.Targets, i)
	}
	return plain, nil
}
