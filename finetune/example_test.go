package finetune_test

import (
	"context"
	"fmt"
	"log"
	"path/filepath"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/interpret"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// The chapter on the pets: download, fine-tune, look, improve. It is compiled
// and not run, because it downloads.
func ExampleNewLearner() {
	ctx := context.Background()
	path, err := datasets.Untar(ctx, datasets.Pets)
	if err != nil {
		log.Fatal(err)
	}
	pets := data.Block{
		Items:           vision.ImageFiles,
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		Split:           data.RandomSplit(0.2, 42),
		ItemTransforms:  vision.Resize(460),
		BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
	}
	dls, err := pets.DataLoaders(ctx, filepath.Join(path, "images"))
	if err != nil {
		log.Fatal(err)
	}
	learn, err := finetune.NewLearner(ctx, dls, models.ResNet34, finetune.Pretrained(), train.Metrics(metrics.ErrorRate()))
	if err != nil {
		log.Fatal(err)
	}
	if err := learn.FineTune(ctx, 2); err != nil {
		log.Fatal(err)
	}

	interp, err := interpret.FromLearner(ctx, learn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(interp.ConfusionMatrix().MostConfused(5))

	found, err := learn.LRFind(ctx, schedule.Finder{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Min, found.Steep)
	if err := learn.FitOneCycle(ctx, 3, schedule.Flat(3e-3)); err != nil {
		log.Fatal(err)
	}
	if err := learn.Unfreeze(); err != nil {
		log.Fatal(err)
	}
	if err := learn.FitOneCycle(ctx, 3, schedule.Flat(1e-5)); err != nil {
		log.Fatal(err)
	}
}

// A whole training on pictures that the program draws, small enough to run
// here.
func ExampleNewLearner_drawn() {
	ctx := context.Background()
	block := data.Block{
		Items:           drawn.Source{Options: drawn.Options{PerClass: 8, Size: 48}},
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		Split:           data.RandomSplit(0.2, 42),
		BatchTransforms: vision.AugTransforms{Size: 32},
		BatchSize:       16,
	}
	dls, err := block.DataLoaders(ctx, "drawn")
	if err != nil {
		log.Fatal(err)
	}
	learn, err := finetune.NewLearner(ctx, dls, models.ResNet10Small, finetune.RandomWeights(), train.Metrics(metrics.ErrorRate()))
	if err != nil {
		log.Fatal(err)
	}
	if err := learn.FitOneCycle(ctx, 2, schedule.Flat(1e-3)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(dls.Vocab), "classes,", len(learn.Recorder.Rows), "epochs,", learn.Step, "steps")
	// Output: 10 classes, 2 epochs, 8 steps
}
