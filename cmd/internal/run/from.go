package run

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/train"
)

// This file is train --from: a run that goes on from a saved model.

// ContinueFrom takes over what the model of From says about itself: its
// architecture, how pictures are prepared for it, and the form of its head. given
// says which settings a flag asks for, by the flag's name; these stay, and the
// notes say that they are not the model's.
func (c *Config) ContinueFrom(given func(flag string) bool) (notes []string, err error) {
	if c.From, err = FindModel(c.From); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	model, info, err := models.Load(c.From)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if err := c.digestFrom(); err != nil {
		return nil, err
	}
	pre := info.Preprocess
	c.Arch = info.Arch
	for _, n := range []string{
		takeOver(given("presize"), "presize", &c.Presize, pre.Presize),
		takeOver(given("size"), "size", &c.Size, pre.Size),
		takeOver(given("resize"), "resize", &c.Resize, pre.Method),
		takeOver(given("interpolation"), "interpolation", &c.Interpolation, pre.Interpolation),
		takeOver(given("crop-pct"), "crop-pct", &c.CropPct, pre.CropPct),
	} {
		if n != "" {
			notes = append(notes, n)
		}
	}
	c.Stats = nil
	if pre.Stats != model.Arch.Stats() {
		c.Stats = &pre.Stats
		notes = append(notes, fmt.Sprintf("pictures are normalized as the model of --from was trained: mean %v, standard deviation %v", pre.Mean, pre.Std))
	}
	if c.RawEXIF = pre.RawEXIF; c.RawEXIF {
		notes = append(notes, "the EXIF orientation of pictures is left unapplied, as the model of --from was trained")
	}
	if info.Temperature != 0 && !c.Calibrate {
		notes = append(notes, "the temperature of the model of --from is not the new model's, whose scores are others: give --calibrate to fit one")
	}
	if info.Abstention != nil && c.Abstain == "" {
		notes = append(notes, "the model of --from answers unknown below a score, and the new model, whose scores are others, does not: give --abstain")
	}
	if info.Strangeness != nil && c.Strangeness == 0 {
		notes = append(notes, "the model of --from measures how strange pictures are, and the new model, whose features are others, does not: give --strangeness")
	}
	if info.Conformal != nil && c.Conformal == 0 {
		notes = append(notes, "the model of --from makes sets of classes with a coverage, and the new model, whose scores are others, does not: give --conformal")
	}
	if _, vote := model.NeighborsHead(); vote != nil {
		return nil, fmt.Errorf("--from %s: its head is the nearest pictures' vote, which is not trained in steps: give the model to --weights, which takes its body, or fit a head anew with --head-only", c.From)
	}
	c.Head, c.HeadWidth, c.HeadDropout = info.Head, headWidth(model), info.HeadDropout
	return notes, nil
}

// takeOver gives v the model's value, unless a flag has given it another; then it
// returns a note.
func takeOver[T comparable](given bool, flag string, v *T, model T) (note string) {
	if !given {
		*v = model
	} else if *v != model {
		return fmt.Sprintf("--%s %v: the model of --from was trained with %v, and goes on with this, as the flag asks", flag, *v, model)
	}
	return ""
}

// headWidth is the width of a model's head of fastai's form where it is not fastai's,
// else 0.
func headWidth(model *models.Classifier) int {
	if model.OwnHead || model.LinearHead() != nil {
		return 0
	}
	width := func(head nn.Module) int {
		for _, e := range nn.Parameters(head) {
			if e.Kind == nn.LinearWeight {
				return e.Shape[0] // the first layer's outputs
			}
		}
		return 0
	}
	if w := width(model.Head); w != width(models.NewHead(1, 1, nil)) {
		return w
	}
	return 0
}

// likeFrom returns a classifier of the form that the model of From has, without values.
func (c Config) likeFrom(arch *models.Architecture, classes int) *models.Classifier {
	if c.Head == models.OwnHead {
		return models.NewOwnHead(arch, classes, nil)
	}
	var o []models.HeadOption
	if c.Head == models.LinearHead {
		o = append(o, models.HeadLinear())
	}
	if c.HeadWidth > 0 {
		o = append(o, models.HeadWidth(c.HeadWidth))
	}
	if c.HeadDropout != nil {
		o = append(o, models.HeadDropout(*c.HeadDropout))
	}
	return models.NewClassifier(arch, classes, nil, o...)
}

// maxHeadWidth bounds the width of a head in a file of settings: fastai's is 512.
const maxHeadWidth = 1 << 16

// checkModel reports a setting of the model of From that cannot be. They are in
// files only, so that no flag is named.
func (c Config) checkModel() error {
	if c.Stats != nil {
		if err := c.Stats.Check(); err != nil {
			return fmt.Errorf("stats: %w", err)
		}
	}
	if c.HeadWidth < 0 || c.HeadWidth > maxHeadWidth {
		return fmt.Errorf("head_width %d: must be 0 (fastai's) to %d", c.HeadWidth, maxHeadWidth)
	}
	if p := c.HeadDropout; p != nil && !(*p >= 0 && *p <= 1) {
		return fmt.Errorf("head_dropout %v: must be a probability, 0 to 1", *p)
	}
	return nil
}

// continued builds a learner whose model is the saved one of From. It is frozen,
// as one with pretrained weights is.
func (c Config) continued(dls *data.DataLoaders, opts []train.Option) (*train.Learner, error) {
	model, info, err := models.Load(c.local(c.From))
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	by, err := info.Decoder()
	if err != nil {
		return nil, fmt.Errorf("--from %s: %w", c.From, err)
	}
	if by.Task.Name() != dls.Task().Name() {
		return nil, fmt.Errorf("--from %s: the model's task is %s, the data's %s: go on with data of its task", c.From, by.Task.Name(), dls.Task().Name())
	}
	if !slices.Equal(info.Vocab, dls.Vocab) {
		if model, err = c.grown(dls, model, info); err != nil {
			return nil, err
		}
	}
	l, err := train.New(dls, model, opts...)
	if err != nil {
		return nil, err
	}
	return l, l.Freeze()
}

// digestFrom fills in FromDigest. The random streams of a run that goes on from a
// saved model are shifted by it: with the seed of the run that made the model
// (the natural thing to give), they would repeat its augmentation and dropout,
// and the network would train on pictures that it has just learned by heart.
//
// It is a digest of the weights alone. The description beside them names files
// and folders, and a run must not depend on how those were called.
func (c *Config) digestFrom() error {
	f, _, err := files.Open(c.From)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer f.Close()
	h := crc32.NewIEEE()
	var length [8]byte // of a safetensors file's header, which comes before the weights
	if _, err = io.ReadFull(f, length[:]); err == nil {
		if n := binary.LittleEndian.Uint64(length[:]); n < 1<<40 {
			_, err = f.Seek(int64(n), io.SeekCurrent)
		}
	}
	if err == nil {
		_, err = io.Copy(h, f)
	}
	if err != nil {
		return fmt.Errorf("--from %s: %w", c.From, err)
	}
	c.FromDigest = max(h.Sum32(), 1)
	return nil
}
