package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/pretrained"
)

// dataFlags adds the flags that say which pictures are meant, what they are
// called and how they are split. The values in c are the defaults.
func dataFlags(cmd *cobra.Command, c *run.Config) {
	fl := cmd.Flags()
	fl.StringVar(&c.Data, "data", "", "a known set's name (see whippet data list), an address, a folder or an archive; by default the drawn set")
	fl.StringVar(&c.Label, "label", c.Label, "labels: regex:PATTERN on the file name, folder, csv:FILE[:COLUMN], or auto; several a picture: columns:FILE[:COLUMN,COLUMN] with 0 and 1 in a column for each label, or folders (all that a picture, its copies and links to it lie in); columns by name or by number from 0")
	fl.StringVar(&c.LabelDelim, "label-delim", c.LabelDelim, "the column of csv:FILE has any number of labels, separated by this: a space, a semicolon …")
	fl.StringVar(&c.TaskName, "task", c.TaskName, "regression: the columns of --label csv:FILE:COLUMN,COLUMN have numbers to predict (default: classes or labels)")
	fl.StringVar(&c.Range, "range", c.Range, "for regression, LOW,HIGH between which the answers lie (a sigmoid, fastai's y_range); left out, they may be any numbers")
	fl.StringVar(&c.PathColumn, "path-column", c.PathColumn, "column of the table of csv:FILE that names the pictures, by name or by number from 0; by default the one that does")
	fl.StringVar(&c.Valid, "valid", c.Valid, "validation set: a share such as 0.2, folder:TRAIN,VALID, column:NAME, fold:K/N (fold K of N, which together judge every picture once), or auto")
	fl.StringVar(&c.Group, "group", c.Group, "keep pictures that belong together on one side of the split: column:NAME (a patient, an animal), regex:PATTERN on the path below the folder, folder, or duplicates (near-duplicates, which are looked for)")
	fl.BoolVar(&c.Stratify, "stratify", c.Stratify, "keep the shares of the labels on both sides of a random split")
	fl.Uint64Var(&c.SplitSeed, "split-seed", c.SplitSeed, "seed of the random split")
	fl.StringVar(&c.Damaged, "damaged", c.Damaged, "pictures that cannot be read: error, or skip and count them")
}

// learnerFlags are what every command that trains is asked: which pictures, which
// network, and how the work runs on this machine.
type learnerFlags struct {
	run.Config
	json    bool
	threads int
	workers int
	notes   []string // on what was taken over from other settings
}

// flags adds the flags of f. Its settings are the defaults.
func (f *learnerFlags) flags(cmd *cobra.Command) {
	dataFlags(cmd, &f.Config)
	modelFlags(cmd, &f.Config)
	fl := cmd.Flags()
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line")
	fl.IntVar(&f.threads, "threads", 0, "threads that compute; 0 for all cores. It does not change the result")
	fl.IntVar(&f.workers, "workers", 0, "goroutines that decode pictures; 0 for as many as cores. It does not change the result")
}

// setThreads takes the number of threads into use.
func (f *learnerFlags) setThreads() error {
	if f.threads < 0 || f.workers < 0 {
		return errors.New("--threads and --workers must not be negative")
	}
	if f.threads > 0 {
		parallel.SetThreads(f.threads)
	}
	return nil
}

// loaders finds and prepares the data that the settings name.
func (f *learnerFlags) loaders(ctx context.Context, p *printer) (*data.DataLoaders, error) {
	for _, n := range f.notes {
		p.note("note: %s", n)
	}
	if err := f.CheckShards(0, group(ctx).Size()); err != nil {
		return nil, distributed.Everywhere(err)
	}
	root, err := onceAMachine(ctx, func() (string, error) { return f.Prepare(ctx, datasets.WithProgress(p.download)) })
	if err != nil {
		return nil, err
	}
	block, err := f.Block(root)
	if err != nil {
		return nil, err
	}
	// A folder that is not there is said before a download, not after it.
	if _, err := onceAMachine(ctx, func() (struct{}, error) { return struct{}{}, f.fetchWeights(ctx, p) }); err != nil {
		return nil, err
	}
	if _, err := onceAMachine(ctx, func() (struct{}, error) {
		return struct{}{}, f.PrepareTeacher(ctx, pretrained.Options{Progress: p.bytes})
	}); err != nil {
		return nil, err
	}
	block.Workers = f.workers
	dls, err := block.DataLoaders(ctx, root)
	if err != nil {
		return nil, err
	}
	f.Batch = dls.Block.BatchSize
	if err := f.CheckShards(f.Batch, group(ctx).Size()); err != nil {
		dls.Close()
		return nil, distributed.Everywhere(err)
	}
	return dls, nil
}

// fetchWeights downloads the initial weights if they are not here, and says so.
func (f *learnerFlags) fetchWeights(ctx context.Context, p *printer) error {
	if f.Weights == "none" || f.From != "" || f.Data == run.Drawn && f.Weights == "default" {
		return nil
	}
	arch, err := models.ByName(f.Arch)
	if err != nil {
		return fmt.Errorf("--arch: %w", err)
	}
	var w *pretrained.Weights
	o := pretrained.Options{Progress: p.bytes}
	if f.Weights == "default" {
		w, err = pretrained.Default(ctx, arch, o)
	} else {
		w, err = pretrained.Find(ctx, cmp.Or(f.WeightsFixed, f.Weights), arch, o)
	}
	if err == nil {
		_, err = w.Path(ctx)
	}
	if err != nil {
		return fmt.Errorf("--weights %s: %w", f.Weights, err)
	}
	return nil
}

// adaptDefaults adapts the defaults of flags that were not given to those that
// were. Going on from a model takes its architecture and its input's size.
//
// Weights that are named bring their architecture and their way with pictures; so do
// the default ones of networks that timm publishes. Torchvision's default weights are
// fine-tuned by fastai's recipe.
func (f *learnerFlags) adaptDefaults(ctx context.Context, changed func(string) bool) error {
	if changed("batch") && f.Batch == 0 {
		return fmt.Errorf("--batch 0: must be 2 to 65536; without the flag it is %d, or less with fewer pictures", data.DefaultBatchSize)
	}
	if changed("shards") && f.Shards == 0 {
		return errors.New("--shards 0: must be a power of two, from 1 to 65536; without the flag it is 1")
	}
	for flag, value := range map[string]float64{"distill-alpha": f.DistillAlpha, "distill-temperature": f.DistillTemperature} {
		if changed(flag) && value == 0 {
			return fmt.Errorf("--%s 0: must be above 0", flag)
		}
	}
	if f.Shards == 1 {
		f.Shards = 0 // as without the flag
	}
	if err := f.SettleSizes(changed); err != nil {
		return err
	}
	if given := changed; f.Sizes != "" {
		changed = func(flag string) bool { return flag == "size" || given(flag) }
	}
	if f.Data == "" || f.Data == run.Drawn {
		d := run.DefaultDrawn()
		f.Data = d.Data
		set(changed("arch"), &f.Arch, d.Arch)
		set(changed("presize"), &f.Presize, d.Presize)
		set(changed("size"), &f.Size, d.Size)
		set(changed("batch"), &f.Batch, d.Batch)
		set(changed("epochs"), &f.Epochs, d.Epochs)
		set(changed("lr"), &f.LR, d.LR)
	}
	if f.From != "" {
		for _, name := range []string{"arch", "weights"} {
			if changed(name) {
				return fmt.Errorf("--%s does not go with --from: the network and its weights are the saved model's", name)
			}
		}
		notes, err := f.ContinueFrom(changed)
		if err != nil {
			return err
		}
		f.notes = append(f.notes, notes...)
	} else if err := f.adaptToWeights(ctx, changed); err != nil {
		return err
	}
	if f.Optimizer != "" && f.Optimizer != "adam" {
		decay, l2 := f.UsualDecay()
		set(changed("weight-decay"), &f.WeightDecay, decay)
		set(changed("l2"), &f.L2, l2)
	}
	if f.SeveralLabels() {
		set(changed("metrics"), &f.Metrics, "accuracy_multi,f1_score")
	}
	if f.TaskName != "" {
		set(changed("metrics"), &f.Metrics, "rmse,mae,r2_score")
	}
	if f.Weights == "none" || f.From != "" {
		// A random body must not be frozen, nor train at a hundredth of the rate;
		// a model that is trained already needs no frozen epochs.
		set(changed("schedule"), &f.Schedule, "one-cycle")
		set(changed("freeze-epochs"), &f.FreezeEpochs, 0)
	}
	return nil
}

// prepareAs takes over how pictures are prepared for the weights, but for what flags say, and that training may show
// more of a picture than their crop leaves.
func (f *learnerFlags) prepareAs(pre preprocess.Config, changed func(string) bool) {
	set(changed("size"), &f.Size, pre.Size)
	set(changed("presize"), &f.Presize, presizeFor(f.Size))
	set(changed("resize"), &f.Resize, pre.Method)
	set(changed("interpolation"), &f.Interpolation, pre.Interpolation)
	if looser := f.CropPctFor(pre.CropPct); looser != pre.CropPct && !changed("crop-pct") {
		f.notes = append(f.notes, fmt.Sprintf("--crop-pct %g: outside training, as much of a picture's side is looked at as training shows on average; the weights' authors looked at %g", looser, pre.CropPct))
		f.CropPct = looser
	} else {
		set(changed("crop-pct"), &f.CropPct, pre.CropPct)
	}
	if a, err := models.ByName(f.Arch); err == nil && a.Stats() != pre.Stats {
		f.Stats = &pre.Stats
	}
}

// adaptToWeights takes over what the weights say about themselves.
func (f *learnerFlags) adaptToWeights(ctx context.Context, changed func(string) bool) error {
	var arch *models.Architecture // that is asked for
	if changed("arch") || f.Weights == "default" {
		var err error
		if arch, err = models.ByName(f.Arch); err != nil {
			return fmt.Errorf("--arch: %w", err)
		}
	}
	switch f.Weights {
	case "", "none":
		return nil
	case "default":
		if f.Data != run.Drawn && len(arch.Weights) > 0 && arch.Weights[0].Hub != "" {
			f.prepareAs(arch.Weights[0].Preprocess, changed)
		}
		return nil
	}
	w, err := pretrained.Find(ctx, f.Weights, arch, pretrained.Options{})
	if err != nil {
		return fmt.Errorf("--weights: %w", err)
	}
	if w.Arch != nil {
		f.Arch = w.Arch.Name
	}
	if w.Fixed != f.Weights {
		f.WeightsFixed = w.Fixed
	}
	if w.Configured {
		f.prepareAs(w.Preprocess, changed)
	}
	return nil
}

// headFlag is --head: fastai, which settings have as "", own or linear.
type headFlag string

func (h *headFlag) String() string { return cmp.Or(string(*h), "fastai") }
func (h *headFlag) Type() string   { return "head" }
func (h *headFlag) Set(s string) error {
	switch s {
	case "fastai":
		*h = ""
	case models.OwnHead, models.LinearHead:
		*h = headFlag(s)
	default:
		return errors.New("must be fastai, own or linear")
	}
	return nil
}

// presizeFor is the square to which pictures are resized before augmentation: fastai's
// 460 for 224, and in this proportion for larger inputs.
func presizeFor(size int) int { return max(run.Default().Presize, size*2) }

// modelFlags adds the flags that say what is trained and on what input, for
// every command that trains. The values in c are the defaults.
func modelFlags(cmd *cobra.Command, c *run.Config) {
	fl := cmd.Flags()
	fl.StringVar(&c.Arch, "arch", c.Arch, "architecture, as whippet models lists them; left out, that of the weights' configuration")
	fl.StringVar(&c.Weights, "weights", c.Weights, "initial weights: default (the architecture's published ones), none, a name such as IMAGENET1K_V2, timm/resnet50.a1_in1k or hf:ORG/REPO[@REVISION], a folder with config.json, or a .pth or .safetensors file")
	fl.Var((*headFlag)(&c.Head), "head", "fastai (concat pooling and two layers), linear (average pooling and one layer), or own: the architecture's, which torchvision and timm can read")
	fl.StringVar(&c.From, "from", "", "continue from this saved model, head included; data with further classes grows it, and training says what the others lost")
	fl.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "weight decay; with another --optimizer than adam, by default that one's usual")
	fl.Float64Var(&c.LayerDecay, "layer-decay", c.LayerDecay, "let the learning rate fall by this factor from each layer to the one below it, the head having --lr, as timm's --layer-decay does (0.65 to 0.9 is usual); 0 for none")
	fl.IntVar(&c.Batch, "batch", c.Batch, fmt.Sprintf("pictures in a batch (default %d, or less with fewer pictures)", data.DefaultBatchSize))
	fl.IntVar(&c.Shards, "shards", c.Shards, "compute each batch in this many parts, one after the other: large batches in little memory; a power of two (default 1)")
	fl.IntVar(&c.Presize, "presize", c.Presize, "square to which every picture is resized first, in pixels; 0 for none")
	fl.IntVar(&c.Size, "size", c.Size, "side of the network's input, in pixels")
	fl.StringVar(&c.Sizes, "sizes", c.Sizes, "train on pictures of these sizes in pixels one after the other, from small to large: `LIST` such as 128,160,224, between which the epochs are divided, or 128:3,160:3,224:2 with the epochs of each, frozen ones included; the model and validation have the last (default --size throughout)")
	fl.TextVar(&c.Resize, "resize", c.Resize, "`method` by which pictures become square: crop, pad or squish")
	fl.TextVar(&c.Interpolation, "interpolation", c.Interpolation, "`filter` that resizes pictures at first, in training too: bilinear (fastai's), or bicubic (that of most of timm's weights)")
	fl.Float64Var(&c.CropPct, "crop-pct", c.CropPct, "outside training, scale the short side to size/`SHARE` and keep the middle, as timm and torchvision do; 0 resizes to --presize, as fastai does")
	fl.Float64Var(&c.MinScale, "min-scale", c.MinScale, "smallest share of the picture that the random crop keeps")
	fl.BoolVar(&c.Augment, "augment", c.Augment, "flip, rotate, zoom, warp and light training pictures at random")
	fl.Uint64Var(&c.Seed, "seed", 0, "seed of everything else that is random; drawn, printed and recorded when not given")
	fl.BoolVar(&c.TrainBN, "train-bn", c.TrainBN, "let the batch norms of frozen layers train")
	fl.Float64Var(&c.MixUp, "mixup", c.MixUp, "mix pictures with this alpha (fastai: 0.4); 0 for none")
	fl.StringVar(&c.AutoAugment, "auto-augment", c.AutoAugment, "`POLICY` by which training pictures are moved and colored, in place of rotation, zoom, warp and lighting: randaugment, randaugment:OPERATIONS,MAGNITUDE, with --sizes randaugment:OPERATIONS,FIRST-LAST, trivialaugment, augmix or augmix:SEVERITY (default none)")
	fl.Float64Var(&c.CutMix, "cutmix", c.CutMix, "put a rectangle of another picture into each, its area drawn with this `ALPHA` (torchvision: 1), with --mixup this or that to each batch; 0 for none (default 0)")
	fl.Float64Var(&c.Erase, "random-erase", c.Erase, "erase a rectangle of a training picture with this `PROBABILITY`; 0 for none (default 0)")
	fl.IntVar(&c.Repeats, "aug-repeats", c.Repeats, "take each training picture this many `TIMES` in a row, augmented anew, and so a part of the pictures in an epoch (timm's --aug-repeats); 0 for once (default 0)")
	fl.BoolVar(&c.Balance, "balance", c.Balance, "draw training pictures of rare classes as often as those of frequent ones")
	fl.StringVar(&c.Loss, "loss", c.Loss, "loss: cross_entropy (the usual one), focal or bce; for several labels bce (the usual one) or asymmetric; for numbers mse (the usual one), l1 or smooth_l1")
	fl.StringVar(&c.ClassWeights, "class-weights", c.ClassWeights, "weights of the classes in the loss: auto, by how rare they are among the training pictures, or a table CLASS,WEIGHT")
	fl.StringVar(&c.Distill, "distill", c.Distill, "learn from this `MODEL` of the same classes besides the labels, usually a larger one: a model's file, a run's folder or a published name")
	fl.Float64Var(&c.DistillAlpha, "distill-alpha", c.DistillAlpha, "the model's `SHARE` in the loss, up to 1; the labels have the rest (default 0.5)")
	fl.Float64Var(&c.DistillTemperature, "distill-temperature", c.DistillTemperature, "by what the scores of both models are divided before they are compared: the higher, the more small differences count (default 3)")
	fl.BoolVar(&c.DistillHard, "distill-hard", c.DistillHard, "take the model's best class for a second label, as DeiT does, rather than its scores")
	fl.IntVar(&c.DistillSize, "distill-size", c.DistillSize, "side of the pictures that the model sees, in `PIXELS`; smaller is faster (default the size that it was trained with)")
	fl.Float64Var(&c.Smoothing, "label-smoothing", c.Smoothing, "label smoothing (fastai: 0.1); 0 for none")
}

// set gives v the value def unless its flag was given.
func set[T any](given bool, v *T, def T) {
	if !given {
		*v = def
	}
}

// renamed keeps the old name of a flag working for a version, with a note that
// says the new one.
func renamed(cmd *cobra.Command, old, now string) {
	f := *cmd.Flags().Lookup(now)
	f.Name, f.Shorthand, f.Deprecated = old, "", "it is --"+now+" now"
	cmd.Flags().AddFlag(&f)
}
