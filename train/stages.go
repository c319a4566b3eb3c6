package train

import (
	"fmt"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/tensor"
)

// This file is progressive resizing: a fit that begins with small pictures and ends with large ones.

// Stage is some epochs of a fit that train on pictures of one size.
type Stage struct {
	Epochs int // 1 or more
	Size   int // side of the pictures, in pixels, 1 or more
	// Train has the learner's training items in its batch size, at Size. It is made of the
	// learner's own by Loader.With, which shares decoded pictures:
	//
	//	small, err := dls.Train.With(func(c *data.LoaderConfig) { c.BatchTransforms = vision.AugTransforms{Size: 128} })
	//
	// nil stands for the learner's own.
	Train *data.Loader
}

// Stages lets a fit change the size of training pictures as it goes, usually from small to large: progressive
// resizing (fastai's book, chapter 7; Tan and Le 2021, https://arxiv.org/abs/2104.00298). The stages' epochs together are those of every fit of the learner, frozen
// ones included; learning rates follow the schedule of the whole fit, across the stages. Validation
// is at the size of DLs.Valid throughout, so that epochs can be compared, and so is what is saved.
//
// Before its first step, a fit runs a batch of the largest size forward and backward and forgets it: that
// there is not enough memory for it shows at once, and memory grows no more later.
func Stages(stages ...Stage) Option { return func(l *Learner) { l.Stages = stages } }

// describeStages names stages for a checkpoint; "" for none.
func describeStages(stages []Stage) string {
	var parts []string
	for _, s := range stages {
		parts = append(parts, fmt.Sprintf("%d for %d", s.Size, s.Epochs))
	}
	return strings.Join(parts, ", ")
}

// checkStages reports stages that are not those of the plan, or of the learner's data.
func (l *Learner) checkStages(plan []Phase) error {
	if len(l.Stages) == 0 {
		return nil
	}
	staged, planned := 0, 0
	for _, p := range plan {
		planned += p.Epochs
	}
	for i, s := range l.Stages {
		switch {
		case s.Epochs < 1 || s.Size < 1:
			return fmt.Errorf("train: stage %d has %d epochs at size %d: both must be 1 or more", i, s.Epochs, s.Size)
		case s.Size < l.Model.Arch.MinSize:
			return fmt.Errorf("train: stage %d: pictures of %d×%d are too small for %s, which needs %d×%d at least", i, s.Size, s.Size, l.Model.Arch.Name, l.Model.Arch.MinSize, l.Model.Arch.MinSize)
		case s.Train != nil && (s.Train.BatchSize() != l.DLs.Train.BatchSize() || s.Train.Len() != l.DLs.Train.Len() || len(s.Train.Items()) != len(l.DLs.Train.Items())):
			return fmt.Errorf("train: stage %d has %d pictures in batches of %d, the learner %d in batches of %d: make its loader by DLs.Train.With, and change only the transforms",
				i, len(s.Train.Items()), s.Train.BatchSize(), len(l.DLs.Train.Items()), l.DLs.Train.BatchSize())
		}
		staged += s.Epochs
	}
	if staged != planned {
		return fmt.Errorf("train: the stages (%s) have %d epochs together, the fit has %d", describeStages(l.Stages), staged, planned)
	}
	return nil
}

// stageAt returns the stage of an epoch, which counts through all phases of the plan; ok is false
// for a learner without stages.
func (l *Learner) stageAt(epoch int) (s Stage, ok bool) {
	for _, s = range l.Stages {
		if epoch -= s.Epochs; epoch < 0 {
			return s, true
		}
	}
	return s, len(l.Stages) > 0
}

// trainLoader returns what an epoch trains on; epochs count through all phases of the plan.
func (l *Learner) trainLoader(epoch int) *data.Loader {
	if s, ok := l.stageAt(epoch); ok && s.Train != nil {
		return s.Train
	}
	return l.DLs.Train
}

// planEpoch is the number of the current epoch, through all phases of the plan under way. A phase that
// a callback has ended early counts whole.
func (l *Learner) planEpoch() int {
	n := l.Epoch
	for _, p := range l.plan[:min(l.Phase, len(l.plan))] {
		n += p.Epochs
	}
	return n
}

// enterStage sets what callbacks see of the current epoch's stage.
func (l *Learner) enterStage() {
	s, _ := l.stageAt(l.planEpoch())
	l.Size = s.Size
}

// rehearse runs a batch of the stages' largest pictures forward and backward, with all the layers that the plan
// ever trains, and leaves nothing behind but the memory for it.
func (l *Learner) rehearse(plan []Phase) error {
	largest := 0
	for _, s := range l.Stages {
		largest = max(largest, s.Size)
	}
	if largest == 0 || len(plan) == 0 {
		return nil
	}
	frozen := l.frozenTo
	lowest := frozen
	for _, p := range plan {
		if p.FreezeTo == nil {
			continue
		}
		to := *p.FreezeTo
		if to < 0 {
			to += len(l.groups)
		}
		lowest = min(lowest, max(to, 0))
	}
	l.frozenTo = lowest
	l.setTrainable()
	defer func() {
		l.frozenTo = frozen
		l.setTrainable()
	}()
	n := max(l.DLs.Train.BatchSize()/l.Shards, l.minBatch())
	x := tensor.New(n, largest, largest, 3)
	if l.teaching != nil {
		if err := l.teaching.look(x); err != nil {
			return err
		}
	}
	before := l.state.Snapshot()
	defer l.state.Restore(before)
	defer l.tape.Reset()
	tp := l.tape
	tp.Record, tp.Training, tp.Profile = true, true, nil
	tp.Rand = l.random(streamDropout)
	out, err := l.programFor().Forward(tp, tp.Input(x, false))
	if err != nil {
		return fmt.Errorf("train: a batch of %d pictures of %d×%d: %w", n, largest, largest, err)
	}
	tp.Backward(out, tensor.New(out.Value.Shape...))
	l.state.ZeroGrad()
	return nil
}
