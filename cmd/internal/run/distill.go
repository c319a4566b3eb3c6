package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/pretrained"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/train"
)

// This file is --distill: a run that learns from a saved model besides the labels.

// Distillation are the settings of a run that learns from another model.
type Distillation struct {
	Distill            string  `json:"distill,omitempty"`        // the teacher, as pretrained.Open takes it; "" for none
	DistillDigest      uint32  `json:"distill_digest,omitempty"` // of the teacher's weights; see PrepareTeacher
	DistillAlpha       float64 `json:"distill_alpha,omitempty"`  // its share in the loss; 0 for defaultAlpha
	DistillTemperature float64 `json:"distill_temperature,omitempty"`
	DistillHard        bool    `json:"distill_hard,omitempty"` // its best class is a label
	DistillSize        int     `json:"distill_size,omitempty"` // of the pictures that it sees; 0 for its own
}

// What zero settings stand for.
const (
	defaultAlpha       = 0.5
	defaultTemperature = 3
)

// rule is how the teacher's scores count in the loss.
func (d Distillation) rule() loss.Distillation {
	return loss.Distillation{Alpha: cmp.Or(d.DistillAlpha, defaultAlpha), Temperature: cmp.Or(d.DistillTemperature, defaultTemperature), Hard: d.DistillHard}
}

// checkDistill reports the first setting that cannot be.
func (c Config) checkDistill() error {
	bad := func(flag string, value any, want string) error {
		return fmt.Errorf("--%s %v: %s", flag, value, want)
	}
	without := "is about learning from a model: give --distill MODEL too"
	switch d := c.Distillation; {
	case d.Distill == "" && d.DistillAlpha != 0:
		return bad("distill-alpha", d.DistillAlpha, without)
	case d.Distill == "" && d.DistillTemperature != 0:
		return bad("distill-temperature", d.DistillTemperature, without)
	case d.Distill == "" && d.DistillHard:
		return bad("distill-hard", true, without)
	case d.Distill == "" && d.DistillSize != 0:
		return bad("distill-size", d.DistillSize, without)
	case d.Distill == "":
		return nil
	case c.TaskName != "" || c.SeveralLabels():
		return bad("distill", d.Distill, "is for pictures with one class each, not for several labels or numbers")
	case !(d.DistillAlpha >= 0 && d.DistillAlpha <= 1):
		return bad("distill-alpha", d.DistillAlpha, "must be above 0, and 1 at most; 1 leaves the labels out")
	case !(d.DistillTemperature >= 0 && d.DistillTemperature <= 1000):
		return bad("distill-temperature", d.DistillTemperature, "must be above 0, and 1000 at most, such as 3")
	case d.DistillHard && d.DistillTemperature != 0:
		return bad("distill-temperature", d.DistillTemperature, "softens scores, and --distill-hard takes the best class alone: leave one of them out")
	case d.DistillSize < 0 || d.DistillSize > 1<<12:
		return bad("distill-size", d.DistillSize, "must be 1 to 4096 pixels; left out, it is the size that the teacher was trained with")
	}
	return nil
}

// PrepareTeacher brings the teacher to this machine, and notes what it is, or finds that it is another one than
// the run began with.
func (c *Config) PrepareTeacher(ctx context.Context, o pretrained.Options) error {
	if c.Distill == "" {
		return nil
	}
	t, err := c.teacher(ctx, o)
	if err != nil {
		return err
	}
	digest := t.Digest()
	if c.DistillDigest != 0 && c.DistillDigest != digest {
		return fmt.Errorf("--distill %s: the model is another one than the run began with: put the first one back", c.Distill)
	}
	c.DistillDigest = digest
	return nil
}

// teacher opens the model that the run learns from.
func (c Config) teacher(ctx context.Context, o pretrained.Options) (t train.Teacher, err error) {
	fail := func(err error) (train.Teacher, error) { return t, fmt.Errorf("--distill %s: %w", c.Distill, err) }
	name := c.local(c.Distill)
	if file, missing := FindModel(name); missing == nil {
		name = file
	} else if saved := pretrained.SavedModel(name); saved != "" && !isFile(saved) { // a folder of neither kind
		return t, fmt.Errorf("--distill: %w", missing)
	}
	model, info, err := pretrained.Open(ctx, name, o)
	if err != nil {
		return fail(err)
	}
	by, err := info.Decoder()
	if err != nil {
		return fail(err)
	}
	if by.Task.Name() != task.SingleLabel.Name() {
		return fail(fmt.Errorf("the model's task is %s: give one for pictures with one class each", by.Task.Name()))
	}
	size := cmp.Or(c.DistillSize, info.Preprocess.Size)
	if size > 0 && size < model.Arch.MinSize {
		return fail(fmt.Errorf("--distill-size %d: %s needs pictures of %d pixels at least", size, model.Arch.Name, model.Arch.MinSize))
	}
	if len(info.Vocab) == 0 {
		return fail(errors.New("the model does not name its classes, so that it cannot be told which is which: give one that does"))
	}
	return train.Teacher{Model: model, Vocab: info.Vocab, Size: size, Stats: info.Preprocess.Stats, Batch: c.Preprocess().Stats, Distillation: c.rule()}, nil
}

// taught returns the option of a learner that has a teacher, for data of these classes.
func (c Config) taught(ctx context.Context, classes []string) ([]train.Option, error) {
	if c.Distill == "" {
		return nil, nil
	}
	t, err := c.teacher(ctx, pretrained.Options{})
	if err != nil {
		return nil, err
	}
	if err := t.Knows(classes); err != nil {
		return nil, fmt.Errorf("--distill %s: %w", c.Distill, err)
	}
	return []train.Option{train.Distill(t)}, nil
}
