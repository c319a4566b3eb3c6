// Package run is what the command does, without its flags and its printing: a
// run's configuration as one serializable value, the loaders and the learner it
// stands for, its output folder, and its continuation after an interruption.
package run

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/internal/demo/drawnweights"
	"github.com/whippet-ml/whippet/internal/files"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train"
)

// Drawn is the name of the set that the program draws itself.
const Drawn = "drawn"

// Config is everything that determines a run's result. It is saved with the
// run, and a resumed run reads it from there.
type Config struct {
	Data         string                  `json:"data"`                    // a known set's name, an address, a folder, an archive, or "drawn"
	Arch         string                  `json:"arch"`                    // see models.Names
	Weights      string                  `json:"weights"`                 // default, none, or what pretrained.Find takes: a name, a file, a folder
	WeightsFixed string                  `json:"weights_fixed,omitempty"` // a name that stands for the same weights later too; "" where Weights does
	From         string                  `json:"from,omitempty"`          // a saved model to go on from, head included; then Arch is its and Weights means nothing
	FromDigest   uint32                  `json:"from_digest,omitempty"`   // of that model's file; see digestFrom
	Recipe       string                  `json:"recipe,omitempty"`        // of Recipes, for people: what it stands for is in the other settings
	Epochs       int                     `json:"epochs"`                  // after the frozen ones
	FreezeEpochs int                     `json:"freeze_epochs"`           // with only the head (and batch norms) training
	LR           string                  `json:"lr"`                      // base rate of fine-tuning, or a rate as schedule.ParseRate reads it
	Schedule     string                  `json:"schedule"`                // fine-tune, one-cycle, flat-cos, cosine, constant
	WeightDecay  float64                 `json:"weight_decay"`
	LayerDecay   float64                 `json:"layer_decay,omitempty"` // factor from each layer's learning rate to that of the one below; 0 for none
	Batch        int                     `json:"batch"`                 // 0 for data.DefaultBatchSize, or less with fewer pictures
	Shards       int                     `json:"shards,omitempty"`      // in a batch; 0 for 1
	Presize      int                     `json:"presize"`               // square that pictures are resized to first; 0 leaves that out
	Size         int                     `json:"size"`                  // side of the network's input
	Sizes        string                  `json:"sizes,omitempty"`       // of training pictures one after the other: see ParseSizes; Size is the last. "" for Size throughout
	Resize       preprocess.ResizeMethod `json:"resize"`                // how pictures become square
	// Interpolation and CropPct are those of preprocess.Config.
	Interpolation preprocess.Interpolation `json:"interpolation,omitempty"`
	CropPct       float64                  `json:"crop_pct,omitempty"`
	// Stats are those of the weights or of the model of From, where they are not the
	// architecture's; RawEXIF, HeadWidth and HeadDropout are of that model, where they are
	// not fastai's (see ContinueFrom). Head is the model's or --head's: models.OwnHead,
	// models.LinearHead, or "" for fastai's.
	Stats        *preprocess.Stats `json:"stats,omitempty"`
	RawEXIF      bool              `json:"ignore_exif,omitempty"`
	Head         string            `json:"head,omitempty"`
	HeadWidth    int               `json:"head_width,omitempty"`
	HeadDropout  *float64          `json:"head_dropout,omitempty"`
	MinScale     float64           `json:"min_scale"`             // of the random-resized crop
	Augment      bool              `json:"augment"`               // fastai's aug_transforms
	Label        string            `json:"label"`                 // regex:PATTERN, folder, csv:FILE[:COLUMN], or auto
	LabelDelim   string            `json:"label_delim,omitempty"` // what separates the labels in a table's column; "" for one label a picture
	TaskName     string            `json:"task,omitempty"`        // regression; "" where the labels say it
	Range        string            `json:"range,omitempty"`       // LOW,HIGH between which the numbers of regression lie; "" for any
	PathColumn   string            `json:"path_column,omitempty"` // of the table of csv:FILE: which column names the pictures; empty looks for it
	Valid        string            `json:"valid"`                 // a share, folder[:TRAIN,VALID], column:NAME, fold:K/N, or auto
	SplitSeed    uint64            `json:"split_seed"`            // of a random split
	Group        string            `json:"group,omitempty"`       // what no split parts: column:NAME, regex:PATTERN, folder, duplicates; "" for nothing
	Stratify     bool              `json:"stratify,omitempty"`    // keep the labels' shares on both sides of the split
	Balance      bool              `json:"balance,omitempty"`     // draw training pictures of all classes equally often
	Seed         uint64            `json:"seed"`                  // of initial weights, shuffling, augmentation and dropout
	Damaged      string            `json:"damaged"`               // error or skip
	TrainBN      bool              `json:"train_bn"`
	MixUp        float64           `json:"mixup"`                   // alpha, 0 for none
	Smoothing    float64           `json:"label_smoothing"`         // 0 for none
	Loss         string            `json:"loss,omitempty"`          // of those that suit the task; "" for its usual one
	ClassWeights string            `json:"class_weights,omitempty"` // auto, a table CLASS,WEIGHT, or "" for none
	Thresholds   string            `json:"thresholds,omitempty"`    // how those of several labels are chosen: see ThresholdRule
	HeadOnly     string            `json:"head_only,omitempty"`     // how a head alone is fitted to features: linear or nearest-mean; "" trains in epochs
	Calibrate    bool              `json:"calibrate,omitempty"`     // fit a temperature on the validation pictures when training has ended
	Abstain      string            `json:"abstain,omitempty"`       // when the model answers "unknown"; see AbstainRule
	Conformal    float64           `json:"conformal,omitempty"`     // share of pictures whose set of classes is to have the right one; 0 makes no sets
	Strangeness  float64           `json:"strangeness,omitempty"`   // share of the validation pictures that are not too strange to be answered; 0 measures none
	Patience     int               `json:"patience"`                // epochs without improvement after which to stop; 0 never
	SaveBest     bool              `json:"save_best"`               // keep the best epoch
	Monitor      string            `json:"monitor,omitempty"`       // what SaveBest and Patience go by: valid_loss (also ""), train_loss or a metric
	Metrics      string            `json:"metrics"`                 // names, separated by commas

	Updates
	Course
	Mixing
	Distillation

	// LRChanges are the learning rates with which the run was resumed, in
	// order; the last one counts, LR until the first.
	LRChanges []LRChange `json:"lr_changes,omitempty"`

	// Dir is the folder in which the run began: relative names of data and
	// weights are relative to it.
	Dir string `json:"dir,omitempty"`
}

// LRChange is a learning rate with which a run was resumed.
type LRChange struct {
	Step int    `json:"step"` // training steps done before it
	LR   string `json:"lr"`   // as Config.LR
}

// Rate returns the learning rate that counts now, as it was given.
func (c Config) Rate() string {
	if n := len(c.LRChanges); n > 0 {
		return c.LRChanges[n-1].LR
	}
	return c.LR
}

// ChangeLR notes that the run goes on after step with the learning rate lr. The
// error is Check's about lr.
func (c *Config) ChangeLR(step int, lr string) error {
	try := *c
	try.LRChanges = append(slices.Clip(c.LRChanges), LRChange{step, lr})
	if err := try.Check(); err != nil {
		return err
	}
	*c = try
	return nil
}

// number is a number in a learning rate as it is written.
var number = regexp.MustCompile(`[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?`)

// SmallerLR returns a tenth of the learning rate that counts now, written in the
// same form.
func (c Config) SmallerLR() string {
	return number.ReplaceAllStringFunc(c.Rate(), func(s string) string {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return s
		}
		return strconv.FormatFloat(v/10, 'g', 3, 64)
	})
}

// Default returns the configuration of `whippet train` without flags, except
// for the data: fastai's chapter on the pets.
func Default() Config {
	return Config{Arch: "resnet34", Weights: "default", Epochs: 2, FreezeEpochs: schedule.DefaultFreezeEpochs, LR: "2e-3", Schedule: "fine-tune", WeightDecay: new(optim.Adam).Defaults().WD,
		Presize: 460, Size: 224, Resize: preprocess.Crop, MinScale: 0.75, Augment: true, Label: "auto", Valid: "auto",
		SplitSeed: 42, Damaged: "error", TrainBN: true, Metrics: "error_rate"}
}

// DefaultDrawn returns the configuration of the run on the drawn set: a small
// network at a small size, so that it takes about a minute.
func DefaultDrawn() Config {
	c := Default()
	c.Data, c.Arch, c.Presize, c.Size, c.Batch, c.Epochs, c.LR = Drawn, drawnweights.Arch, 0, 112, 16, 8, "2e-2"
	return c
}

// Check reports the first value that cannot be.
func (c Config) Check() error {
	bad := func(flag string, value any, want string) error {
		return fmt.Errorf("--%s %v: %s", flag, value, want)
	}
	arch, err := models.ByName(c.Arch)
	if err != nil {
		return fmt.Errorf("--arch: %w", err)
	}
	rate, err := schedule.ParseRate(c.Rate())
	if err != nil {
		return fmt.Errorf("--lr: %w", err)
	}
	if rate.IsZero() {
		return bad("lr", `""`, "give a learning rate, such as 2e-3")
	}
	rates, err := rate.Groups(len(arch.Cuts) + 2)
	if err != nil { // every group begins at a cut, but for the first and the head
		return fmt.Errorf("--lr: %w", err)
	}
	_, number := c.baseLR()
	switch {
	case c.Weights == "":
		return bad("weights", `""`, "give default, none, a name or a file")
	case c.Head != "" && c.Head != models.OwnHead && c.Head != models.LinearHead && (c.Head != models.NeighborsHead || c.HeadOnly != headNeighbors):
		return bad("head", c.Head, "must be fastai, own or linear")
	case c.Epochs < 0 || c.Epochs > 100_000:
		return bad("epochs", c.Epochs, "must be 0 to 100000")
	case c.FreezeEpochs < 0 || c.FreezeEpochs > 100_000:
		return bad("freeze-epochs", c.FreezeEpochs, "must be 0 to 100000")
	case c.Epochs+c.FreezeEpochs == 0:
		return bad("epochs", 0, "with --freeze-epochs 0 there is nothing to train")
	case c.Schedule != "fine-tune" && c.Schedule != "one-cycle" && c.Schedule != "flat-cos" && c.Schedule != "cosine" && c.Schedule != "constant":
		return bad("schedule", c.Schedule, "must be fine-tune, one-cycle, flat-cos, cosine or constant")
	case c.Schedule == "fine-tune" && c.Still():
		return bad("lr", c.Rate(), "fine-tuning needs a rate above 0, from which those of all layer groups follow")
	case c.Schedule == "fine-tune" && !number:
		return bad("lr", c.Rate(), "fine-tuning takes one number, from which the rates of all layer groups follow; for others use --schedule one-cycle")
	case !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0):
		return bad("weight-decay", c.WeightDecay, "must be 0 or more")
	case !(c.LayerDecay >= 0 && c.LayerDecay <= 1):
		return bad("layer-decay", c.LayerDecay, "must be above 0, and 1 at most, such as 0.75; 0 for none")
	case c.LayerDecay != 0 && slices.Min(rates) != slices.Max(rates):
		return bad("layer-decay", c.LayerDecay, fmt.Sprintf("spreads the learning rate over the layers, and --lr %s over the layer groups: give --lr one number, the head's rate, or leave --layer-decay out", c.Rate()))
	case c.Batch < 0 || c.Batch > 1<<16:
		return bad("batch", c.Batch, fmt.Sprintf("must be 2 to 65536, or 0 for %d (less with fewer pictures)", data.DefaultBatchSize))
	case c.Batch == 1:
		return bad("batch", c.Batch, "batch norm needs at least 2 pictures in a batch to train: give 2 or more, and a smaller --size or --arch where memory is short")
	case c.Shards < 0 || c.Shards > 1<<16 || c.Shards&(c.Shards-1) != 0:
		return bad("shards", c.Shards, "must be a power of two, from 1 to 65536")
	case c.Presize < 0 || c.Presize > 1<<13:
		return bad("presize", c.Presize, "must be 0 (none) to 8192 pixels")
	case c.Size < 1 || c.Size > 1<<12:
		return bad("size", c.Size, "must be 1 to 4096 pixels")
	case c.Size < arch.MinSize:
		return bad("size", c.Size, fmt.Sprintf("%s needs pictures of %d pixels at least", arch.Name, arch.MinSize))
	case !(c.CropPct >= 0 && c.CropPct <= 1):
		return bad("crop-pct", c.CropPct, "must be above 0, and 1 at most; 0 prepares validation pictures with --presize, as fastai does")
	case c.CropPct > 0 && float64(c.Size)/c.CropPct > 1<<13:
		return bad("crop-pct", c.CropPct, fmt.Sprintf("pictures would be scaled to %.0f pixels; 8192 is the most: give a larger share", float64(c.Size)/c.CropPct))
	case c.CropPct > 0 && c.Resize == preprocess.Pad:
		return bad("crop-pct", c.CropPct, "goes with --resize crop or squish, not with pad")
	case !(c.MinScale > 0 && c.MinScale <= 1):
		return bad("min-scale", c.MinScale, "must be above 0, and 1 at most")
	case c.Damaged != "error" && c.Damaged != "skip":
		return bad("damaged", c.Damaged, "must be error or skip")
	case !(c.MixUp >= 0 && c.MixUp <= 100):
		return bad("mixup", c.MixUp, "must be 0 (none) to 100")
	case !(c.Smoothing >= 0 && c.Smoothing < 1):
		return bad("label-smoothing", c.Smoothing, "must be 0 or more, and below 1")
	case c.Patience < 0:
		return bad("patience", c.Patience, "must be 0 (never) or more")
	}
	if err := c.CheckShards(c.Batch, 1); err != nil {
		return err
	}
	if c.Recipe != "" {
		if _, err := RecipeNamed(c.Recipe); err != nil {
			return err
		}
	}
	if err := c.checkSizes(arch); err != nil {
		return err
	}
	if err := c.checkDistill(); err != nil {
		return err
	}
	if err := c.checkModel(); err != nil {
		return err
	}
	if err := c.Updates.check(); err != nil {
		return err
	}
	if err := c.Mixing.check(); err != nil {
		return err
	}
	if err := c.checkCourse(); err != nil {
		return err
	}
	if _, err := c.metrics(c.Task()); err != nil {
		return err
	}
	if err := c.checkMonitor(); err != nil {
		return err
	}
	if err := c.checkRegression(); err != nil {
		return err
	}
	if err := c.checkLabels(); err != nil {
		return err
	}
	if _, err := c.labeler(); err != nil {
		return err
	}
	_, err = c.splitter()
	return err
}

// CheckShards reports why batches of a size, 0 when it is not known yet, cannot be trained in the
// run's shards on a number of ranks.
func (c Config) CheckShards(batch, ranks int) error {
	if err := train.CheckShards(batch, max(c.Shards, 1), ranks); err != nil {
		return fmt.Errorf("--shards %d: %w", max(c.Shards, 1), err)
	}
	return nil
}

// Still reports whether the learning rate is 0, so that no weight changes.
func (c Config) Still() bool {
	rate, err := schedule.ParseRate(c.Rate())
	if err != nil {
		return false
	}
	rates, err := rate.Groups(1)
	return err == nil && rates[0] == 0
}

// baseLR returns the learning rate as one number, if it is one.
func (c Config) baseLR() (float64, bool) {
	var lr float64
	if _, err := fmt.Sscanf(strings.TrimSpace(c.Rate()), "%g", &lr); err != nil || strings.ContainsAny(c.Rate(), "([,") {
		return 0, false
	}
	return lr, lr > 0
}

func (c Config) weights() finetune.Weights {
	switch c.Weights {
	case "none":
		return finetune.RandomWeights()
	case "default":
		return finetune.Pretrained()
	}
	return finetune.WeightsNamed(c.local(cmp.Or(c.WeightsFixed, c.Weights)))
}

// headed returns w with the head that the run asks for.
func (c Config) headed(w finetune.Weights) finetune.Weights {
	switch c.Head {
	case models.OwnHead:
		return w.OwnHead()
	case models.LinearHead:
		return w.LinearHead()
	case models.NeighborsHead:
		return w.NeighborsHead()
	}
	return w
}

// local returns the path of a file or folder that was named relative to Dir.
// What is no such file, an address or the name of a known set, stays as it is.
func (c Config) local(name string) string {
	if c.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	if here, err := os.Getwd(); err == nil && here == c.Dir {
		return name // shorter in messages
	}
	if _, known := datasets.Find(name); known {
		return name
	}
	p := filepath.Join(c.Dir, name)
	if _, err := os.Stat(p); err != nil {
		return name
	}
	return p
}

// maxConfig bounds the bytes of a saved configuration; they have hundreds.
const maxConfig = 1 << 20

// ReadConfig reads a configuration that a run saved.
func ReadConfig(path string) (Config, error) {
	f, size, err := files.Open(path)
	if err != nil {
		return Config{}, err
	}
	defer f.Close()
	if size > maxConfig {
		return Config{}, fmt.Errorf("%s has %d bytes; no run's configuration has more than %d", path, size, maxConfig)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.Check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// streamSeed is the seed of what is random in training.
func (c Config) streamSeed() uint64 { return c.Seed ^ uint64(c.FromDigest)<<32 }
