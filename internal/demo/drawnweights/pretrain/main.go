// Command pretrain makes the network that the program carries for its
// demonstration: a small ResNet, trained from random weights to tell drawn
// objects apart. It writes resnet10_small-objects.safetensors into the current
// folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/demo/drawnweights"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
	"github.com/whippet-ml/whippet/weights"
)

func main() {
	epochs := flag.Int("epochs", 16, "epochs of one-cycle training")
	perClass := flag.Int("per-class", 300, "pictures of each of the classes")
	size := flag.Int("size", 96, "side of the network's input")
	lr := flag.Float64("lr", 3e-3, "highest learning rate")
	out := flag.String("out", "resnet10_small-objects.safetensors", "file to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := pretrain(ctx, *epochs, *perClass, *size, *lr, *out); err != nil {
		log.Fatal(err)
	}
}

func pretrain(ctx context.Context, epochs, perClass, size int, lr float64, out string) error {
	arch, err := models.ByName(drawnweights.Arch)
	if err != nil {
		return err
	}
	block := data.Block{
		Items:           drawn.Source{Options: drawn.Options{Task: drawn.Objects, Seed: 1, PerClass: perClass, Size: size * 5 / 4}},
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		Split:           data.RandomSplit(0.1, 42),
		BatchTransforms: vision.AugTransforms{Size: size, MinScale: 0.75},
		BatchSize:       32, Seed: 1, Check: data.CheckNone, CacheBytes: 1 << 30,
	}
	dls, err := block.DataLoaders(ctx, "objects")
	if err != nil {
		return err
	}
	l, err := finetune.NewLearner(ctx, dls, arch, finetune.RandomWeights(), train.Seed(1), train.Metrics(metrics.ErrorRate()),
		train.Callbacks(train.CallbackFunc(func(e train.Event, l *train.Learner) error {
			if e == train.AfterEpoch {
				r, _ := l.Recorder.Last()
				fmt.Printf("%d\ttrain %.4f\tvalid %.4f\terror %.4f\t%v\n", r.Epoch, r.TrainLoss, r.ValidLoss, r.Metrics[0], r.Time.Round(time.Second))
			}
			return nil
		})))
	if err != nil {
		return err
	}
	if err := l.FitOneCycle(ctx, epochs, schedule.Flat(lr)); err != nil {
		return err
	}
	f := &weights.File{}
	for _, e := range nn.State(l.Model.Body) {
		f.Arrays = append(f.Arrays, weights.Array{Name: e.Name, Shape: e.Shape, F32: e.Get()})
	}
	return weights.Save(out, f)
}
