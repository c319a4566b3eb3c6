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
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/task"
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

// Several labels a picture, as in fastai's chapter on PASCAL: the column "labels" of a table has them, a space
// between. It is compiled and not run, for want of the pictures.
func ExampleNewLearner_severalLabels() {
	ctx := context.Background()
	block := data.Block{
		Items:           data.CSV{File: "train.csv", PathColumn: "fname", Prefix: "train/", Images: vision.ImageFiles},
		Label:           data.ColumnLabels("labels", " "),
		Split:           data.ColumnSplit("is_valid"),
		Task:            task.MultiLabel, // fastai's MultiCategoryBlock
		ItemTransforms:  vision.Resize(460),
		BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
	}
	dls, err := block.DataLoaders(ctx, "pascal_2007")
	if err != nil {
		log.Fatal(err)
	}
	learn, err := finetune.NewLearner(ctx, dls, models.ResNet34, finetune.Pretrained(), train.Metrics(metrics.AccuracyMulti(0.5)))
	if err != nil {
		log.Fatal(err)
	}
	if err := learn.FineTune(ctx, 3); err != nil {
		log.Fatal(err)
	}
}

// Numbers in place of labels, all pictures of an animal on one side of the split. It is compiled and not run, for want of the
// pictures.
func ExampleNewLearner_numbers() {
	ctx := context.Background()
	age, err := task.NewRegression(0, 20) // fastai's y_range
	if err != nil {
		log.Fatal(err)
	}
	block := data.Block{
		Items:           data.CSV{File: "ages.csv", PathColumn: "file", Images: vision.ImageFiles},
		Label:           data.NumberColumns("age"),
		Split:           data.KeepGroups(data.RandomSplit(0.2, 42), data.ColumnGroups("animal")),
		Task:            age,
		ItemTransforms:  vision.Resize(460),
		BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
	}
	dls, err := block.DataLoaders(ctx, "animals")
	if err != nil {
		log.Fatal(err)
	}
	learn, err := finetune.NewLearner(ctx, dls, models.ResNet34, finetune.Pretrained())
	if err != nil {
		log.Fatal(err)
	}
	if err := learn.FineTune(ctx, 3); err != nil {
		log.Fatal(err)
	}
}

// A small network learns from a larger one that has been trained on the same classes, on pictures that grow. It is
// compiled and not run, as it downloads.
func ExampleNewLearner_teacher() {
	ctx := context.Background()
	path, err := datasets.Untar(ctx, datasets.Pets)
	if err != nil {
		log.Fatal(err)
	}
	pets := data.Block{
		Items:           vision.ImageFiles,
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		ItemTransforms:  vision.Resize(460),
		BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
	}
	dls, err := pets.DataLoaders(ctx, filepath.Join(path, "images"))
	if err != nil {
		log.Fatal(err)
	}
	large, info, err := models.Load("runs/large/model.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	learn, err := finetune.NewLearner(ctx, dls, models.MobileNetV3Small, finetune.Pretrained(), train.Distill(train.Teacher{
		Model: large, Vocab: info.Vocab, Size: info.Preprocess.Size,
		Distillation: loss.Distillation{Alpha: 0.5, Temperature: 3},
	}))
	if err != nil {
		log.Fatal(err)
	}
	if err := learn.FineTune(ctx, 3); err != nil {
		log.Fatal(err)
	}
}
