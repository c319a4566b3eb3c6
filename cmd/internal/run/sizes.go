package run

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// This file is --sizes: pictures that grow while a run goes on, and with them how much RandAugment changes them.

// SizeStage is how long a run trains on pictures of one size.
type SizeStage struct {
	Size   int // pixels
	Epochs int // 0 where --sizes does not say
}

// sizeOf reads a part of --sizes: SIZE or SIZE:EPOCHS.
var sizeOf = regexp.MustCompile(`^([0-9]{1,5})(?::([0-9]{1,6}))?$`)

// ParseSizes reads --sizes: SIZE,SIZE,… or SIZE:EPOCHS,SIZE:EPOCHS,…, of which the last may leave its
// epochs out.
func ParseSizes(s string) ([]SizeStage, error) {
	var stages []SizeStage
	parts := strings.Split(s, ",")
	with := 0
	for i, part := range parts {
		m := sizeOf.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return nil, fmt.Errorf("--sizes %s: must be sizes in pixels, such as 128,160,224, or each with its epochs, such as 128:3,160:3,224:2", s)
		}
		size, err := strconv.Atoi(m[1])
		if err != nil || size < 1 || size > 1<<12 {
			return nil, fmt.Errorf("--sizes %s: size %s must be 1 to 4096 pixels", s, m[1])
		}
		stage := SizeStage{Size: size}
		if m[2] != "" {
			if stage.Epochs, err = strconv.Atoi(m[2]); err != nil || stage.Epochs < 1 {
				return nil, fmt.Errorf("--sizes %s: %s epochs: must be 1 or more", s, m[2])
			}
			with++
		}
		if i > 0 && stages[i-1].Size == size {
			return nil, fmt.Errorf("--sizes %s: %d is there twice in a row", s, size)
		}
		stages = append(stages, stage)
	}
	if n := len(stages); with > 0 && with < n && (with < n-1 || stages[n-1].Epochs > 0) {
		return nil, fmt.Errorf("--sizes %s: give the epochs of all sizes, of all but the last, or of none", s)
	}
	return stages, nil
}

// SizeStages returns the sizes of the run's training pictures with their epochs, frozen ones included; nil
// where all are of Size. Without epochs in --sizes, they are divided equally, the last size having the
// odd ones.
func (c Config) SizeStages() ([]SizeStage, error) {
	if c.Sizes == "" {
		return nil, nil
	}
	stages, err := ParseSizes(c.Sizes)
	if err != nil {
		return nil, err
	}
	epochs, k := c.Epochs+c.FreezeEpochs, len(stages)
	if epochs < k {
		return nil, fmt.Errorf("--sizes %s: %d sizes need as many epochs, and the run has %d, frozen ones included", c.Sizes, k, epochs)
	}
	if stages[0].Epochs == 0 {
		for i := range stages {
			stages[i].Epochs = epochs / k
		}
		stages[k-1].Epochs += epochs % k
		return stages, nil
	}
	left := epochs
	for _, s := range stages {
		left -= s.Epochs
	}
	last := &stages[k-1]
	switch {
	case last.Epochs == 0 && left > 0:
		last.Epochs = left
	case last.Epochs == 0:
		return nil, fmt.Errorf("--sizes %s: of the run's %d epochs, frozen ones included, none are left for size %d", c.Sizes, epochs, last.Size)
	case left != 0:
		return nil, fmt.Errorf("--sizes %s: these are %d epochs, and the run has %d, frozen ones included (--epochs %d, --freeze-epochs %d)", c.Sizes, epochs-left, epochs, c.Epochs, c.FreezeEpochs)
	}
	return stages, nil
}

// checkSizes reports the first value of --sizes that cannot be.
func (c Config) checkSizes(arch *models.Architecture) error {
	low, high, grows := c.magnitudes()
	if c.Sizes == "" {
		if grows {
			return fmt.Errorf("--auto-augment %s: a magnitude that grows from %d to %d follows --sizes, which is not given", c.AutoAugment, low, high)
		}
		return nil
	}
	stages, err := c.SizeStages()
	if err != nil {
		return err
	}
	for _, s := range stages {
		if s.Size < arch.MinSize {
			return fmt.Errorf("--sizes %s: %s needs pictures of %d pixels at least", c.Sizes, arch.Name, arch.MinSize)
		}
	}
	if last := stages[len(stages)-1].Size; last != c.Size {
		return fmt.Errorf("--sizes %s: it ends with %d, and --size is %d: leave --size out, which is the last of them", c.Sizes, last, c.Size)
	}
	return nil
}

// SettleSizes sets Size to the last of Sizes. given tells which flags were given.
func (c *Config) SettleSizes(given func(flag string) bool) error {
	if c.Sizes == "" {
		if given("sizes") {
			return errors.New(`--sizes "": give sizes in pixels, such as 128,160,224, or leave it out`)
		}
		return nil
	}
	stages, err := ParseSizes(c.Sizes)
	if err != nil {
		return err
	}
	last := stages[len(stages)-1].Size
	if given("size") && c.Size != last {
		return fmt.Errorf("--size %d: --sizes %s ends with %d, which is the model's: leave --size out", c.Size, c.Sizes, last)
	}
	c.Size = last
	return nil
}

// FirstStage returns the settings of a run that is all like the beginning of this one: pictures of the
// first of Sizes.
func (c Config) FirstStage() (Config, error) {
	if c.Sizes == "" {
		return c, nil
	}
	stages, err := ParseSizes(c.Sizes)
	if err != nil {
		return c, err
	}
	return c.atSize(stages[0].Size, 0), nil
}

// atSize returns the settings with pictures of a size, of which a share of the sizes before the last have passed.
func (c Config) atSize(size int, share float64) Config {
	if low, high, grows := c.magnitudes(); grows {
		operations, _, _ := strings.Cut(c.AutoAugment, ",")
		c.AutoAugment = fmt.Sprintf("%s,%d", operations, low+int(math.Round(share*float64(high-low))))
	}
	c.Size, c.Sizes = size, ""
	return c
}

// growing is RandAugment with two magnitudes: at the first size and at the last.
var growing = regexp.MustCompile(`^randaugment:[0-9]+,([0-9]{1,4})-([0-9]{1,4})$`)

// magnitudes returns the magnitudes of --auto-augment at the first of --sizes and at the last, where it has two.
func (m Mixing) magnitudes() (low, high int, grows bool) {
	at := growing.FindStringSubmatch(m.AutoAugment)
	if at == nil {
		return 0, 0, false
	}
	low, err1 := strconv.Atoi(at[1])
	high, err2 := strconv.Atoi(at[2])
	return low, high, err1 == nil && err2 == nil
}

// stages returns what the learner trains on by epochs.
func (c Config) stages(dls *data.DataLoaders) ([]train.Stage, error) {
	sizes, err := c.SizeStages()
	if err != nil {
		return nil, err
	}
	var stages []train.Stage
	for i, s := range sizes {
		items, batch, err := c.atSize(s.Size, float64(i)/float64(max(len(sizes)-1, 1))).transforms()
		if err != nil {
			return nil, fmt.Errorf("--sizes %s: %w", c.Sizes, err)
		}
		dl, err := dls.Train.With(func(l *data.LoaderConfig) { l.ItemTransforms, l.BatchTransforms = items, batch })
		if err != nil {
			return nil, fmt.Errorf("--sizes %s: %w", c.Sizes, err)
		}
		stages = append(stages, train.Stage{Epochs: s.Epochs, Size: s.Size, Train: dl})
	}
	return stages, nil
}

// transforms returns what is done to the pictures.
func (c Config) transforms() (data.ItemTransform, vision.AugTransforms, error) {
	first, batch, err := vision.Transforms(c.Preprocess(), c.augmentation())
	if err != nil {
		return nil, batch, err
	}
	items, err := c.automatic(first)
	return items, batch, err
}
