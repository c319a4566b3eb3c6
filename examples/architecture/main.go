// Architecture is a program that adds to Whippet from outside: an operation
// (hardswish.go), a module and an architecture made with it (network.go). It draws
// pictures of shapes, trains the network on them, saves it, classifies a picture
// with the saved file, and serves the file over HTTP to ask again:
//
//	go run ./examples/architecture
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/predict"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/serve"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// What random numbers are for, besides those of the learner.
const (
	drawing = iota
	initial
)

func main() {
	dir, err := os.MkdirTemp("", "shapes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := models.Register(swishnet); err != nil { // its model files can be read from now on
		log.Fatal(err)
	}
	if err := run(context.Background(), os.Stdout, dir, 60, 8); err != nil {
		log.Fatal(err)
	}
}

// run does it all in dir, with n pictures of each class and so many epochs.
func run(ctx context.Context, out io.Writer, dir string, n, epochs int) error {
	const seed = 42
	if err := drawPictures(dir, n, seed); err != nil {
		return err
	}

	prep := preprocess.Config{Size: side, Stats: preprocess.ImageNetStats}
	items, batches, err := vision.Transforms(prep, vision.NoAugmentation())
	if err != nil {
		return err
	}
	block := data.Block{
		Items: vision.ImageFiles, Label: data.ParentLabel, Split: data.GrandparentSplit("train", "valid"),
		ItemTransforms: items, BatchTransforms: batches, BatchSize: 16, Seed: seed,
	}
	dls, err := block.DataLoaders(ctx, dir)
	if err != nil {
		return err
	}
	defer dls.Close()
	fmt.Fprintf(out, "%d pictures of %q for training, %d for validation\n", len(dls.Train.Items()), dls.Vocab, len(dls.Valid.Items()))

	network := models.NewClassifier(swishnet, len(dls.Vocab), rng.New(seed, initial), models.HeadWidth(64))
	learn, err := train.New(dls, network, train.Metrics(metrics.Accuracy()), train.Seed(seed))
	if err != nil {
		return err
	}
	if err := learn.FitOneCycle(ctx, epochs, schedule.Flat(1e-2)); err != nil {
		return err
	}
	result, err := learn.Validate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s after %d epochs in %d layer groups: validation loss %.3f, accuracy %.3f\n", swishnet, epochs, learn.Groups(), result.Loss, result.Metrics[0])

	file := filepath.Join(dir, "shapes.safetensors")
	if err := models.Save(file, network, models.Info{Vocab: dls.Vocab, Preprocess: prep}); err != nil {
		return err
	}
	p, err := predict.Load(file, predict.Options{})
	if err != nil {
		return err
	}
	picture := dls.Valid.Items()[0].Path
	answer, err := p.File(ctx, picture)
	if err != nil {
		return err
	}
	best := answer.Top(1)[0]
	fmt.Fprintf(out, "the saved model says of a %s: %s, %.3f\n", filepath.Base(filepath.Dir(picture)), best.Label, best.Score)

	body, err := askOverHTTP(ctx, file, picture)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "over HTTP it says: %s\n", body)
	return nil
}

// askOverHTTP serves a model file on a free local port and sends it a picture.
func askOverHTTP(ctx context.Context, model, picture string) (answer []byte, err error) {
	s, err := serve.New(serve.Options{Log: slog.New(slog.DiscardHandler)}, serve.ModelFile{Name: "shapes", Path: model})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()

	b, err := os.ReadFile(picture)
	if err != nil {
		return nil, err
	}
	resp, err := http.Post("http://"+l.Addr().String()+"/predict", "image/png", bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the service answers %s: %s", resp.Status, answer)
	}
	return bytes.TrimSpace(answer), err
}
