package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/whippet/internal/run"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
)

// dataFlags adds the flags that say which pictures are meant, what they are
// called and how they are split. The values in c are the defaults.
func dataFlags(cmd *cobra.Command, c *run.Config) {
	fl := cmd.Flags()
	fl.StringVar(&c.Data, "data", "", "a known set's name (see whippet data list), an address, a folder or an archive; by default the drawn set")
	fl.StringVar(&c.Label, "label", c.Label, "labels: regex:PATTERN on the file name, folder, csv:FILE[:COLUMN], or auto; columns by name or by number from 0")
	fl.StringVar(&c.PathColumn, "path-column", c.PathColumn, "column of the table of csv:FILE that names the pictures, by name or by number from 0; by default the one that does")
	fl.StringVar(&c.Valid, "valid", c.Valid, "validation set: a share such as 0.2, folder:TRAIN,VALID, column:NAME, or auto")
	fl.Uint64Var(&c.SplitSeed, "split-seed", c.SplitSeed, "seed of the random split")
	fl.StringVar(&c.Damaged, "damaged", c.Damaged, "pictures that cannot be read: error, or skip and count them")
}

// modelFlags adds the flags that say what is trained and on what input, for
// every command that trains. The values in c are the defaults.
func modelFlags(cmd *cobra.Command, c *run.Config) {
	fl := cmd.Flags()
	fl.StringVar(&c.Arch, "arch", c.Arch, "architecture: "+strings.Join(models.Names(), ", "))
	fl.StringVar(&c.Weights, "weights", c.Weights, "initial weights: default (published, downloaded once), none, or a .pth or .safetensors file")
	fl.StringVar(&c.From, "from", "", "go on from this saved model, head included; its classes must be the data's")
	fl.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "weight decay")
	fl.IntVar(&c.Batch, "batch", c.Batch, fmt.Sprintf("pictures in a batch (default %d, or less with fewer pictures)", data.DefaultBatchSize))
	fl.IntVar(&c.Presize, "presize", c.Presize, "square to which every picture is resized first, in pixels; 0 for none")
	fl.IntVar(&c.Size, "size", c.Size, "side of the network's input, in pixels")
	fl.TextVar(&c.Resize, "resize", c.Resize, "`method` by which pictures become square: crop, pad or squish")
	fl.Float64Var(&c.MinScale, "min-scale", c.MinScale, "smallest share of the picture that the random crop keeps")
	fl.BoolVar(&c.Augment, "augment", c.Augment, "flip, rotate, zoom, warp and light training pictures at random")
	fl.Uint64Var(&c.Seed, "seed", 0, "seed of everything else that is random; drawn, printed and recorded when not given")
	fl.BoolVar(&c.TrainBN, "train-bn", c.TrainBN, "let the batch norms of frozen layers train")
	fl.Float64Var(&c.MixUp, "mixup", c.MixUp, "mix pictures with this alpha (fastai: 0.4); 0 for none")
	fl.Float64Var(&c.Smoothing, "label-smoothing", c.Smoothing, "label smoothing (fastai: 0.1); 0 for none")
}
